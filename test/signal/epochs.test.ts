import { arange, fixedLengthEvents, randn, signal, stack, zeros } from 'eegtorch'

const samplingRate = 100

test('an epoch holds both its ends, without its baseline', () => {
  const x = arange(0, 1000, 1, { dtype: 'float64' }).reshape([1, 1000])
  const options = { samplingRate, tmin: -0.1, tmax: 0.2 }
  const { data, kept } = signal.mneEpochs(x, [5, 10, 500, 979, 980], options)
  expect(kept).toEqual([1, 2, 3])
  expect(data.shape).toEqual([3, 1, 31])
  expect(data.select(0, 1).select(0, 0).toArray()).toEqual(Array.from({ length: 31 }, (_, i) => 490 + i))
  const corrected = signal.mneEpochs(x, [500], { ...options, baseline: [null, 0] }).data
  expect(corrected.narrow(-1, 0, 11).mean().item()).toBe(0)
  expect(signal.mneEpochs(stack([x, x.mul(2)]), [500], options).data.shape).toEqual([2, 1, 1, 31])
  expect(signal.mneEpochs(x, [], options).data.shape).toEqual([0, 1, 31])
})

test('events of fixed length fill the recording', () => {
  expect(fixedLengthEvents(1000, { samplingRate, duration: 3 })).toEqual([0, 300, 600])
  expect(fixedLengthEvents(1000, { samplingRate, duration: 3, overlap: 2, start: 5, stop: 9.5 })).toEqual([500, 600])
  for (const wrong of [{ duration: 0 }, { duration: 11 }, { overlap: 1 }])
    expect(() => fixedLengthEvents(1000, { samplingRate, ...wrong })).toThrow('events of fixed length')
})

test('the threshold of training epochs keeps the quiet and rejects the loud', () => {
  const x = randn([40, 3, 100], { dtype: 'float64' })
  const loud = [7, 8, 31]
  for (const i of loud) x.select(0, i).select(0, 1).mul_(30)
  const threshold = signal.peakToPeakThreshold(x)
  expect(signal.peakToPeak(x).shape).toEqual([40, 3])
  expect(threshold).toBeLessThan(20)
  const kept = signal.keepQuiet(x, threshold)
  expect(kept.filter((i) => loud.includes(i))).toEqual([])
  expect(kept.length).toBeGreaterThan(20)
  x.select(0, kept[0]!).fill_(Number.NaN)
  expect(signal.keepQuiet(x, threshold)).toEqual(kept.slice(1))
  expect(() => signal.peakToPeakThreshold(x)).toThrow('not a number')
})

test.each([
  ['baseline', () => signal.mneEpochs(zeros([1, 500]), [250], { samplingRate, tmin: 0, tmax: 1, baseline: [-1, 0] })],
  ['length', () => signal.mneEpochs(zeros([1, 500]), [250], { samplingRate, tmin: 0, tmax: 10 })],
  ['folds', () => signal.peakToPeakThreshold(zeros([4, 1, 10]))],
])('refuses a wrong %s', (option, run) => {
  expect(run).toThrow(expect.objectContaining({ code: 'INVALID_OPTION', option }))
})
