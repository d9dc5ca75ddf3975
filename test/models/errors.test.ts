import { EegTorchError, models, ones, zeros } from 'eegtorch'
import { errorOf } from '../thrown.ts'

test.each([
  [() => models.create('egnet' as 'eegnet'), 'UNKNOWN_NAME', 'no model is called egnet. Did you mean eegnet?'],
  [
    () => models.create('eegnet', { chanels: 22 }),
    'INVALID_OPTION',
    'eegnet has no option chanels. Did you mean nChans?',
  ],
  [
    () => models.eegnet({ nChans: 'many' as never }),
    'INVALID_OPTION',
    'eegnet: option nChans is not valid: expected integer, received "many"',
  ],
  [
    () => models.eegnet({ nChans: 2.5 }),
    'INVALID_OPTION',
    'eegnet: option nChans is not valid: expected integer, received 2.5',
  ],
  [
    () => models.eegnet({ nChans: 0 }),
    'INVALID_OPTION',
    'eegnet: option nChans is out of range: expected an integer from 1 to 2147483647, received 0',
  ],
  [
    () => models.eegnet({ poolMode: 'avg' as never }),
    'INVALID_OPTION',
    "eegnet: option poolMode is not valid: expected 'mean' | 'max', received \"avg\"",
  ],
  [
    () => models.eegnet({ dropProb: 1.5 }),
    'INVALID_OPTION',
    'eegnet: option dropProb is out of range: expected a number from 0 to 1, received 1.5',
  ],
  [
    () => models.eegnet({ nTimes: 20 }),
    'INVALID_OPTION',
    'eegnet: option nTimes is out of range: expected enough samples for one step after both poolings, received 20',
  ],
  [
    () => models.eegnet({ finalConvLength: 99 }),
    'INVALID_OPTION',
    'eegnet: option finalConvLength is out of range: expected 1 to 31, received 99',
  ],
  [
    () => models.aaeEncoder({ imageSize: [64, 60] }),
    'INVALID_OPTION',
    'aae_encoder: option imageSize is out of range: expected multiples of 16, received 60',
  ],
  [() => models.convNet({ nTimes: Number.NaN }), 'INVALID_OPTION', /nTimes is not valid/],
  [() => models.lstmEeg({ hiddenSize: 2 ** 31 - 1 }), 'OUT_OF_MEMORY', /./],
  [() => models.create('eegnet', [] as never), 'INVALID_OPTION', /options are not an object/],
])('a wrong option is one clear error (%#)', (run, code, message) => {
  const error = errorOf(run)
  expect(error).toBeInstanceOf(EegTorchError)
  expect(error.code).toBe(code)
  expect(error.message).toEqual(typeof message === 'string' ? message : expect.stringMatching(message))
})

test('an error names the option at fault', () => {
  expect(errorOf(() => models.eegnet({ nTimes: 20 })).option).toBe('nTimes')
})

test('a wrong input says what the network expects', () => {
  using net = models.eegnet()
  const error = errorOf(() => net.forward(zeros([64, 64, 480])))
  expect(error.code).toBe('SHAPE_MISMATCH')
  expect(error.message).toBe('eegnet expects (batch, 22 channels, 1000 samples), received (64, 64, 480)')
  expect(error.received).toBe('(64, 64, 480)')
  expect(errorOf(() => net.forward(zeros([2, 22, 1000], { dtype: 'float64' }))).code).toBe('DTYPE_MISMATCH')
  expect(errorOf(() => net.forward()).message).toMatch(/number of inputs: expected 1, received 0/)
  expect(errorOf(() => net.forward([1, 2] as never)).code).toBe('INVALID_OPTION')
  expect(errorOf(() => net.run({ eg: ones([1]) } as never)).message).toBe('eegnet lacks input eeg: expected eeg')
})

test('an asynchronous call rejects with the same error', async () => {
  using net = models.lstmEeg({ nChans: 3 })
  await expect(net.forwardAsync(zeros([2, 4, 128]))).rejects.toMatchObject({
    code: 'SHAPE_MISMATCH',
    message: 'lstm_eeg expects (batch, 3 channels, 128 samples), received (2, 4, 128)',
  })
})

test('weights that do not fit are listed, and nothing is copied', () => {
  using small = models.eegnet({ nChans: 4, nTimes: 160 })
  using large = models.eegnet({ nChans: 8, nTimes: 160, nOutputs: 2 })
  const before = large.stateDict()['conv_temporal.weight']!.clone()
  const { 'bnorm_1.bias': _, ...state } = small.stateDict()
  const error = errorOf(() => large.loadStateDict({ ...state, extra: zeros([1]) }))
  expect(error.code).toBe('CHECKPOINT_MISMATCH')
  expect(error.message).toBe(
    'the weights do not fit this eegnet: missing bnorm_1.bias; wrong conv_spatial.parametrizations.weight.original is ' +
      '(16, 1, 4, 1) instead of (16, 1, 8, 1), final_layer.conv_classifier.weight is (4, 16, 1, 5) instead of (2, 16, 1, 5), ' +
      'final_layer.conv_classifier.bias is (4) instead of (2); unexpected extra',
  )
  expect(large.stateDict()['conv_temporal.weight']!.equal(before)).toBe(true)
})

test('a model refuses a device that is not there and a dtype that is no real number', () => {
  using net = models.lstmEeg({ nChans: 2 })
  expect(errorOf(() => net.to('cuda:99')).code).toBe('DEVICE_MISMATCH')
  expect(errorOf(() => net.to({ dtype: 'int64' as never })).code).toBe('DTYPE_MISMATCH')
})
