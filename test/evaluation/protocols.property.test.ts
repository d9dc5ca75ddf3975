import {
  cspLda,
  decodeFolds,
  type EegWindows,
  logVarianceLda,
  nestedSplits,
  type Protocol,
  protocolSplits,
  Random,
  type Split,
  Standardiser,
} from 'eegtorch'
import fc from 'fast-check'
import { makeWindows, type Row } from './make-windows.ts'

const N = 30
const RATE = 10

/** Two or three subjects with one to three sessions of one to two runs, each of 4 to 7 trials, apart in time. */
const study = fc
  .record({
    subjects: fc.integer({ min: 2, max: 3 }),
    sessions: fc.integer({ min: 1, max: 3 }),
    runs: fc.integer({ min: 1, max: 2 }),
    trials: fc.integer({ min: 4, max: 7 }),
    distance: fc.constantFrom(N, N + 7, 2 * N),
    seed: fc.nat(1000),
  })
  .map(({ subjects, sessions, runs, trials, distance, seed }) => {
    const random = new Random(seed)
    const count = (n: number) => Array.from({ length: n }, (_, i) => i)
    const rows = count(subjects).flatMap((s) =>
      count(sessions).flatMap((e) =>
        count(runs).flatMap((r) =>
          count(trials).map(
            (t): Row => ({
              subject: `S${s}`,
              session: `E${e}`,
              run: `R${r}`,
              trial: t + 1,
              start: t * distance,
              label: t < 2 ? t : random.below(2),
            }),
          ),
        ),
      ),
    )
    const noise = Float32Array.from({ length: rows.length * N }, () => random.normal())
    return makeWindows(rows, { nSamples: N }).with({ data: noise, classNames: ['a', 'b'] })
  })

const within = fc.constantFrom(undefined, 'subject' as const, 'session' as const)
const by = fc.constantFrom('subject' as const, 'session' as const, 'run' as const, 'trial' as const)
const protocol: fc.Arbitrary<Protocol> = fc.oneof(
  fc.record({ name: fc.constant('hold-out' as const), test: fc.constantFrom(0.2, 0.5), by, within }),
  fc.record({ name: fc.constant('k-fold' as const), folds: fc.integer({ min: 2, max: 4 }), by, within }),
  fc.record({
    name: fc.constant('blocks' as const),
    folds: fc.integer({ min: 2, max: 4 }),
    gap: fc.constantFrom(0, 0.5, 4),
    within,
  }),
  fc.record({ name: fc.constant('leave-one-out' as const), by, within }),
  fc.record({ name: fc.constant('leave-one-subject-out' as const) }),
  fc.record({ name: fc.constant('cross-session' as const), forward: fc.boolean() }),
)
const options = fc.record({ seed: fc.nat(100), validation: fc.constantFrom(0, 0.25) })

/** Splits, or none where the protocol does not suit the study; any error that is not ours fails the test. */
function attempt<T>(make: () => T[]): T[] {
  try {
    return make()
  } catch (error) {
    expect(['SPLIT_LEAKS', 'INVALID_OPTION']).toContain((error as { code?: string }).code)
    return []
  }
}

const groupsOf = (windows: EegWindows, part: readonly number[], by: 'subject' | 'session') =>
  new Set(part.map((i) => (by === 'subject' ? windows.subject(i) : `${windows.subject(i)} ${windows.session(i)}`)))
const isDisjoint = (...parts: (readonly number[])[]) => new Set(parts.flat()).size === parts.flat().length

/** Seconds between two windows of one recording, from the end of the first to the start of the second. */
function nearest(windows: EegWindows, a: readonly number[], b: readonly number[]): number {
  const distances = a.flatMap((i) =>
    b
      .filter((k) => windows.recordingOf(i) === windows.recordingOf(k))
      .map((k) => (Math.abs(windows.origins[i]!.start - windows.origins[k]!.start) - N) / RATE),
  )
  return Math.min(...distances)
}

