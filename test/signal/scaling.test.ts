import { asyncSignal, noGrad, ones, signal, tensor } from 'eegtorch'

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
