import { rememberAll } from '../../lib/evaluation/seen-trials.ts'
import { subjectSplit } from '../../lib/evaluation/subject-splits.ts'
import { makeWindows } from './make-windows.ts'

test('a subject has more windows than a call has arguments', () => {
  const rows = Array.from({ length: 200_001 }, (_, i) => ({
    ...{ subject: i < 200_000 ? 'A' : 'B', file: i < 200_000 ? 'a' : 'b', trial: i, start: 2 * i },
  }))
  const split = subjectSplit(makeWindows(rows, { nSamples: 2 }), { train: ['A'], test: ['B'] })
  expect([split.train.length, split.test]).toEqual([200_000, [200_000]])
})

test('a checkpoint remembers more windows than a call has arguments', async () => {
  const count = 200_000
  const rows = Array.from({ length: count }, (_, i) => ({ subject: 'A', trial: i >> 1, start: 2 * i }))
  const windows = makeWindows(rows, { nSamples: 2, samples: (row) => row })
  const { seen, seenSamples } = await rememberAll(windows, makeWindows(rows.slice(0, 4), { nSamples: 2 }))
  expect([seen.length, seenSamples.length]).toEqual([count / 2 + 2, count + 4])
  expect(seen.slice(-3)).toEqual([`A-- trial ${count / 2 - 1}`, 'A-- trial 0', 'A-- trial 1'])
  expect(seenSamples.slice(count)).toEqual(seenSamples.slice(0, 4))
  expect(new Set(seenSamples).size).toBe(count)
})