test('every protocol keeps what it promises', () => {
  const made = new Map<string, number>()
  fc.assert(
    fc.property(study, protocol, options, (windows, chosen, opts) => {
      for (const { train, validation = [], test } of attempt(() => protocolSplits(windows, chosen, opts))) {
        made.set(chosen.name, (made.get(chosen.name) ?? 0) + 1)
        expect(isDisjoint(train, validation, test)).toBe(true)
        const seen = [...train, ...validation]
        if (chosen.within) expect(groupsOf(windows, [...seen, ...test], chosen.within).size).toBe(1)
        if (chosen.name === 'blocks') {
          const { gap = 0 } = chosen
          expect(nearest(windows, seen, test)).toBeGreaterThanOrEqual(gap)
          const used = new Set([...seen, ...test])
          const left = chosen.within ? [] : [...windows.labels.keys()].filter((index) => !used.has(index))
          for (const index of left) expect(nearest(windows, [index], test)).toBeLessThan(gap)
        }
        if (chosen.name === 'leave-one-subject-out') {
          expect(
            isDisjoint(
              [...groupsOf(windows, seen, 'subject')] as never,
              [...groupsOf(windows, test, 'subject')] as never,
            ),
          ).toBe(true)
        }
        if (chosen.name !== 'cross-session') continue
        const [sessions, tested] = [groupsOf(windows, seen, 'session'), [...groupsOf(windows, test, 'session')]]
        expect(groupsOf(windows, [...seen, ...test], 'subject').size).toBe(1)
        expect(tested.length === 1 && !sessions.has(tested[0])).toBe(true)
        if (chosen.forward) for (const session of sessions) expect(session! < tested[0]!).toBe(true)
      }
    }),
    { numRuns: 200 },
  )
  // The property would hold emptily if every split were refused.
  for (const name of ['hold-out', 'k-fold', 'blocks', 'leave-one-out', 'leave-one-subject-out', 'cross-session']) {
    expect(made.get(name)).toBeGreaterThan(10)
  }
})

test('blocks are contiguous, test each trial once, and leave nothing out without a gap', () => {
  fc.assert(
    fc.property(study, fc.integer({ min: 2, max: 4 }), (windows, folds) => {
      const splits = protocolSplits(windows, { name: 'blocks', folds })
      expect(splits.flatMap(({ test }) => test).sort((a, b) => a - b)).toEqual([...windows.labels.keys()])
      for (const { train, test } of splits) {
        expect(train.length + test.length).toBe(windows.length)
        for (const [i, index] of test.entries()) {
          const next = test[i + 1]
          if (next === undefined || windows.recordingOf(next) !== windows.recordingOf(index)) continue
          expect(next).toBe(index + 1)
        }
      }
    }),
    { numRuns: 40 },
  )
})

test('what an outer fold tests is in no part of its inner folds', () => {
  let inner = 0
  fc.assert(
    fc.property(study, protocol, protocol, (windows, outside, inside) => {
      for (const split of attempt(() => nestedSplits(windows, { outer: outside, inner: inside }))) {
        for (const { train, test } of split.inner) {
          inner++
          expect(isDisjoint(train, test, split.test)).toBe(true)
          for (const index of [...train, ...test]) expect(split.train).toContain(index)
        }
      }
    }),
    { numRuns: 60 },
  )
  expect(inner).toBeGreaterThan(100)
})

/** The same windows with all that is not in the part replaced: samples by noise of another size, labels by the other class. */
function changeOutside(windows: EegWindows, part: readonly number[], seed: number): EegWindows {
  const [inside, random] = [new Set(part), new Random(seed)]
  const isInside = (i: number) => inside.has(Math.floor(i / N))
  const data = windows.data.map((value, i) => (isInside(i) ? value : 100 * random.normal() + 7))
  const origins = windows.origins.map((origin, i) => (inside.has(i) ? origin : { ...origin, label: 1 - origin.label }))
  return windows.with({ data, origins })
}

test('whatever the protocol, a fold’s scale is made by its training part alone', () => {
  let folds = 0
  fc.assert(
    fc.property(study, protocol, options, fc.nat(), (windows, chosen, opts, seed) => {
      for (const { train } of attempt(() => protocolSplits(windows, chosen, opts))) {
        folds++
        const changed = changeOutside(windows, train, seed)
        expect(Standardiser.fit(changed, train).toJSON()).toEqual(Standardiser.fit(windows, train).toJSON())
      }
    }),
    { numRuns: 60 },
  )
  expect(folds).toBeGreaterThan(40)
})

test('whatever the protocol, a classical decoder answers a test window as if there were no other', async () => {
  let folds = 0
  const decoders = [cspLda({ band: null, filters: 1 }), logVarianceLda()]
  await fc.assert(
    fc.asyncProperty(
      study,
      protocol,
      fc.constantFrom(...decoders),
      fc.nat(),
      async (windows, chosen, decoder, seed) => {
        const answer = async (from: EegWindows, split: Split) =>
          (await decodeFolds(from, [split], decoder)).predictions[0]!.probabilities
        const hasBoth = ({ train }: Split) => windows.countClasses(train).every((count) => count > 1)
        for (const split of attempt(() => protocolSplits(windows, chosen))
          .filter(hasBoth)
          .slice(0, 4)) {
          folds++
          const changed = changeOutside(windows, [...split.train, split.test[0]!], seed)
          expect(await answer(changed, split)).toEqual(await answer(windows, split))
        }
      },
    ),
    { numRuns: 40 },
  )
  expect(folds).toBeGreaterThan(40)
})
