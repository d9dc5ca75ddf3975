import { fromTypedArray, Ica, Pipeline, Random, Recording, type RecordingParts, setNumThreads, signal } from 'eegtorch'
import { errorOf } from '../thrown.ts'

const RATE = 100
const SECONDS = 40
const EEG = ['Fp1', 'Fz', 'Cz', 'Pz', 'C3', 'C4']
const samples = RATE * SECONDS
/** Among as few as six components none stands out by three deviations. */
const EYES = { measure: 'correlation', threshold: 0.6 } as const

/** Six EEG channels of rhythms and noise, an EOG channel; both eyes blink into the front, every 4 s. */
function blinking({ seed = 1, gap = false, change = {} as Partial<RecordingParts> } = {}): Recording {
  const random = new Random(seed)
  const blink = Float64Array.from({ length: samples }, (_, i) => {
    const phase = ((i / RATE) % 4) - 2
    return 150e-6 * Math.exp(-(phase ** 2) / 0.02)
  })
  // Five and the blinks: as many sources as channels, so that each search ends soon.
  const rhythms = EEG.slice(1).map((_, k) =>
    Float64Array.from({ length: samples }, (__, i) => Math.sin((2 * Math.PI * (6 + 3 * k) * i) / RATE + k) ** 3),
  )
  const mixing = EEG.map(() => EEG.map(() => random.normal()))
  const front = [1, 0.5, 0.2, 0.05, 0.15, 0.15]
  const rows = EEG.map((_, channel) =>
    Float64Array.from({ length: samples }, (__, i) => {
      const brain = rhythms.reduce((sum, rhythm, k) => sum + mixing[channel]![k]! * rhythm[i]!, 0)
      return 8e-6 * brain + 1e-6 * random.normal() + front[channel]! * blink[i]!
    }),
  )
  rows.push(blink.map((value) => value + 3e-6 * random.normal()))
  return new Recording({
    ...{ name: `blinks-${seed}`, format: 'made', samplingRate: RATE, nSamples: samples, subject: 'S1' },
    channels: [...EEG, 'EOG'].map((name) => ({
      ...{ name, label: name, unit: 'V', samplingRate: RATE },
      type: name === 'EOG' ? 'eog' : 'eeg',
    })),
    segments: gap
      ? [
          { onset: 0, sample: 0, nSamples: 1500 },
          { onset: 100, sample: 1500, nSamples: samples - 1500 },
        ]
      : [{ onset: 0, sample: 0, nSamples: samples }],
    events: Array.from({ length: 9 }, (_, i) => ({ onset: 0.5 + 4 * i, duration: 0, label: i % 2 ? 'a' : 'b' })),
    source: {
      read: (ranges) => ranges.map(({ channel, start, stop }) => rows[channel]!.slice(start, stop)),
    },
    ...change,
  })
}

const tensorOf = (rows: readonly Float64Array[]) =>
  fromTypedArray(Float64Array.from(rows.flatMap((row) => [...row])), { shape: [rows.length, rows[0]!.length] })
const largestDifference = (a: ArrayLike<number>, b: ArrayLike<number>) =>
  Array.from(a).reduce((worst, value, i) => Math.max(worst, Math.abs(value - b[i]!)), 0)
const read = (recording: Recording) => recording.readSamples(0, recording.nSamples)
const correlation = (a: Float64Array, b: Float64Array) => {
  const centred = (x: Float64Array) => x.map((value) => value - x.reduce((p, q) => p + q) / x.length)
  const [x, y] = [centred(a), centred(b)]
  const dot = (p: Float64Array, q: Float64Array) => p.reduce((sum, value, i) => sum + value * q[i]!, 0)
  return dot(x, y) / Math.sqrt(dot(x, x) * dot(y, y))
}

// Passes over signals as small as these gain nothing from a second thread, and wait for it where others are busy.
beforeAll(() => setNumThreads(1))

