import { assertNoLeak, type EegWindows, type GroupBy, holdOut, kFold, leaveOneOut, type Split } from 'eegtorch'
import fc from 'fast-check'
import { makeWindows, type Row } from './make-windows.ts'

const N = 30

/** The rule, written the slow way: every pair of windows in different parts. */
function leaks(windows: EegWindows, { train, validation = [], test }: Split): boolean {
  const parts = [train, validation, test]
  return parts.some((part, p) =>
    parts.slice(p + 1).some((other) =>
      part.some((i) =>
        other.some((k) => {
          const [a, b] = [windows.origins[i]!, windows.origins[k]!]
          if (a.recording !== b.recording) return false
          return a.trial === b.trial || Math.abs(a.start - b.start) < N
        }),
      ),
    ),
  )
}

const name = (letter: string, n: number) =>
  fc.option(
    fc.integer({ min: 1, max: n }).map((i) => `${letter}${i}`),
    { nil: undefined },
  )
const row: fc.Arbitrary<Row> = fc.record({
  subject: name('S', 3),
  session: name('E', 2),
  run: name('R', 3),
  trial: fc.integer({ min: 1, max: 6 }),
  // Mostly apart, now and then on top of each other.
  start: fc.oneof(
    { weight: 6, arbitrary: fc.integer({ min: 0, max: 40 }).map((i) => i * N) },
    fc.integer({ min: 0, max: 1200 }),
  ),
  label: fc.integer({ min: 0, max: 2 }),
})
const rows = fc.array(row, { minLength: 2, maxLength: 24 })
const by = fc.constantFrom<GroupBy>('subject', 'session', 'run', 'trial')
const options = fc.record({
  seed: fc.nat(),
  validation: fc.constantFrom(0, 0.1, 0.3, 0.6),
  validationBy: by,
})

/** Splits, or undefined if the splitter refused with an error of ours; any other error fails the test. */
function attempt(make: () => Split[]): Split[] | undefined {
  try {
    return make()
  } catch (error) {
    expect(['SPLIT_LEAKS', 'INVALID_OPTION']).toContain((error as { code?: string }).code)
    return undefined
  }
}

let made = 0

function checkAll(windows: EegWindows, splits: Split[] | undefined, isPartition: boolean): void {
  if (splits === undefined) return
  made += splits.length
  const everything = [...windows.labels.keys()]
  const sort = (indices: readonly number[]) => [...indices].sort((a, b) => a - b)
  for (const split of splits) {
    expect(leaks(windows, split)).toBe(false)
    expect(sort([...split.train, ...(split.validation ?? []), ...split.test])).toEqual(everything)
  }
  if (isPartition) expect(sort(splits.flatMap(({ test }) => test))).toEqual(everything)
}

test('no splitter leaks, whatever the metadata', () => {
  fc.assert(
    fc.property(rows, by, options, fc.integer({ min: 2, max: 5 }), (list, group, opts, folds) => {
      const windows = makeWindows(list, { nSamples: N })
      checkAll(
        windows,
        attempt(() => leaveOneOut(windows, group, opts)),
        true,
      )
      checkAll(
        windows,
        attempt(() => kFold(windows, { folds, by: group, ...opts })),
        true,
      )
      checkAll(
        windows,
        attempt(() => [holdOut(windows, { test: 0.3, by: group, ...opts })]),
        false,
      )
    }),
    { numRuns: 1500 },
  )
  // The property would hold emptily if every split were refused.
  expect(made).toBeGreaterThan(1000)
})

test('a split of one’s own is refused exactly if it leaks', () => {
  let refused = 0
  const parts = fc.array(fc.constantFrom('train', 'validation', 'test', 'none'), { minLength: 24, maxLength: 24 })
  fc.assert(
    fc.property(rows, parts, (list, assigned) => {
      const windows = makeWindows(list, { nSamples: N })
      const pick = (part: string) => list.flatMap((_, i) => (assigned[i] === part ? [i] : []))
      const [train, validation, test] = [pick('train'), pick('validation'), pick('test')]
      fc.pre(train.length > 0 && test.length > 0)
      const split = { name: 'mine', train, test, ...(validation.length > 0 ? { validation } : {}) }
      const isRefused = attempt(() => [assertNoLeak(windows, split)].map(() => split)) === undefined
      if (isRefused) refused++
      expect(isRefused).toBe(leaks(windows, split))
    }),
    { numRuns: 1500 },
  )
  // The property would hold emptily if none were refused; how many are is drawn, about 100 to 200.
  expect(refused).toBeGreaterThan(30)
})
