import type { Protocol } from 'eegtorch'
import { makeSplits, proveSplits } from '../../lib/experiment/make-splits.ts'
import { splitSection } from '../../lib/report/sections.ts'
import { makeWindows } from '../evaluation/make-windows.ts'

const windows = makeWindows(
  ['S1', 'S2', 'S8'].flatMap((subject) =>
    ['1', '2'].flatMap((session) =>
      Array.from({ length: 6 }, (_, i) => ({ subject, session, trial: i + 1, start: 100 * i, label: i % 2 })),
    ),
  ),
)

test.each<[Protocol, string]>([
  [{ name: 'leave-one-out', by: 'session' }, 'one session at a time'],
  [{ name: 'leave-one-out', by: 'session', within: 'subject' }, 'one session at a time within each subject'],
  [{ name: 'leave-one-subject-out' }, 'one subject at a time'],
  [{ name: 'cross-session' }, 'one session at a time'],
  [{ name: 'k-fold', folds: 3 }, 'one of 3 parts of the trials at a time'],
  [{ name: 'k-fold', folds: 3, by: 'subject' }, 'one of 3 parts of the subjects at a time'],
  [{ name: 'hold-out', test: 0.5, by: 'session' }, '50 % of the sessions, once'],
  [{ name: 'blocks', folds: 2 }, 'one of 2 blocks of time at a time'],
  [{ name: 'subjects', train: ['1'], test: ['2', 'S8'] }, 'subjects 2, S8, once'],
])('the report of %j says that it held out %s', (protocol, text) => {
  const proof = proveSplits(windows, makeSplits(windows, { protocol }), { protocol })
  expect(String(splitSection({ split: proof }))).toContain(`Held out: ${text}. no trial`)
})

test('of folds, presets and splits of their own it says no other thing', () => {
  const ways = { folds: 4 }
  expect(proveSplits(windows, makeSplits(windows, ways), ways).heldOut).toBe('one of 4 parts of the trials at a time')
  const splits = [{ name: 'mine', train: [0, 1, 2], test: [3, 4] }]
  expect(proveSplits(windows, makeSplits(windows, { splits }), { splits }).heldOut).toBe(
    'the test part of each split that was given',
  )
  expect(proveSplits(windows, [], { protocol: { name: 'bcic-iv-2a' } }).heldOut).toBe('subjects 8-9, once')
})
