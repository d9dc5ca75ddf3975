import { arange, asyncSignal, manualSeed, noGrad, ones, ops, randn, signal, tensor } from 'eegtorch'
import { worstDifference } from './worst-difference.ts'

test('what comes back has the dtype and the shape of what went in', () => {
  const x = tensor([[[1, 2, 4, 9]], [[0, 1, 0, 5]]])
  for (const y of [signal.zscore(x), signal.detrend(x), signal.detrend(x, { type: 'constant' })])
    expect([y.dtype, y.shape]).toEqual(['float32', [2, 1, 4]])
})

test('a line is a trend, and nothing is left of it', () => {
  const x = tensor([1, 3, 5, 7], { dtype: 'float64' })
  expect(signal.detrend(x).toArray()).toEqual([0, 0, 0, 0])
  expect(signal.detrend(x, { type: 'constant' }).toArray()).toEqual([-3, -1, 1, 3])
})

test('nothing straight is left of a long recording, and a mean of many channels is taken piece by piece', () => {
  manualSeed(3)
  const [channels, samples] = [40, 70_001]
  const x = randn([channels, samples], { dtype: 'float64' }).add(arange(0, samples, 1, { dtype: 'float64' }).mul(1e-3))
  const time = arange(0, samples, 1, { dtype: 'float64' }).sub((samples - 1) / 2)
  const centred = x.sub(x.mean([1], true))
  const slopes = centred.matmul(time).div(time.square().sum()).unsqueeze(1)
  expect(worstDifference(signal.detrend(x), centred.sub(slopes.mul(time)))).toBeLessThan(1e-12)
  expect(worstDifference(signal.rereference(x), x.sub(x.mean([0], true)))).toBeLessThan(1e-14)
  const linked = x.select(0, 3).add(x.select(0, 8)).div(2)
  expect(worstDifference(signal.rereference(x, [3, 8]), x.sub(linked))).toBeLessThan(1e-14)
  const directions = randn([2, channels], { dtype: 'float64' })
  const basis = ops.aten.linalg_qr(directions.t())[0]
  const without = x.sub(basis.matmul(basis.t().matmul(x)))
  expect(worstDifference(signal.projectOut(x, directions), without)).toBeLessThan(1e-12)
})

test('segments at both ends of a long signal reach into zeros', () => {
  manualSeed(4)
  const [segment, samples] = [300, 70_001]
  const x = randn([2, samples], { dtype: 'float64' })
  const { spectrum } = signal.stft(x, { samplingRate: 100, segment, overlap: 100 })
  const padded = ops.aten.constant_pad_nd(x, [150, 350])
  const window = ops.aten.hann_window(segment, { dtype: 'float64' })
  for (const k of [0, 1, 108, 109, 110, 349, 350]) {
    const frame = padded
      .narrow(1, 200 * k, segment)
      .mul(window)
      .div(window.sum())
    const expected = ops.aten.view_as_real(ops.aten.fft_rfft(frame))
    expect(worstDifference(ops.aten.view_as_real(spectrum.select(-1, k)), expected)).toBeLessThan(1e-12)
  }
})

test('a signal that never changes has no z-score', () => {
  expect(signal.zscore(tensor([0.1, 0.1, 0.1])).toArray()).toEqual([Number.NaN, Number.NaN, Number.NaN])
})

test('promises give the same, and the same errors', async () => {
  const x = tensor([1, 2, 4, 8], { dtype: 'float64' })
  expect((await asyncSignal.zscore(x, { ddof: 1 })).toArray()).toEqual(signal.zscore(x, { ddof: 1 }).toArray())
  const cancelled = asyncSignal.until(AbortSignal.abort()).detrend(x)
  await expect(cancelled).rejects.toMatchObject({ code: 'CANCELLED' })
  await expect(asyncSignal.zscore(x, { ddof: 4 })).rejects.toMatchObject({ code: 'INVALID_OPTION', option: 'ddof' })
  await expect(asyncSignal.detrend(x, { type: 'cubic' as never })).rejects.toMatchObject({ option: 'type' })
})

test('what is no signal is refused', () => {
  expect(() => signal.zscore(tensor([1, 2], { dtype: 'int64' }))).toThrow('expected float32 or float64, received int64')
  expect(() => signal.detrend(ones([3, 0]))).toThrow('at least one sample')
  expect(() => signal.zscore(tensor([1, 2]), { ddof: 2 })).toThrow('from 0 to 1')
  expect(() => signal.detrend([1, 2] as never)).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }))
})

test('a gradient is not lost in silence', () => {
  const x = ones([4], { requiresGrad: true })
  expect(() => signal.detrend(x)).toThrow('has no gradient')
  expect(noGrad(() => signal.detrend(x)).requiresGrad).toBe(false)
})
