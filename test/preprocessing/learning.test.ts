import { fromTypedArray, Pipeline, type Recording, signal, simulateMotorImagery } from 'eegtorch'
import { errorOf } from '../thrown.ts'

const recordings = simulateMotorImagery({ subjects: 2, runs: 2, trials: 3, seed: 8 }).pick(['C3', 'Cz', 'C4', 'CPz'])
const tensorOf = (data: Float32Array, shape: number[]) => fromTypedArray(Float64Array.from(data), { shape })

describe('euclidean alignment', () => {
  const prepared = Pipeline.parse([{ filter: [8, 30] }, { windows: [0.5, 2.5] }])
  const withMode = (mode: object) =>
    Pipeline.parse([{ filter: [8, 30] }, { windows: [0.5, 2.5] }, { euclideanAlignment: mode }])

  test.each(['offline', 'running'] as const)('%s aligns each person by the windows of that person', async (mode) => {
    const windows = await prepared.windows(recordings)
    const out = await (await withMode({ mode }).fit(windows, [0])).finish(windows)
    for (const subject of ['SIM01', 'SIM02']) {
      const own = [...windows.labels.keys()].filter((i) => windows.subject(i) === subject)
      const part = windows.subset(own)
      const { aligned } = signal.euclideanAlignment(tensorOf(part.data, [part.length, 4, part.nSamples]), { mode })
      expect([...out.subset(own).data]).toEqual([...Float32Array.from(aligned.toTypedArray() as Float64Array)])
    }
  })

  test('training aligns those it knows by their training windows, others by all of them', async () => {
    const windows = await prepared.windows(recordings)
    const train = [0, 1, 2, 3]
    const fitted = await withMode({}).fit(windows, train)
    const out = await fitted.finish(windows)
    const part = windows.subset(train)
    const reference = signal.euclideanReference(tensorOf(part.data, [4, 4, part.nSamples]))
    const last = windows.subset([windows.length - 1])
    expect(last.subject(0)).toBe('SIM02')
    const expected = signal
      .alignTo(tensorOf(last.data, [1, 4, last.nSamples]), reference)
      .toTypedArray() as Float64Array
    const got = out.window(windows.length - 1)
    expect(Math.max(...got.map((value, i) => Math.abs(value - expected[i]!)))).toBeLessThan(1e-6)
    expect(Pipeline.restore(JSON.parse(JSON.stringify(fitted))).toJSON()).toEqual(fitted.toJSON())
  })

  test('is refused live where it needs the other windows, and with a count that says nothing', async () => {
    const pipeline = withMode({ mode: 'running' })
    const fitted = await pipeline.fit(await prepared.windows(recordings))
    const live = { channels: ['C3', 'Cz', 'C4', 'CPz'], samplingRate: 128 }
    const causal = Pipeline.parse([{ windows: [0.5, 2.5] }, { euclideanAlignment: 'running' }])
    const plain = await causal.fit(await causal.prepared.windows(recordings))
    expect(errorOf(() => fitted.stream(live)).message).toMatch(
      /step 3 \(euclideanAlignment\) cannot be streamed: it needs the other windows/,
    )
    expect(errorOf(() => plain.stream(live)).message).toMatch(/step 2 \(euclideanAlignment\)/)
    expect(errorOf(() => withMode({ mode: 'calibration' })).message).toMatch(/calibration takes the number/)
  })
})

test('a learned limit is that of the training windows, and windows above it are left out of every part', async () => {
  const pipeline = Pipeline.parse([{ windows: [0, 2] }, { rejectPeakToPeak: 'learned' }, 'zscore'])
  const windows = await pipeline.prepared.windows(recordings)
  const train = Array.from({ length: 16 }, (_, i) => i)
  const fitted = await pipeline.fit(windows, train)
  const part = windows.subset(train)
  const limit = signal.peakToPeakThreshold(tensorOf(part.data, [16, 4, part.nSamples]))
  expect(fitted.toJSON().learned[0]).toEqual({ limit })
  const kept = await fitted.finish(windows)
  const spans = signal.peakToPeak(tensorOf(windows.data, [windows.length, 4, windows.nSamples])).toArray() as number[][]
  const quiet = spans.filter((row) => Math.max(...row) <= limit).length
  expect(kept.length).toBe(quiet)
  expect(kept.skipped - windows.skipped).toBe(windows.length - quiet)
})

test('channels marked bad, or named, are interpolated as MNE-Python does', async () => {
  const recording = simulateMotorImagery({ subjects: 1, runs: 1, trials: 1, seed: 3 }).at(0)!
  const names = recording.channels.map(({ name }) => name)
  const x = fromTypedArray(Float64Array.from(recording.read().flatMap((row) => [...row])), {
    shape: [22, recording.nSamples],
  })
  const expected = signal.interpolateChannels(x, [names.indexOf('Cz')], names).toTypedArray() as Float64Array
  const marked = recording.describedBy({
    channels: recording.channels.map((channel) => ({ ...channel, isBad: channel.name === 'Cz' })),
  })
  for (const [input, step] of [
    [recording, { interpolate: ['Cz'] }],
    [marked, 'interpolate'],
  ] as const) {
    const out = (await Pipeline.parse([step]).apply(input)) as Recording
    const [row] = out.read({ channels: ['Cz'] })
    const from = names.indexOf('Cz') * recording.nSamples
    const worst = Math.max(...row!.map((value, i) => Math.abs(value - expected[from + i]!)))
    expect(worst / Math.max(...row!)).toBeLessThan(1e-12)
    expect(out.channels.some(({ isBad }) => isBad)).toBe(false)
  }
  const eyed = marked.describedBy({
    channels: marked.channels.map((channel) =>
      channel.name === 'Fz' ? { ...channel, type: 'eog', isBad: true } : channel,
    ),
  })
  const out = (await Pipeline.parse(['interpolate']).apply(eyed)) as Recording
  expect(out.channels.filter(({ isBad }) => isBad).map(({ name }) => name)).toEqual(['Fz'])
  expect(out.read({ channels: ['Fz'] })).toEqual(recording.read({ channels: ['Fz'] }))
})
