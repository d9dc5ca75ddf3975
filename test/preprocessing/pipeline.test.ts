import { EegWindows, Pipeline, Recording, Standardiser, simulateMotorImagery } from 'eegtorch'
import { errorOf } from '../thrown.ts'

const recordings = simulateMotorImagery({ subjects: 1, runs: 2, trials: 3, seed: 4 })
const recording = recordings.at(0)!
const STEPS = [
  { pick: ['C3', 'Cz', 'C4'] },
  { unit: 'uV' },
  { reference: 'average' },
  { filter: [4, 38] },
  { windows: [0.5, 2.5] },
  'zscore',
] as const

describe('the schema', () => {
  const YAML = `
name: motor
steps:
  - pick: [C3, Cz, C4]
  - unit: { to: uV }
  - reference: average
  - filter: { phase: zero, band: [4, 38] }
  - windows: { to: 2.5, from: 0.5 }
  - zscore: { by: training }
`
  test('YAML, objects, order of members and spelled-out defaults give one hash', () => {
    const one = Pipeline.parse(YAML)
    const two = Pipeline.parse(STEPS)
    expect(one.hash).toMatch(/^[0-9a-f]{64}$/)
    expect(two.hash).toBe(one.hash)
    expect(Pipeline.parse(one.toYaml()).hash).toBe(one.hash)
    expect(Pipeline.parse(one.toYaml()).name).toBe('motor')
    expect(one.toYaml()).toMatch(/order: 4/)
  })

  test('another number, step or order of steps gives another hash', () => {
    const variants: Parameters<typeof Pipeline.parse>[0][] = [
      STEPS,
      [{ filter: [4, 38] }],
      [{ filter: [4, 38.5] }],
      [{ filter: { band: [4, 38], order: 5 } }],
      ['rectify', { filter: [4, 38] }],
      [{ filter: [4, 38] }, 'rectify'],
      [],
    ]
    const hashes = new Set(variants.map((variant) => Pipeline.parse(variant).hash))
    expect(hashes.size).toBe(variants.length)
  })

  test.each([
    ['- filtre: [4, 38]', /step 1 is not known: expected one of pick, .*, received filtre/],
    [
      '- filter: { band: [4, 38], ordre: 3 }',
      /step 1 \(filter\), option ordre: .*known are band, manner, order, phase, stop/,
    ],
    ['- rectify\n- filter: high', /step 2 \(filter\)/],
    ['- scale: .inf', /step 1 \(scale\)/],
    ['- zscore', /step 1 \(zscore\) works on windows: expected a step windows before it, received none/],
    ['- windows: [0, 1]\n- crop: [0, 1]', /step 2 \(crop\) works on recordings/],
    ['- windows: [0, 1]\n- windows: [0, 1]', /cut twice/],
    ['- windows: [2, 1]', /step 1 \(windows\): must go from less to more/],
    ['steps: []\nstep: 1', /option step is not known/],
    ['version: 2\nsteps: []', /version/],
    ['4', /this is no pipeline/],
    ['- a: [', /this text is no pipeline/],
  ])('%j is refused by name', (yaml, message) => {
    expect(errorOf(() => Pipeline.parse(yaml)).message).toMatch(message)
  })
})

