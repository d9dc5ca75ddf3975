import { controlWindows, EegWindows } from 'eegtorch'
import { rejectionOf } from '../thrown.ts'

const [CHANNELS, SAMPLES] = [2, 400]

/** Trials of a recording: each sample is ten times the number of the window plus a wave, the second channel ten times as large. */
function makeWindows(labels: readonly number[]): EegWindows {
  const data = Float32Array.from({ length: labels.length * CHANNELS * SAMPLES }, (_, i) => {
    const channel = Math.floor(i / SAMPLES) % CHANNELS
    return (10 * Math.floor(i / (CHANNELS * SAMPLES)) + Math.sin(i)) * 10 ** channel
  })
  return new EegWindows({
    ...{ data, nSamples: SAMPLES, samplingRate: 100, classNames: ['face', 'house'], channelNames: ['Oz', 'Pz'] },
    origins: labels.map((label, i) => ({ recording: 0, trial: i + 1, onset: i, start: SAMPLES * i, label })),
    recordings: [{ name: 'one', identity: 'one', subject: 'S1', session: undefined, run: undefined }],
  })
}

const numberOf = (windows: EegWindows, i: number) => Math.round(windows.window(i)[0]! / 10)
const statistics = (values: Float32Array) => {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length
  return [mean, Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length)] as const
}

test('shuffled EEG is that of another class, or else of another trial, and stays what it is when there are more trials', async () => {
  const labels = [0, 1, 0, 1, 1, 0]
  const windows = makeWindows(labels)
  const shuffled = await controlWindows(windows, 'shuffled', { seed: 3 })
  expect(shuffled.origins).toEqual(windows.origins)
  const taken = labels.map((_, i) => numberOf(shuffled, i))
  expect(taken.map((other, i) => labels[other] !== labels[i])).toEqual(labels.map(() => true))
  const fewer = await controlWindows(windows, 'shuffled', { seed: 3, count: 2 })
  expect([fewer.length, numberOf(fewer, 0), numberOf(fewer, 1)]).toEqual([2, taken[0], taken[1]])
  const seeds = [0, 1, 2, 4, 5].map((seed) => controlWindows(windows, 'shuffled', { seed }))
  const first = (await Promise.all(seeds)).map((other) => numberOf(other, 0))
  expect(new Set(first).size).toBeGreaterThan(1)
  const alone = await controlWindows(makeWindows([0, 0]), 'shuffled')
  expect([numberOf(alone, 0), numberOf(alone, 1)]).toEqual([1, 0])
  expect(await rejectionOf(controlWindows(makeWindows([0]), 'shuffled'))).toMatchObject({ option: 'controls' })
})

test('random EEG has the mean and deviation of each channel and nothing of its trial', async () => {
  const windows = makeWindows([0, 1, 0, 1, 1, 0])
  const random = await controlWindows(windows, 'random', { seed: 1, count: 5 })
  expect([random.length, random.origins[4]]).toEqual([5, windows.origins[4]])
  const channelOf = (of: EegWindows, window: number, channel: number) =>
    of.window(window).slice(channel * SAMPLES, (channel + 1) * SAMPLES)
  for (const channel of [0, 1]) {
    const all = Float32Array.from([0, 1, 2, 3, 4, 5].flatMap((i) => [...channelOf(windows, i, channel)]))
    const [mean, deviation] = statistics(all)
    for (const window of [0, 4]) {
      const [noiseMean, noiseDeviation] = statistics(channelOf(random, window, channel))
      expect(Math.abs(noiseMean - mean)).toBeLessThan((4 * deviation) / Math.sqrt(SAMPLES))
      expect(noiseDeviation / deviation).toBeGreaterThan(0.85)
      expect(noiseDeviation / deviation).toBeLessThan(1.15)
    }
  }
  expect(random.window(0)).not.toEqual(random.window(4))
  const fewer = await controlWindows(windows, 'random', { seed: 1, count: 1 })
  expect(fewer.window(0)).toEqual(random.window(0))
})
