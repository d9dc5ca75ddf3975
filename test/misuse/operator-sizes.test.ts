import { EegTorchError, ones, ops, type Tensor, zeros } from 'eegtorch'

const kernels = ops.namespace('eegtorch')

interface Norm {
  weight: Tensor
  bias: Tensor
  mean: Tensor | null
  variance: Tensor | null
}

const norm = (channels: number): Norm => ({
  weight: ones([channels]),
  bias: zeros([channels]),
  mean: zeros([channels]),
  variance: ones([channels]),
})

const tensorsOf = ({ weight, bias, mean, variance }: Norm) => [weight, bias, mean, variance]

function filterBank(of: Norm, { training = false, padding = 1, filters = 2, signals = 4 } = {}): Tensor {
  const [eeg, temporal, spatial] = [ones([2, 3, 8]), ones([filters, 1, 1, 3]), ones([signals, 1, 3, 1])]
  return kernels.filter_bank!(eeg, temporal, ...tensorsOf(of), training, 0.1, 1e-5, spatial, padding) as Tensor
}

function eluPool(of: Norm, training = false): Tensor {
  return kernels.batch_norm_elu_pool!(ones([2, 4, 1, 8]), ...tensorsOf(of), training, 0.1, 1e-5, 2, 2, false) as Tensor
}

test('sizes that agree are computed with', () => {
  expect(filterBank(norm(2)).shape).toEqual([2, 4, 1, 8])
  expect(eluPool(norm(4)).shape).toEqual([2, 4, 1, 4])
})

test.each([
  ['negative padding', () => filterBank(norm(2), { padding: -1 }), 'padding must be 0 or more'],
  ['no filters', () => filterBank(norm(0), { filters: 0, signals: 0 }), 'one filter or more'],
  ['no signals', () => filterBank(norm(2), { signals: 0 }), 'spatial must be'],
  ['a norm of fewer filters', () => filterBank(norm(1)), 'for each of 2 channels'],
  ['a norm of fewer channels', () => eluPool(norm(3)), 'for each of 4 channels'],
  ['a norm of more channels', () => eluPool(norm(5)), 'for each of 4 channels'],
  ['a mean without a variance', () => eluPool({ ...norm(4), variance: null }), 'together'],
])('%s is refused', (_, call, message) => {
  expect(call).toThrow(EegTorchError)
  expect(call).toThrow(message)
})

test('running statistics of another size stay as they were', () => {
  const wrong = { ...norm(4), variance: ones([3]) }
  expect(() => eluPool(wrong, true)).toThrow('for each of 4 channels')
  expect(wrong.mean!.toArray()).toEqual([0, 0, 0, 0])
})