describe('what it does', () => {
  test('without windows, a recording: the same as the calls one by one', async () => {
    const out = (await Pipeline.parse([{ pick: ['C3', 'C4'] }, { filter: [8, 30] }]).apply(recording)) as Recording
    const expected = recording.pick(['C3', 'C4']).filter({ band: [8, 30] })
    expect(out.channels.map(({ name }) => name)).toEqual(['C3', 'C4'])
    const size = Math.max(...expected.read()[0]!)
    for (const [c, row] of expected.read().entries()) {
      const values = out.read()[c]!
      expect(Math.max(...row.map((value, i) => Math.abs(value - values[i]!))) / size).toBeLessThan(1e-12)
    }
    expect(out.events).toEqual(recording.events)
    expect(out.simulated).toBe(true)
  })

  test('with windows, the same as the calls one by one', async () => {
    const pipeline = Pipeline.parse([{ filter: [8, 30] }, { windows: [0.5, 2.5] }])
    const windows = await pipeline.windows(recordings)
    const expected = await recordings.filter({ band: [8, 30] }).windows({ from: 0.5, to: 2.5 })
    expect(windows.data).toEqual(expected.data)
    expect(windows.origins).toEqual(expected.origins)
    expect(windows.classNames).toEqual(expected.classNames)
    expect(windows.recordings).toEqual(expected.recordings)
    expect(windows.pipeline).toBe(pipeline.hash)
  })

  test('each gap-free stretch is treated by itself', async () => {
    const segments = [
      { onset: 0, sample: 0, nSamples: 300 },
      { onset: 10, sample: 300, nSamples: 200 },
    ]
    const data = Float64Array.from({ length: 500 }, (_, i) => (i < 300 ? 5 : 9) + Math.sin(i / 3))
    const gapped = new Recording({
      ...{ name: 'gapped', format: 'memory', samplingRate: 100, nSamples: 500, events: [], segments },
      channels: [{ name: 'C3', label: 'C3', type: 'eeg', unit: 'V', samplingRate: 100 }],
      source: { read: (ranges) => ranges.map(({ start, stop }) => data.slice(start, stop)) },
    })
    const out = (await Pipeline.parse([{ detrend: 'constant' }]).apply(gapped)) as Recording
    const [row] = out.read()
    const mean = (from: number, to: number) => row!.subarray(from, to).reduce((a, b) => a + b, 0) / (to - from)
    expect(Math.abs(mean(0, 300))).toBeLessThan(1e-12)
    expect(Math.abs(mean(300, 500))).toBeLessThan(1e-12)
    expect(out.segments).toEqual(segments)
  })

  test('a folder in place of a file of steps is one clear error', async () => {
    const folder = import.meta.dirname
    await expect(Pipeline.load(folder)).rejects.toMatchObject({
      code: 'FILE_INVALID',
      file: folder,
      received: 'a folder',
    })
  })

  test('crop moves events and keeps gaps', async () => {
    const out = (await Pipeline.parse([{ crop: [5, 20] }]).apply(recording)) as Recording
    expect(out.duration).toBeCloseTo(15, 10)
    expect(out.read({ channels: ['C3'], from: 1, to: 2 })).toEqual(recording.read({ channels: ['C3'], from: 6, to: 7 }))
    const event = recording.events.find(({ onset }) => onset > 5)!
    expect(out.events.find(({ sample }) => sample >= 0)!.onset).toBeCloseTo(event.onset - 5, 10)
  })

  test('crop says which channels of another rate it leaves out', async () => {
    const rates = { C3: 100, Temp: 1, Trigger: 100 }
    const mixed = new Recording({
      ...{ name: 'mixed', format: 'memory', samplingRate: 100, nSamples: 500, events: [], warnings: ['one before'] },
      channels: Object.entries(rates).map(([name, samplingRate]) => ({
        ...{ name, label: name, unit: '', samplingRate },
        type: name === 'C3' ? 'eeg' : 'misc',
      })),
      source: { read: (ranges) => ranges.map(({ start, stop }) => new Float64Array(stop - start)) },
    })
    const out = (await Pipeline.parse([{ crop: [1, 2] }]).apply(mixed)) as Recording
    expect(out.channels.map(({ name }) => name)).toEqual(['C3', 'Trigger'])
    expect(out.warnings).toEqual(['one before', 'Preprocessing left out Temp: of another rate than 100 Hz.'])
    const whole = (await Pipeline.parse([{ crop: [1, 2] }]).apply(mixed.pick(['C3', 'Trigger']))) as Recording
    expect(whole.warnings).toEqual(['one before'])
  })

  test('a baseline counts both of its ends', async () => {
    const pipeline = Pipeline.parse([{ windows: { from: -0.5, to: 1, baseline: [-0.25, 0] } }])
    const windows = await pipeline.windows(recording)
    const raw = (await recordings.windows({ from: -0.5, to: 1 })).window(0).subarray(0, windows.nSamples)
    const part = raw.subarray(32, 65)
    const mean = part.reduce((a, b) => a + b, 0) / part.length
    expect(windows.window(0)[10]).toBeCloseTo(raw[10]! - mean, 12)
  })

  test('peak-to-peak rejection leaves windows out and counts them', async () => {
    const all = await Pipeline.parse([{ windows: [0, 4] }]).windows(recordings)
    const spans = [...all.labels.keys()].map((i) => {
      const rows = Array.from({ length: all.nChannels }, (_, c) =>
        all.window(i).subarray(c * all.nSamples, (c + 1) * all.nSamples),
      )
      return Math.max(...rows.map((row) => Math.max(...row) - Math.min(...row)))
    })
    const limit = spans.toSorted((a, b) => a - b)[6]! * (1 + 1e-6)
    const kept = await Pipeline.parse([{ windows: [0, 4] }, { rejectPeakToPeak: limit }]).windows(recordings)
    expect(kept.origins).toEqual(all.origins.filter((_, i) => spans[i]! <= limit))
    expect(kept.length).toBe(7)
    expect(kept.skipped).toBe(all.skipped + spans.length - 7)
  })

  test('channels are dropped, renamed, referred and paired by name', async () => {
    const pipeline = Pipeline.parse([
      { pick: ['C3', 'Cz', 'C4'] },
      { rename: { names: { Cz: 'Vertex' } } },
      { reference: ['Vertex'] },
      { drop: ['Vertex'] },
      { bipolar: [['C3', 'C4']] },
      { scale: 2 },
    ])
    const out = (await pipeline.apply(recording)) as Recording
    const [c3, c4] = recording.read({ channels: ['C3', 'C4'] })
    expect(out.channels.map(({ name }) => name)).toEqual(['C3-C4'])
    const [row] = out.read()
    for (let i = 0; i < 50; i++) expect(row![i]).toBeCloseTo(2 * (c3![i]! - c4![i]!), 15)
    await expect(Pipeline.parse([{ pick: ['Q1'] }]).apply(recording)).rejects.toThrow(
      /no channel Q1: expected one of Fz/,
    )
  })
})