describe('ica', () => {
  test.each(['fastica', 'infomax', 'picard'] as const)(
    '%s takes out what follows the EOG channel, as the decomposition by itself does',
    async (method) => {
      const recording = blinking()
      const out = (await Pipeline.parse([{ ica: { components: 6, method, seed: 7, ...EYES } }]).apply(
        recording,
      )) as Recording
      const [before, after] = [read(recording), read(out)]
      const eog = before[6]!
      expect(correlation(before[0]!, eog)).toBeGreaterThan(0.8)
      expect(Math.abs(correlation(after[0]!, eog))).toBeLessThan(0.25)
      expect([...after[6]!]).toEqual([...eog])

      const x = tensorOf(before.slice(0, 6))
      const found = await Ica.fit(x, { method, components: 6, seed: 7 })
      const { components } = await found.eyeComponents(x, { samplingRate: RATE, eog: tensorOf([eog]), ...EYES })
      expect(components).toHaveLength(1)
      const expected = found.apply(x, { exclude: components }).toTypedArray() as Float64Array
      const given = after.slice(0, 6).flatMap((row) => [...row])
      expect(largestDifference(given, expected)).toBeLessThan(1e-15)
    },
  )

  test('sees the stretches of a recording together, by names near the eyes where there is no EOG', async () => {
    const recording = blinking({ gap: true })
    const steps = [{ pick: 'eeg' }, { ica: { components: 6, ...EYES } }] as const
    const out = (await Pipeline.parse(steps).apply(recording)) as Recording
    expect(out.segments.map(({ nSamples }) => nSamples)).toEqual([1500, 2500])
    const whole = (await Pipeline.parse(steps).apply(blinking())) as Recording
    expect(largestDifference(read(out)[0]!, read(whole)[0]!)).toBeLessThan(1e-15)
    expect(Math.abs(correlation(read(out)[0]!, read(recording)[6]!))).toBeLessThan(0.25)
  })

  test('without components to remove leaves the signal as it was', async () => {
    const recording = blinking()
    const out = (await Pipeline.parse([{ ica: { components: 4, remove: [] } }]).apply(recording)) as Recording
    for (const [row, same] of read(out).entries())
      expect(largestDifference(same, read(recording)[row]!)).toBeLessThan(1e-12 * 150e-6 * 1e3)
  })

  test('of training windows does not depend on those that are tested, and is kept with the pipeline', async () => {
    const cut = { windows: [0, 3] } as const
    const learned = { ica: { components: 5, by: 'training', eog: ['Fp1'], ...EYES } } as const
    const pipeline = Pipeline.parse([cut, learned])
    const [one, other] = [blinking(), blinking({ seed: 2 })]
    const train = [0, 1, 2, 3, 4, 5, 6, 7, 8]
    const windows = await pipeline.prepared.windows([one, other])
    const fitted = await pipeline.fit(windows, train)
    const alone = await pipeline.fit(await pipeline.prepared.windows([one]))
    expect(fitted.toJSON().learned).toEqual(alone.toJSON().learned)
    const finished = await fitted.finish(windows)
    const restored = Pipeline.restore(JSON.parse(JSON.stringify(fitted)))
    expect([...(await restored.finish(windows)).window(12)]).toEqual([...finished.window(12)])
    expect(finished.fitted.map(({ name }) => name)).toEqual(['ica'])
    const spanOf = (set: typeof windows, i: number) => Math.max(...set.window(i).subarray(0, 300))
    expect(spanOf(finished, 12)).toBeLessThan(spanOf(windows, 12))
  })

  test('of training windows compares with the EOG channels that they hold', async () => {
    const cut = { from: 0, to: 3 }
    const learned = { ica: { components: 5, by: 'training', ...EYES } } as const
    const pipeline = Pipeline.parse([{ windows: { ...cut, types: ['eeg', 'eog'] } }, learned, { pick: 'eeg' }])
    const windows = await pipeline.prepared.windows(blinking())
    expect(windows.channelTypes?.at(-1)).toBe('eog')
    const finished = await (await pipeline.fit(windows)).finish(windows)
    expect(finished.channelNames).toEqual(EEG)
    const row = (set: typeof windows, channel: number) =>
      Float64Array.from(set.window(1).subarray(channel * 300, (channel + 1) * 300))
    const eog = row(windows, 6)
    expect(correlation(row(windows, 0), eog)).toBeGreaterThan(0.8)
    expect(Math.abs(correlation(row(finished, 0), eog))).toBeLessThan(0.3)

    const named = Pipeline.parse([{ windows: { ...cut, channels: ['EOG', 'Cz'] } }])
    expect((await named.windows(blinking())).channelNames).toEqual(['EOG', 'Cz'])
    const both = { windows: { ...cut, channels: ['Cz'], types: ['eeg'] } }
    expect(errorOf(() => Pipeline.parse([both as never])).message).toMatch(/give either channels or types/)
  })

  test.each([
    [[{ ica: { components: 1 } }], /step 1 \(ica\), option components: a whole number from 2, or a share below 1/],
    [[{ windows: [0, 1] }, 'ica'], /step 2 \(ica\) works on recordings/],
    [[{ ica: { by: 'training' } }, { windows: [0, 1] }], /step 1 \(ica\) works on windows/],
    [
      [{ windows: [0, 1] }, 'zscore', 'interpolate'],
      /step 3 \(interpolate\) goes by marks of recordings: .* before step 2/,
    ],
  ] as const)('%j is refused', (steps, message) => {
    expect(errorOf(() => Pipeline.parse(steps as never)).message).toMatch(message)
  })

  test('says which channels it would need where none is near the eyes', async () => {
    const far = blinking({ change: { name: 'far' } }).pick(['Fz', 'Cz', 'Pz', 'C3', 'C4'])
    await expect(Pipeline.parse(['ica']).apply(far)).rejects.toMatchObject({
      ...{ code: 'INVALID_OPTION', option: 'eog' },
      message: expect.stringMatching(/^far: /),
    })
  })
})

