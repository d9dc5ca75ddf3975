import type { EegWindows } from '../datasets/windows.ts'
import { EegTorchError } from '../errors.ts'
import { Random } from '../random.ts'
import { groupBy } from './group-by.ts'
import { assertNoLeak, type LeakOptions } from './leaks.ts'

/** Which windows train, choose and test; numbers of windows. */
export interface Split {
  /** What is left out: `S001R06`, `S003`, `fold 2 of 5`. */
  readonly name: string
  readonly train: readonly number[]
  /** For early stopping and choosing; cut from what would be training. */
  readonly validation?: readonly number[]
  readonly test: readonly number[]
}

/** The windows that shape what a split trains: those that it learns from, and those that it is chosen by. */
export const shapingWindows = ({ train, validation = [] }: Split): number[] => [...train, ...validation]

/** What stays together: everything of one group is on one side. */
export type GroupBy = 'subject' | 'session' | 'run' | 'trial' | 'stimulus'

/** Options of every splitter. */
export interface SplitOptions extends LeakOptions {
  /** Seed of all shuffling, default 0. */
  seed?: number
  /** Share of the training groups that becomes validation, 0 (default: none) up to 1 excluded. Stratified by class. */
  validation?: number
  /** What stays together when validation is cut, default `trial`. */
  validationBy?: GroupBy
}

/**
 * One split per group, with that group as test: leave one subject, session or run out.
 *
 * @throws EegTorchError `INVALID_OPTION` if there are fewer than two groups, or the recordings do not tell them; `SPLIT_LEAKS`
 */
export function leaveOneOut(windows: EegWindows, by: GroupBy, options: SplitOptions = {}): Split[] {
  const groups = groupWindows(windows, by)
  requireGroups(groups, 2, by)
  return groups.map((group) => finishSplit(windows, group.name, group.indices, apart(options, by)))
}

/**
 * Splits into k folds, each the test of one split. Trials are dealt class by class, so that folds have like shares of each class; larger
 * groups are dealt so that folds have like sizes.
 *
 * @throws EegTorchError `INVALID_OPTION` for fewer groups than folds, `SPLIT_LEAKS`
 */
export function kFold(
  windows: EegWindows,
  { folds, by = 'trial', ...options }: { folds: number; by?: GroupBy } & SplitOptions,
): Split[] {
  if (!(Number.isInteger(folds) && folds >= 2)) {
    throw new EegTorchError('INVALID_OPTION', 'the number of folds is not usable', {
      option: 'folds',
      expected: 'a whole number, 2 or more',
      received: String(folds),
    })
  }
  const groups = groupWindows(windows, by)
  requireGroups(groups, folds, by)
  const parts = dealIntoFolds(groups, folds, new Random(options.seed ?? 0))
  return parts.map((test, i) => finishSplit(windows, `fold ${i + 1} of ${folds}`, test, apart(options, by)))
}

/**
 * One split that keeps a share of the groups for testing, chosen at random, class by class.
 *
 * @throws EegTorchError `INVALID_OPTION` if a side would be empty, `SPLIT_LEAKS`
 */
export function holdOut(
  windows: EegWindows,
  { test, by = 'trial', ...options }: { test: number; by?: GroupBy } & SplitOptions,
): Split {
  requireShare('test', test)
  const groups = groupWindows(windows, by)
  requireGroups(groups, 2, by)
  const indices = drawShare(groups, test, new Random(options.seed ?? 0))
  return finishSplit(windows, `${Math.round(test * 100)} % held out`, indices, apart(options, by))
}

/**
 * A split of one's own, let through only if it does not leak.
 *
 * @throws EegTorchError as {@link assertNoLeak}
 */
export function checkSplit(windows: EegWindows, split: Split, options: LeakOptions = {}): Split {
  assertNoLeak(windows, split, options)
  return split
}

/** Windows that stay together. */
export interface WindowGroup {
  readonly name: string
  readonly indices: number[]
  /** Class, if all windows agree. */
  readonly label: number | undefined
}

/** Windows by group, in the order in which groups first occur. */
export function groupWindows(
  windows: EegWindows,
  by: GroupBy,
  indices: Iterable<number> = windows.labels.keys(),
): WindowGroup[] {
  const groups = new Map<string, { name: string; indices: number[]; label: number | undefined }>()
  for (const index of indices) {
    const { key, name } = groupOf(windows, index, by)
    const label = windows.labels[index]!
    const group = groups.get(key)
    if (group === undefined) {
      groups.set(key, { name, indices: [index], label })
      continue
    }
    group.indices.push(index)
    if (group.label !== label) group.label = undefined
  }
  return [...groups.values()]
}

