import { assertNoLeak, checkSplit, EegTorchError, holdOut, kFold, leaveOneOut } from 'eegtorch'
import { makeWindows, type Row } from './make-windows.ts'

/** Ten trials of 3 s in each of three runs; classes a a b a a b ... */
const rows: Row[] = ['6', '10', '14'].flatMap((run) =>
  Array.from({ length: 10 }, (_, i) => ({
    subject: 'S001',
    run,
    trial: i + 1,
    start: i * 40,
    label: i % 3 === 2 ? 1 : 0,
  })),
)
const windows = makeWindows(rows)
const classes = (indices: readonly number[]) => windows.countClasses(indices).slice(0, 2)

test('leaving one run out tests each run once and trains on the others', () => {
  const splits = leaveOneOut(windows, 'run')
  expect(splits.map(({ name }) => name)).toEqual(['S001--6', 'S001--10', 'S001--14'])
  expect(splits[1]!.test).toEqual([10, 11, 12, 13, 14, 15, 16, 17, 18, 19])
  expect(splits[1]!.train).toEqual([...Array(10).keys(), ...Array.from({ length: 10 }, (_, i) => i + 20)])
  expect(splits[1]).not.toHaveProperty('validation')
})

test('validation is cut from training, class by class, seeded, and does not change the test part', () => {
  const [plain] = leaveOneOut(windows, 'run')
  const [first] = leaveOneOut(windows, 'run', { validation: 0.2, seed: 1 })
  const [again] = leaveOneOut(windows, 'run', { validation: 0.2, seed: 1 })
  const [other] = leaveOneOut(windows, 'run', { validation: 0.2, seed: 2 })
  expect(first).toEqual(again)
  expect(first!.validation).not.toEqual(other!.validation)
  expect(first!.test).toEqual(plain!.test)
  expect([...first!.train, ...first!.validation!].sort((a, b) => a - b)).toEqual(plain!.train)
  expect(classes(first!.validation!)).toEqual([3, 1])
})

test('validation may be whole runs', () => {
  const [split] = leaveOneOut(windows, 'run', { validation: 0.5, validationBy: 'run' })
  expect(new Set(split!.validation!.map((i) => windows.run(i))).size).toBe(1)
  expect(split!.validation!.length).toBe(10)
})

test('folds of trials have like shares of each class', () => {
  const splits = kFold(windows, { folds: 5, seed: 3 })
  expect(splits.map(({ test }) => test.length)).toEqual([6, 6, 6, 6, 6])
  for (const { test } of splits) expect(classes(test)[1]).toBeGreaterThanOrEqual(1)
  for (const { test } of splits) expect(classes(test)[1]).toBeLessThanOrEqual(2)
  expect(splits.flatMap(({ test }) => test).sort((a, b) => a - b)).toEqual([...windows.labels.keys()])
  expect(kFold(windows, { folds: 5, seed: 4 })).not.toEqual(splits)
})

test('folds of larger groups keep them whole', () => {
  const splits = kFold(windows, { folds: 2, by: 'run' })
  expect(splits.map(({ test }) => test.length).sort((a, b) => a - b)).toEqual([10, 20])
})

test('a share is held out, class by class', () => {
  const split = holdOut(windows, { test: 0.3, seed: 1, validation: 0.25 })
  expect(classes(split.test)).toEqual([6, 3])
  expect(split.train.length + split.validation!.length).toBe(21)
})

test('a split of sliding windows across one trial is refused by name', () => {
  const sliding = makeWindows(
    [12, 13, 14].flatMap((trial) =>
      [0, 10, 20].map((offset) => ({ file: 'S001R06', subject: 'S001', run: '6', trial, start: trial * 100 + offset })),
    ),
    { step: 10 },
  )
  const split = { name: 'mine', train: [0, 3, 6], test: [1, 2, 4, 5, 7, 8] }
  expect(() => checkSplit(sliding, split)).toThrow(
    'trials 12-14 of S001R06 are in both train and test: windows of 3 s every 1 s overlap. Split by trial, or cut one window per trial.',
  )
  expect(() => checkSplit(sliding, split)).toThrow(expect.objectContaining({ code: 'SPLIT_LEAKS' }))
  expect(checkSplit(sliding, { name: 'mine', train: [0, 1, 2], test: [6, 7, 8] }).name).toBe('mine')
})

test('trials that overlap in time are refused, in validation too', () => {
  const close = makeWindows([0, 20, 60, 100].map((start, i) => ({ file: 'R', trial: i + 1, start })))
  expect(() => assertNoLeak(close, { name: '', train: [0, 3], test: [1] })).toThrow(
    'trial 1 (train) and trial 2 (test) of R overlap in time: windows of 3 s start 2 s apart',
  )
  expect(() => assertNoLeak(close, { name: '', train: [1], validation: [0], test: [3] })).toThrow('validation')
  assertNoLeak(close, { name: '', train: [0, 1], validation: [2], test: [3] })
  expect(() => kFold(close, { folds: 4 })).toThrow('overlap in time')
})

test('one recording under two names is refused', () => {
  const copied = makeWindows(
    ['a', 'b'].flatMap((file) => [0, 40].map((start, i) => ({ file, subject: file, trial: i + 1, start }))),
    { samples: (i) => i % 2 },
  )
  expect(() => leaveOneOut(copied, 'subject')).toThrow('hold the same samples: one recording was read under two names')
})

test.each([
  [{ train: [0], test: [] }, 'no window'],
  [{ train: [], test: [0] }, 'no window'],
  [{ train: [0, 0], test: [1] }, 'a window listed twice'],
  [{ train: [0], test: [30] }, 'whole numbers from 0 to 29'],
  [{ train: [0.5], test: [1] }, 'received 0.5'],
  [{ train: [0], test: [0] }, 'is in both train and test'],
])('refuses the parts %j', (parts, message) => {
  expect(() => checkSplit(windows, { name: 'mine', ...parts })).toThrow(message)
})

test('what cannot be split is one clear error', () => {
  expect(() => leaveOneOut(windows, 'subject')).toThrow('at least 2 groups, received 1 (S001)')
  expect(() => leaveOneOut(windows, 'session')).toThrow('S001--6 does not tell its session')
  expect(() => leaveOneOut(makeWindows([{ file: 'x', trial: 1, start: 0 }]), 'subject')).toThrow(
    'x does not tell its subject',
  )
  expect(() => kFold(windows, { folds: 31 })).toThrow('at least 31 groups, received 30')
  expect(() => kFold(windows, { folds: 1 })).toThrow('2 or more')
  expect(() => holdOut(windows, { test: 1 })).toThrow(EegTorchError)
  expect(() => leaveOneOut(windows, 'run', { validation: -0.1 })).toThrow('the share for validation')
})