test('the recipe sgdm finds 15 components with seed 42 and cuts windows of 0.5 s', () => {
  const { steps } = Pipeline.recipe('sgdm')
  expect(steps.map(({ name }) => name)).toEqual(['filter', 'ica', 'windows'])
  expect(steps[0]!.options).toMatchObject({ band: [1, 50], manner: 'mne-fir' })
  expect(steps[1]!.options).toMatchObject({ components: 15, seed: 42, remove: 'eyes', method: 'fastica' })
})

const WIDE_RATE = 160

/** Sixteen channels of rhythms and noise with blinks, the first two above the eyes. */
function wide(): Recording {
  const random = new Random(4)
  const names = ['Fp1', 'Fp2', 'F3', 'F4', 'Fz', 'C3', 'C4', 'Cz', 'P3', 'P4', 'Pz', 'O1', 'O2', 'Oz', 'T7', 'T8']
  const sources = names.map((_, k) => {
    if (k === 0)
      return Float64Array.from({ length: samples }, (__, i) => 100 * Math.exp(-((((i / RATE) % 4) - 2) ** 2) / 0.02))
    return Float64Array.from(
      { length: samples },
      (__, i) => Math.sin((2 * Math.PI * (3 + 2 * k) * i) / RATE + k) ** 3 + 0.1 * random.normal(),
    )
  })
  const mixing = names.map((_, c) => names.map((__, k) => (k === 0 ? ([1, 0.9][c] ?? 0.05) : random.normal())))
  const rows = names.map((_, c) =>
    Float64Array.from(
      { length: samples },
      (__, i) => 5e-6 * sources.reduce((sum, source, k) => sum + mixing[c]![k]! * source[i]!, 0),
    ),
  )
  return blinking({
    change: {
      name: 'wide',
      channels: names.map((name) => ({ name, label: name, unit: 'V', samplingRate: WIDE_RATE, type: 'eeg' })),
      samplingRate: WIDE_RATE,
      source: {
        read: (ranges) => ranges.map(({ channel, start, stop }) => rows[channel]!.slice(start, stop)),
      },
    },
  })
}