function groupOf(windows: EegWindows, index: number, by: GroupBy): { key: string; name: string } {
  const { name, identity, subject, session, run } = windows.recordingOf(index)
  const key = (...parts: (string | number | undefined)[]) => JSON.stringify(parts.map((part) => part ?? null))
  if (by === 'trial') {
    const trial = windows.trial(index)
    return { key: key(identity, trial), name: `trial ${trial} of ${name}` }
  }
  if (by === 'stimulus') {
    const stimulus = windows.stimulus(index)
    if (stimulus !== undefined) return { key: stimulus, name: stimulus }
    throw untold(name, by, 'recordings whose events tell their stimulus')
  }
  // One file is one run where nothing tells more.
  if (by === 'run') return { key: run === undefined ? key(identity) : key(subject, session, run), name }
  if (subject === undefined || (by === 'session' && session === undefined)) {
    throw untold(name, by, 'names such as S001R06.edf or sub-01_ses-2_eeg.edf, or the option metadata when reading')
  }
  return by === 'subject'
    ? { key: key(subject), name: subject }
    : { key: key(subject, session), name: `${subject} session ${session}` }
}

/** Split by stimulus, stimuli stay apart. */
function apart(options: SplitOptions, by: GroupBy): SplitOptions {
  return by === 'stimulus' ? { validationBy: by, ...options, stimuliApart: true } : options
}

function untold(name: string, by: GroupBy, expected: string): EegTorchError {
  return new EegTorchError('INVALID_OPTION', `${name} does not tell its ${by}`, {
    option: by,
    expected,
    received: name,
  })
}

/** Makes the split with a test part, cuts validation from the rest without what is in no part, and checks it. */
export function finishSplit(
  windows: EegWindows,
  name: string,
  test: readonly number[],
  options: SplitOptions,
  without: readonly number[] = [],
): Split {
  const { validation: share = 0, stimuliApart = false, seed = 0 } = options
  const { validationBy = stimuliApart ? 'stimulus' : 'trial' } = options
  const isOut = new Set([...test, ...without])
  const rest = [...windows.labels.keys()].filter((index) => !isOut.has(index))
  if (share !== 0) requireShare('validation', share)
  const groups = share === 0 ? [] : groupWindows(windows, validationBy, rest)
  // A stream of its own: asking for validation does not change who is tested.
  const validation = share === 0 ? [] : drawShare(groups, share, new Random(seed, 55))
  const isValidation = new Set(validation)
  const train = rest.filter((index) => !isValidation.has(index))
  const split = { name, train, ...(share === 0 ? {} : { validation: sorted(validation) }), test: sorted(test) }
  return checkSplit(windows, split, { stimuliApart })
}

function dealIntoFolds(groups: readonly WindowGroup[], folds: number, random: Random): number[][] {
  const parts = Array.from({ length: folds }, (): number[] => [])
  if (groups.every(({ label }) => label !== undefined)) {
    const dealt = strata(groups).flatMap((stratum) => random.shuffle(stratum))
    for (const [i, { indices }] of dealt.entries()) {
      for (const index of indices) parts[i % folds]!.push(index)
    }
    return parts
  }
  const largestFirst = random.shuffle(groups).sort((a, b) => b.indices.length - a.indices.length)
  for (const { indices } of largestFirst) {
    const smallest = parts.reduce((best, part) => (part.length < best.length ? part : best))
    for (const index of indices) smallest.push(index)
  }
  return parts
}

/** A share of each class's groups, at least one and never all of them where there are two or more. */
function drawShare(groups: readonly WindowGroup[], share: number, random: Random): number[] {
  return strata(groups).flatMap((stratum) => {
    const n = Math.min(stratum.length - 1, Math.max(1, Math.round(share * stratum.length)))
    return random
      .shuffle(stratum)
      .slice(0, n)
      .flatMap(({ indices }) => indices)
  })
}

/** Groups of one class together, those of mixed class as one more stratum. */
function strata(groups: readonly WindowGroup[]): WindowGroup[][] {
  return [...groupBy(groups, ({ label }) => label).values()]
}

const sorted = (indices: readonly number[]) => [...indices].sort((a, b) => a - b)

export function requireGroups(groups: readonly WindowGroup[], least: number, by: GroupBy): void {
  if (groups.length >= least) return
  throw new EegTorchError('INVALID_OPTION', `the windows cannot be split by ${by}`, {
    option: by,
    expected: `at least ${least} groups`,
    received: `${groups.length}${groups.length === 1 ? ` (${groups[0]!.name})` : ''}`,
  })
}

function requireShare(option: string, share: number): void {
  if (share > 0 && share < 1) return
  throw new EegTorchError('INVALID_OPTION', `the share for ${option} is not usable`, {
    option,
    expected: 'a number between 0 and 1',
    received: String(share),
  })
}
