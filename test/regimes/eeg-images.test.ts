import { addNoise, EegImages, fromTypedArray, manualSeed, snrGained, type Tensor } from 'eegtorch'
import { useOneThread } from '../one-thread.ts'
import { noise } from './networks.ts'

useOneThread()

const RATE = 160

/** Windows of one sine in microvolts with a little noise: (windows, 2 channels, samples). */
function sines(hertz: number, samples = 512): Tensor {
  const data = Float32Array.from(
    { length: 3 * 2 * samples },
    (_, i) => 1e-5 * Math.sin((2 * Math.PI * hertz * (i % samples)) / RATE),
  )
  return fromTypedArray(data, { shape: [3, 2, samples] }).add(noise([3, 2, samples]).mul(1e-7)) as Tensor
}

test('a sine is a bright line at its frequency, from 0 Hz to half the sampling rate', () => {
  // 126 samples of window: rows are 160 / 126 Hz apart.
  const eeg = sines((16 * RATE) / 126)
  const images = EegImages.fit(eeg).draw(eeg)
  expect(images.shape).toEqual([3, 2, 64, 64])
  const rows = Array.from(images.mean([0, 1, 3]).toTypedArray() as Float32Array)
  // The line is as wide as the window's main lobe.
  const elsewhere = rows.filter((_, row) => Math.abs(row - 16) > 2)
  expect(Math.min(...rows.slice(15, 18)) - Math.max(...elsewhere)).toBeGreaterThan(0.3)
  const values = images.toTypedArray() as Float32Array
  expect([Math.min(...values) >= 0, Math.max(...values) <= 1]).toEqual([true, true])
})

test('a pixel is the log power of a Hann window around its time', () => {
  const eeg = noise([1, 1, 512]).to('float64') as Tensor
  const images = new EegImages({ size: [64, 64], low: [-20], high: [20] })
  const pixel = images.draw(eeg).select(0, 0).select(0, 0).select(0, 10).select(0, 30).item() as number
  const samples = eeg.toTypedArray() as unknown as Float64Array
  let [re, im] = [0, 0]
  for (let t = 0; t < 126; t++) {
    const value = samples[30 * 8 - 63 + t]! * (0.5 - 0.5 * Math.cos((2 * Math.PI * t) / 126))
    re += value * Math.cos((2 * Math.PI * 10 * t) / 126)
    im -= value * Math.sin((2 * Math.PI * 10 * t) / 126)
  }
  expect(pixel).toBeCloseTo((Math.log(re * re + im * im) + 20) / 40, 6)
})

test('signals come back from their images; what lies beyond the last whole move is left out', () => {
  const eeg = noise([2, 3, 515]).mul(1e-5) as Tensor
  const wide = new EegImages({ size: [64, 64], low: [-60, -60, -60], high: [10, 10, 10] })
  const back = wide.restore(wide.draw(eeg), eeg)
  expect(back.shape).toEqual([2, 3, 512])
  expect(wide.shown(515)).toBe(512)
  const wrong = back
    .sub(eeg.narrow(2, 0, 512))
    .abs()
    .max()
    .item() as number
  expect(wrong).toBeLessThan(1e-9)
})

test('scales are plain data', () => {
  const images = EegImages.fit(sines(10), { size: [32, 16] })
  const again = new EegImages(JSON.parse(JSON.stringify(images)))
  expect(
    again
      .draw(sines(10))
      .sub(images.draw(sines(10)))
      .abs()
      .max()
      .item(),
  ).toBe(0)
})

test.each([
  [noise([2, 1, 63]), 'the signals are too short for images of this size'],
  [noise([2, 3, 512]), 'the images were fitted on other channels'],
])('windows that do not fit are refused', (eeg, message) => {
  expect(() => EegImages.fit(noise([2, 1, 512])).draw(eeg)).toThrow(message)
  expect(() => EegImages.fit(noise([2, 1, 63]))).toThrow('too short')
})

describe('noise', () => {
  test('has the level that was asked for, in every window and channel alike, whatever the seed of others', () => {
    const eeg = noise([4, 2, 4000]).mul(1e-5).add(3e-4) as Tensor
    const noisy = addNoise(eeg, { snr: 6, seed: 2 })
    const power = (x: Tensor) =>
      x
        .sub(x.mean([2], true))
        .square()
        .mean([2])
    const ratios = power(eeg)
      .div(power(noisy.sub(eeg)))
      .log10()
      .mul(10)
      .toTypedArray() as Float32Array
    for (const ratio of ratios) expect(Math.abs(ratio - 6)).toBeLessThan(0.3)
    manualSeed(5)
    expect(addNoise(eeg, { snr: 6, seed: 2 }).sub(noisy).abs().max().item()).toBe(0)
    expect(addNoise(eeg, { snr: 6, seed: 3 }).sub(noisy).abs().max().item()).toBeGreaterThan(0)
  })

  test('half the error is 6.02 dB', () => {
    const clean = noise([2, 1, 100])
    const noisy = addNoise(clean, { snr: 0 })
    const gains = snrGained(clean, noisy, clean.add(noisy).div(2))
    for (const gain of gains) expect(gain).toBeCloseTo(20 * Math.log10(2), 4)
  })
})
