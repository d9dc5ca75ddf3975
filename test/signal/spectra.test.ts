import { randn, signal, type Tensor, tensor } from 'eegtorch'

const fs = 200

/** Largest difference over the largest magnitude of what is expected. */
function distance(actual: Tensor, expected: Tensor): number {
  const double = (values: Tensor) => values.to('float64')
  const largest = (values: Tensor) => values.abs().max().item() as number
  return largest(double(actual).sub(double(expected))) / largest(double(expected))
}

/** Three volts at 10 Hz. */
const rhythm = tensor(Float64Array.from({ length: 2000 }, (_, i) => 3 * Math.sin((2 * Math.PI * 10 * i) / fs)))

test('the power of a rhythm is where and as large as it is', () => {
  const { power, frequencies } = signal.welch(rhythm, { samplingRate: fs, segment: 200, scaling: 'spectrum' })
  expect(frequencies[power.argmax().item() as number]).toBe(10)
  expect(power.max().item()).toBeCloseTo(9 / 2, 10)
  const alpha = signal.bandPower(rhythm, { samplingRate: fs, segment: 200, bands: [[8, 12]] })
  expect(alpha.item()).toBeCloseTo(9 / 2, 2)
  const shares = signal.bandPower(rhythm, {
    samplingRate: fs,
    segment: 200,
    bands: [
      [8, 12],
      [20, 30],
    ],
    relative: true,
  })
  expect(shares.select(0, 0).item()).toBeGreaterThan(0.99)
  expect(shares.select(0, 1).item()).toBeLessThan(1e-6)
  const taper = signal.mneMultitaper(rhythm, { samplingRate: fs, range: [5, 20] })
  expect(taper.frequencies[0]).toBe(5)
  expect(taper.frequencies.at(-1)).toBe(20)
  expect(taper.frequencies[taper.power.argmax().item() as number]).toBeCloseTo(10, 0)
  const morlet = signal
    .mneMorlet(rhythm, { samplingRate: fs, frequencies: [5, 10, 20] })
    .mean(-1)
    .toArray() as number[]
  expect(morlet.indexOf(Math.max(...morlet))).toBe(1)
})

const operations: [string, (x: Tensor) => Tensor][] = [
  ['welch', (x) => signal.welch(x, { samplingRate: fs, segment: 128 }).power],
  ['the median of welch', (x) => signal.welch(x, { samplingRate: fs, segment: 100, average: 'median' }).power],
  ['spectrogram', (x) => signal.spectrogram(x, { samplingRate: fs, segment: 64 }).power],
  ['stft', (x) => signal.stft(x, { samplingRate: fs, segment: 64, overlap: 50 }).spectrum.abs()],
  ['torch_stft', (x) => signal.torchStft(x, { nFft: 64, hop: 16 }).abs()],
  ['stft_image', (x) => signal.stftImages(x, { size: [20, 25] }).exp()],
  ['multitaper', (x) => signal.mneMultitaper(x, { samplingRate: fs }).power],
  ['adaptive multitaper', (x) => signal.mneMultitaper(x, { samplingRate: fs, adaptive: true }).power],
  ['morlet', (x) => signal.mneMorlet(x, { samplingRate: fs, frequencies: [10, 20], output: 'complex' }).abs()],
  ['morlet power', (x) => signal.mneMorlet(x, { samplingRate: fs, frequencies: [10, 20], decimation: 3 })],
]

describe.each(operations)('%s', (_, operation) => {
  const x = randn([2, 3, 700], { dtype: 'float64' })
  const all = operation(x)

  test('takes each signal by itself', () => {
    expect(all.shape.slice(0, 2)).toEqual([2, 3])
    expect(distance(operation(x.select(0, 1).select(0, 2)), all.select(0, 1).select(0, 2))).toBeLessThan(1e-12)
    // signals that do not lie one after the other
    expect(distance(operation(x.transpose(0, 1)), all.transpose(0, 1))).toBeLessThan(1e-12)
  })

  test('gives float32 for float32', () => {
    const single = operation(x.to('float32'))
    expect(single.dtype).toBe('float32')
    expect(distance(single, all)).toBeLessThan(1e-5)
  })
})

test('pieces of a long signal give what the whole gives', () => {
  const x = randn([90_000], { dtype: 'float64' })
  const every = signal.mneMorlet(x, { samplingRate: fs, frequencies: [3, 40] })
  const some = signal.mneMorlet(x, { samplingRate: fs, frequencies: [3, 40], decimation: 9 })
  expect(some.shape).toEqual([2, 10_000])
  expect(distance(some, every.slice(-1, 0, 90_000, 9))).toBeLessThan(1e-10)
  const from = 50_000
  const part = signal.mneMorlet(x.narrow(0, from, 20_000), { samplingRate: fs, frequencies: [3, 40] })
  const inside = (y: Tensor, start: number) => y.narrow(-1, start, 10_000)
  expect(distance(inside(part, 5000), inside(every, from + 5000))).toBeLessThan(1e-10)
})

test('the power of a long signal is the mean of its segments', () => {
  const x = randn([60_000], { dtype: 'float64' })
  const options = { samplingRate: fs, segment: 100, overlap: 0 }
  const { power } = signal.spectrogram(x, { ...options, window: 'hann' })
  expect(distance(signal.welch(x, options).power, power.mean(-1))).toBeLessThan(1e-12)
})

test.each([
  ['segment', () => signal.welch(rhythm, { samplingRate: fs, segment: 2001 })],
  ['overlap', () => signal.welch(rhythm, { samplingRate: fs, segment: 100, overlap: 100 })],
  ['nFft', () => signal.spectrogram(rhythm, { samplingRate: fs, segment: 100, nFft: 50 })],
  ['window', () => signal.welch(rhythm, { samplingRate: fs, window: 'kaiser' as never })],
  ['range', () => signal.welch(rhythm, { samplingRate: fs, range: [101, 200] })],
  ['bands', () => signal.bandPower(rhythm, { samplingRate: fs, bands: [[8, 8.1]] })],
  ['bandwidth', () => signal.mneMultitaper(rhythm, { samplingRate: fs, bandwidth: 0.01 })],
  ['frequencies', () => signal.mneMorlet(rhythm, { samplingRate: fs, frequencies: [0.1] })],
  ['frequencies', () => signal.mneMorlet(rhythm, { samplingRate: fs, frequencies: [] })],
  ['cycles', () => signal.mneMorlet(rhythm, { samplingRate: fs, frequencies: [9, 10, 11], cycles: [1, 2] })],
  ['decimation', () => signal.mneMorlet(rhythm, { samplingRate: fs, frequencies: [9], decimation: 0 })],
  ['nFft', () => signal.torchStft(rhythm, { nFft: 4000, hop: 10 })],
  ['size', () => signal.stftImages(rhythm, { size: [1, 5] })],
])('refuses a wrong %s', (option, run) => {
  expect(run).toThrow(expect.objectContaining({ code: 'INVALID_OPTION', option }))
})

test('a signal too short for a picture is refused', () => {
  expect(() => signal.stftImages(rhythm.narrow(0, 0, 60))).toThrow(expect.objectContaining({ code: 'SHAPE_MISMATCH' }))
})
