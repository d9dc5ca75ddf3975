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