test('the recipe sgdm gives what its operators give one after the other', async () => {
  const recording = wide()
  const windows = await Pipeline.recipe('sgdm').windows(recording)
  expect([windows.length, windows.nChannels, windows.nSamples]).toEqual([7, 16, WIDE_RATE / 2])

  const taps = signal.mneCreateFilter(WIDE_RATE, 1, 50)
  const filtered = signal.firZeroPhase(tensorOf(read(recording)), taps)
  const found = await Ica.fit(filtered, { components: 15, seed: 42, channels: windows.channelNames })
  expect(found.components).toBe(15)
  const { components } = await found.eyeComponents(filtered, { samplingRate: WIDE_RATE })
  expect(components).toHaveLength(1)
  const clean = found.apply(filtered, { exclude: components }).toTypedArray() as Float64Array
  for (const [i, { start }] of windows.origins.entries()) {
    const expected = Array.from({ length: 16 }, (_, c) => [
      ...clean.subarray(c * samples + start, c * samples + start + 80),
    ]).flat()
    expect(largestDifference(windows.window(i), expected)).toBeLessThan(1e-6 * 100e-6)
  }
})

test('ssp takes the directions of most power out, of a recording or of training windows', async () => {
  const recording = blinking()
  const x = tensorOf(read(recording).slice(0, 6))
  const { directions } = signal.powerDirections(x, 2)
  const expected = signal.projectOut(x, directions).toTypedArray() as Float64Array
  const out = (await Pipeline.parse([{ ssp: { count: 2, by: 'recording' } }]).apply(recording)) as Recording
  const given = read(out)
    .slice(0, 6)
    .flatMap((row) => [...row])
  expect(largestDifference(given, expected)).toBeLessThan(1e-15)
  const pipeline = Pipeline.parse([{ windows: [0, 3] }, { ssp: 1 }])
  const windows = await pipeline.prepared.windows(recording)
  const finished = await (await pipeline.fit(windows, [0, 1, 2])).finish(windows)
  const rank = fromTypedArray(Float64Array.from(finished.window(5)), { shape: [6, 300] })
  const values = (rank.matmul(rank.t()) as unknown as { toArray(): number[][] }).toArray()
  expect(values).toHaveLength(6)
  const power = (set: typeof windows) => set.window(5).reduce((sum, value) => sum + value ** 2, 0)
  expect(power(finished)).toBeLessThan(power(windows) / 2)
})

test('bad channels are found by their own samples, marked, and then interpolated', async () => {
  const recording = blinking()
  const flat = recording.derive({
    nSamples: recording.nSamples,
    source: {
      read: (ranges) =>
        ranges.map(({ channel, start, stop }) => {
          const [row] = recording.readSamples(start, stop, [channel])
          return channel === 2 ? row!.fill(0) : row!
        }),
    },
  })
  const lenient = { deviation: 50, noise: 50, correlation: 0, share: 1 }
  const marked = (await Pipeline.parse([{ markBad: lenient }]).apply(flat)) as Recording
  expect(marked.channels.filter(({ isBad }) => isBad).map(({ name }) => name)).toEqual(['Cz'])
  const out = (await Pipeline.parse([{ markBad: lenient }, 'interpolate']).apply(flat)) as Recording
  const x = tensorOf(read(flat).slice(0, 6))
  const expected = signal.interpolateChannels(x, [2], EEG).select(0, 2).toTypedArray() as Float64Array
  expect(largestDifference(read(out)[2]!, expected)).toBeLessThan(1e-15)
  expect([...read(out)[6]!]).toEqual([...read(flat)[6]!])
})

test('current source density is that of the EEG channels, in its own unit', async () => {
  const recording = blinking()
  const out = (await Pipeline.parse(['currentSourceDensity']).apply(recording)) as Recording
  const expected = signal
    .currentSourceDensity(tensorOf(read(recording).slice(0, 6)), EEG)
    .toTypedArray() as Float64Array
  const given = read(out)
    .slice(0, 6)
    .flatMap((row) => [...row])
  expect(largestDifference(given, expected)).toBeLessThan(1e-9 * Math.max(...expected))
  expect(out.channels.map(({ unit }) => unit)).toEqual([...EEG.map(() => 'V/m²'), 'V'])
})