describe('steps that learn', () => {
  const pipeline = Pipeline.parse(STEPS)

  test('learn from the training windows alone, as a Standardiser does', async () => {
    const windows = await pipeline.prepared.windows(recordings)
    const train = [0, 1, 2, 3, 4, 5]
    const fitted = await pipeline.fit(windows, train)
    const scaled = await fitted.finish(windows)
    expect(scaled.data).toEqual(Standardiser.fit(windows, train).apply(windows).data)
    expect(scaled.pipeline).toBe(pipeline.hash)
    const spoiled = windows.with({
      data: windows.data.map((value, i) => (i < windows.window(0).length * 6 ? value : 99)),
    })
    expect((await pipeline.fit(spoiled, train)).toJSON()).toEqual(fitted.toJSON())
  })

  test('come back from JSON, and give from recordings what they give from windows', async () => {
    const windows = await pipeline.prepared.windows(recordings)
    const fitted = await pipeline.fit(windows)
    const again = Pipeline.restore(JSON.parse(JSON.stringify(fitted)))
    const [one, two] = [await again.windows(recordings), await fitted.finish(windows)]
    // What it learned from stays in this process: a checkpoint names the trials that it has seen.
    expect(two.fitted.map(({ name }) => name)).toEqual(['zscore'])
    expect(one.with({ fitted: two.fitted })).toEqual(two)
    expect(one).toBeInstanceOf(EegWindows)
  })

  test('refuse to be applied unfitted, to windows of another pipeline or channels, or with a hash that lies', async () => {
    await expect(pipeline.apply(recording)).rejects.toThrow(/step 6 \(zscore\) must be fitted first/)
    const windows = await pipeline.prepared.windows(recordings)
    const fitted = await pipeline.fit(windows)
    const other = await Pipeline.parse([{ windows: [0.5, 2.5] }]).windows(recordings)
    await expect(fitted.finish(other)).rejects.toThrow(/made by another pipeline/)
    await expect(fitted.finish(other.with({ pipeline: undefined }))).rejects.toThrow(/fitted on other channels/)
    const stored = { ...fitted.toJSON(), hash: 'ab' }
    expect(errorOf(() => Pipeline.restore(stored)).code).toBe('CHECKPOINT_MISMATCH')
    expect(errorOf(() => Pipeline.restore({ ...fitted.toJSON(), learned: [] })).message).toMatch(/1 steps that learn/)
  })

  test('windows in many pieces are the windows in one', async () => {
    const one = (await pipeline.prepared.windows(recordings)).subset([0, 1, 2])
    const many = one.subset(Array.from({ length: 600 }, (_, i) => i % 3))
    const fitted = await pipeline.fit(one)
    const [short, long] = [await fitted.finish(one), await fitted.finish(many)]
    expect(long.length).toBe(600)
    expect(long.window(599)).toEqual(short.window(2))
    expect(long.origins).toEqual(many.origins)
  })
})
