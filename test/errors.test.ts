import { EegTorchError } from 'eegtorch'

test('an error names the file, what was expected and what was received', () => {
  const error = new EegTorchError('FILE_TRUNCATED', 'too short', {
    file: 'a.edf',
    expected: '3 records',
    received: '2',
  })
  expect(error.message).toBe('a.edf: too short: expected 3 records, received 2')
  expect(error).toMatchObject({ code: 'FILE_TRUNCATED', file: 'a.edf', name: 'EegTorchError [FILE_TRUNCATED]' })
  expect(error).toBeInstanceOf(Error)
})

test('a message that names expected and received in its own words does not repeat them', () => {
  const shapes = { expected: '(batch, 22 channels)', received: '(64, 8)' }
  const error = new EegTorchError('SHAPE_MISMATCH', 'eegnet expects (batch, 22 channels), received (64, 8)', shapes)
  expect(error.message).toBe('eegnet expects (batch, 22 channels), received (64, 8)')
  expect(error).toMatchObject(shapes)
})
