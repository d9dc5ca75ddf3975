import { type EegWindows, Pipeline, type Recording, simulateMotorImagery } from 'eegtorch'
import { errorOf } from '../thrown.ts'

const recording = simulateMotorImagery({ subjects: 1, runs: 1, trials: 3, seed: 5 }).at(0)!
const rows = recording.read()
const { samplingRate } = recording
const channels = recording.channels.map(({ name }) => name)

const CAUSAL = [
  { pick: ['C3', 'Cz', 'C4'] },
  { unit: 'uV' },
  { reference: 'average' },
  { filter: { band: [0.5, 30], order: 5, phase: 'forward' } },
  'rectify',
  { scale: 0.01 },
] as const

/** What a stream gives of the recording, in chunks of some samples. */
async function streamed(stream: ReturnType<Pipeline['stream']>, size: number, stop = rows[0]!.length) {
  const pieces: Float64Array[][] = []
  const windows: EegWindows[] = []
  for (let at = 0; at < stop; at += size) {
    const end = Math.min(stop, at + size)
    const events = recording.events
      .filter(({ sample }) => sample >= at && sample < end)
      .map(({ label, sample }) => ({ label, sample: sample - at }))
    const out = await stream.push(
      rows.map((row) => row.subarray(at, end)),
      events,
    )
    pieces.push(out.samples)
    windows.push(...out.windows)
  }
  const samples = stream.channels.map((_, channel) => pieces.flatMap((piece) => [...piece[channel]!]))
  return { samples, windows }
}

test.each([1, 7, 64, 1000])(
  'chunks of %d samples give the numbers of the whole recording, to the last bit',
  async (size) => {
    const pipeline = Pipeline.parse(CAUSAL)
    const whole = (await pipeline.apply(recording)) as Recording
    const stop = size === 1 ? 600 : rows[0]!.length
    const stream = pipeline.stream({ channels, samplingRate })
    const { samples } = await streamed(stream, size, stop)
    expect(stream.channels).toEqual(whole.channels)
    expect(samples).toEqual(whole.read().map((row) => [...row.subarray(0, stop)]))
  },
)

test.each([7, 64])('windows are complete with their last sample, in chunks of %d', async (size) => {
  const pipeline = Pipeline.parse([...CAUSAL, { windows: { from: -0.5, to: 1.5, baseline: [-0.25, 0] } }, 'zscore'])
  const fitted = await pipeline.fit(await pipeline.prepared.windows(recording))
  const whole = await fitted.windows(recording)
  const { windows } = await streamed(fitted.stream({ channels, samplingRate }), size)
  expect(windows.length).toBe(whole.length)
  for (const [i, window] of windows.entries()) {
    expect(window.data).toEqual(whole.window(i))
    expect(window.origins[0]).toEqual({ ...whole.origins[i], label: 0 })
    expect(window.classNames).toEqual([whole.classNames[whole.labels[i]!]])
    expect(window.pipeline).toBe(pipeline.hash)
  }
})

test('events that are no trials, or too early, give no window', async () => {
  const stream = Pipeline.parse([{ windows: { from: -1, to: 0, events: ['go'] } }]).stream({
    channels: ['C3'],
    samplingRate: 100,
  })
  const chunk = [new Float64Array(100).fill(1)]
  const early = await stream.push(chunk, [
    { label: 'go', sample: 50 },
    { label: 'stop', sample: 99 },
  ])
  const late = await stream.push(chunk, [{ label: 'go', sample: 5 }])
  expect([early.windows, late.windows.map(({ origins }) => origins[0]!.trial)]).toEqual([[], [3]])
})

test('after a reset nothing is remembered', async () => {
  const stream = Pipeline.parse([{ filter: { band: [1, 30], phase: 'forward' } }]).stream({
    channels: ['C3'],
    samplingRate,
  })
  const first = await stream.push([rows[0]!.subarray(0, 100)])
  await stream.push([rows[0]!.subarray(100, 200)])
  stream.reset()
  expect(await stream.push([rows[0]!.subarray(0, 100)])).toEqual(first)
})

test.each([
  [[{ filter: [4, 38] }], /step 1 \(filter\) cannot be streamed: phase 'zero' looks ahead/],
  [['rectify', { detrend: 'linear' }], /step 2 \(detrend\) cannot be streamed: it needs the whole signal/],
  [[{ zscore: 'itself' }], /step 1 \(zscore\) cannot be streamed: .* movingStandardise is causal/],
  [[{ crop: [1, 2] }], /step 1 \(crop\) cannot be streamed/],
  [[{ windows: [0, 1] }, 'zscore'], /step 2 \(zscore\) must be fitted first/],
] as const)('%j is refused by name', (steps, message) => {
  expect(errorOf(() => Pipeline.parse(steps).stream({ channels, samplingRate })).message).toMatch(message)
})

test('a chunk that does not fit is refused', async () => {
  const stream = Pipeline.parse([{ windows: [0, 1] }]).stream({ channels: ['C3', 'C4'], samplingRate })
  const row = new Float64Array(5)
  await expect(stream.push([row])).rejects.toThrow(/expected 2 arrays of equal length/)
  await expect(stream.push([row, row.subarray(1)])).rejects.toThrow(/lengths 5, 4/)
  await expect(stream.push([row, row], [{ label: 'go', sample: 5 }])).rejects.toThrow(/not within its chunk/)
})
