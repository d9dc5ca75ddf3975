import { StretchIndex, stretchesOf } from '../datasets/fitted.ts'
import type { EegWindows } from '../datasets/windows.ts'
import { EegTorchError } from '../errors.ts'
import { groupBy } from './group-by.ts'
import {
  finishSplit,
  type GroupBy,
  groupWindows,
  holdOut,
  kFold,
  leaveOneOut,
  requireGroups,
  type Split,
  type SplitOptions,
  shapingWindows,
} from './split.ts'
import { SUBJECT_PRESETS, type SubjectParts, type SubjectPreset, subjectSplit, subjectsText } from './subject-splits.ts'

/** A way to evaluate, in words and numbers that a configuration file can hold. */
export type Protocol = (
  | { name: 'hold-out'; test: number; by?: GroupBy | undefined }
  | { name: 'k-fold'; folds: number; by?: GroupBy | undefined }
  | { name: 'blocks'; folds: number; gap?: number | undefined }
  | { name: 'leave-one-out'; by: GroupBy }
  | { name: 'leave-one-subject-out' }
  | { name: 'cross-session'; forward?: boolean | undefined }
  | ({ name: 'subjects' } & SubjectParts)
  | { name: SubjectPreset }
) & {
  /** Each subject, or each session of each subject, by itself: others are in no part of its splits. */
  within?: 'subject' | 'session' | undefined
}

/** An outer split with splits of what it trains on, to choose by; numbers of windows of the whole. */
export interface NestedSplit extends Split {
  readonly inner: readonly Split[]
}

/**
 * The splits of a protocol.
 *
 * @throws EegTorchError `INVALID_OPTION` for groups that the recordings do not tell or that are too few, `SPLIT_LEAKS`
 */
export function protocolSplits(windows: EegWindows, protocol: Protocol, options: SplitOptions = {}): Split[] {
  const { within, ...whole } = protocol
  if (within !== undefined) return splitWithin(windows, within, (part) => protocolSplits(part, whole, options))
  if (namesSubjects(whole) && options.validation !== undefined) {
    throw new EegTorchError('INVALID_OPTION', 'the protocol says itself which subjects the epoch is chosen by', {
      option: 'validation',
      expected: 'no share',
      received: String(options.validation),
    })
  }
  switch (whole.name) {
    case 'hold-out':
      return [holdOut(windows, { ...options, test: whole.test, by: whole.by ?? 'trial' })]
    case 'k-fold':
      return kFold(windows, { ...options, folds: whole.folds, by: whole.by ?? 'trial' })
    case 'blocks':
      return timeBlocks(windows, { ...options, folds: whole.folds, gap: whole.gap ?? 0 })
    case 'leave-one-out':
      return leaveOneOut(windows, whole.by, options)
    case 'leave-one-subject-out':
      return leaveOneOut(windows, 'subject', options)
    case 'cross-session':
      return crossSession(windows, { ...options, forward: whole.forward ?? false })
    case 'subjects':
      return [subjectSplit(windows, whole)]
    default:
      return [subjectSplit(windows, SUBJECT_PRESETS[whole.name], whole.name)]
  }
}

/** What the splits of a protocol hold out: `subject`, `session`, `run`, `trial`. */
export function heldOutBy(protocol: Protocol): GroupBy {
  if (namesSubjects(protocol) || protocol.name === 'leave-one-subject-out') return 'subject'
  if (protocol.name === 'cross-session') return 'session'
  return 'by' in protocol ? (protocol.by ?? 'trial') : 'trial'
}

/** Whether a protocol says itself which subjects train, choose and test. */
export const namesSubjects = ({ name }: Pick<Protocol, 'name'>): boolean =>
  name === 'subjects' || name in SUBJECT_PRESETS

/** What a protocol tests, as a report says it: `one run at a time within each subject`, `20 % of the trials, once`. */
export function heldOutText(protocol: Protocol): string {
  const within = protocol.within === undefined ? '' : ` within each ${protocol.within}`
  return testedText(protocol) + within
}

function testedText(protocol: Protocol): string {
  const by = heldOutBy(protocol)
  switch (protocol.name) {
    case 'hold-out':
      return `${Math.round(100 * protocol.test)} % of the ${severalOf(by)}, once`
    case 'k-fold':
      return `one of ${protocol.folds} parts of the ${severalOf(by)} at a time`
    case 'blocks':
      return `one of ${protocol.folds} blocks of time at a time`
    case 'subjects':
      return `subjects ${protocol.test.join(', ')}, once`
    case 'bcic-iv-2a':
    case 'visual-imagery':
      return `subjects ${SUBJECT_PRESETS[protocol.name].test.join(', ')}, once`
    default:
      return `one ${by} at a time`
  }
}

const severalOf = (by: GroupBy): string => (by === 'stimulus' ? 'stimuli' : `${by}s`)

/** A protocol as a report says it: `leave one run out within each subject`. */
export function protocolText(protocol: Protocol): string {
  const by = heldOutBy(protocol)
  const texts: Record<Protocol['name'], (p: never) => string> = {
    'hold-out': ({ test }: { test: number }) => `${Math.round(100 * test)} % of ${severalOf(by)} held out`,
    'k-fold': ({ folds }: { folds: number }) => `${folds} folds of ${severalOf(by)}`,
    blocks: ({ folds, gap = 0 }: { folds: number; gap?: number }) =>
      `${folds} blocks of time${gap > 0 ? `, ${gap} s apart` : ''}`,
    'leave-one-out': () => `leave one ${by} out`,
    'leave-one-subject-out': () => 'leave one subject out',
    'cross-session': ({ forward }: { forward?: boolean }) =>
      forward ? 'each session by those before it' : 'each session by the others of its subject',
    subjects: subjectsText,
    'bcic-iv-2a': () => subjectsText(SUBJECT_PRESETS['bcic-iv-2a']),
    'visual-imagery': () => subjectsText(SUBJECT_PRESETS['visual-imagery']),
  }
  const within = protocol.within === undefined ? '' : ` within each ${protocol.within}`
  return texts[protocol.name](protocol as never) + within
}

/**
 * Splits each subject, or each session, by itself.
 *
 * @param split makes the splits of one subject's windows
 */
export function splitWithin(
  windows: EegWindows,
  by: 'subject' | 'session',
  split: (part: EegWindows) => readonly Split[],
): Split[] {
  return groupWindows(windows, by).flatMap(({ name, indices }) =>
    splitSubset(windows, indices, split).map((part) =>
      part.name.startsWith(name) ? part : { ...part, name: `${name}: ${part.name}` },
    ),
  )
}

/**
 * Splits into contiguous blocks of time: fold i tests the i-th stretch of every recording. Neighbours in time are alike beyond what
 * the task explains, so that random folds flatter; here they meet at the ends of blocks only, and `gap` removes those.
 *
 * @throws EegTorchError `INVALID_OPTION` for a recording with fewer trials than folds, `SPLIT_LEAKS`
 */
export function timeBlocks(
  windows: EegWindows,
  {
    folds,
    gap = 0,
    ...options
  }: {
    folds: number
    /** Seconds: windows of the same recording that lie nearer to a test window are in no part, default 0. */
    gap?: number
  } & SplitOptions,
): Split[] {
  requireBlocks(folds, gap)
  const blocks = Array.from({ length: folds }, (): number[] => [])
  for (const trials of trialsByRecording(windows).values()) {
    requireGroups(trials, folds, 'trial')
    for (const [i, { indices }] of trials.entries()) blocks[Math.floor((i * folds) / trials.length)]!.push(...indices)
  }
  return blocks.map((test, i) =>
    finishSplit(windows, `block ${i + 1} of ${folds}`, test, options, nearby(windows, test, gap)),
  )
}

/**
 * Tests each session by a network that was trained on other sessions of the same subject.
 *
 * @throws EegTorchError `INVALID_OPTION` for a subject with one session, or recordings that do not tell theirs
 */
export function crossSession(
  windows: EegWindows,
  {
    forward = false,
    ...options
  }: {
    /** Train on earlier sessions only, in the order in which recordings were read, which names of splits tell: `A01 session E after T`. The first is never tested. */
    forward?: boolean
  } & SplitOptions = {},
): Split[] {
  return splitWithin(windows, 'subject', (part) => {
    if (!forward) return leaveOneOut(part, 'session', options)
    const sessions = groupWindows(part, 'session')
    requireGroups(sessions, 2, 'session')
    return sessions.slice(1).flatMap((_, i) => {
      const known = sessions.slice(0, i + 2).flatMap(({ indices }) => indices)
      const before = sessions.slice(0, i + 1).map(({ indices }) => part.session(indices[0]!))
      return splitSubset(part, known, (until) => leaveOneOut(until, 'session', options).slice(-1)).map((split) => ({
        ...split,
        name: `${split.name} after ${before.join(', ')}`,
      }))
    })
  })
}

/**
 * Splits for choosing inside of splits for testing: what an outer split tests is in no part of its inner ones.
 *
 * @throws EegTorchError as {@link protocolSplits}
 */
export function nestedSplits(
  windows: EegWindows,
  { outer, inner, ...options }: { outer: Protocol; inner: Protocol } & SplitOptions,
): NestedSplit[] {
  return protocolSplits(windows, outer, options).map((split) => {
    const seen = shapingWindows(split).sort((a, b) => a - b)
    return { ...split, inner: splitSubset(windows, seen, (part) => protocolSplits(part, inner, options)) }
  })
}

/** Splits of some windows, told in the numbers of the whole. */
function splitSubset(
  windows: EegWindows,
  indices: readonly number[],
  split: (part: EegWindows) => readonly Split[],
): Split[] {
  const whole = (part: readonly number[]) => part.map((i) => indices[i]!)
  return split(windows.subset(indices)).map(({ name, train, validation, test }) => ({
    name,
    train: whole(train),
    ...(validation && { validation: whole(validation) }),
    test: whole(test),
  }))
}

/** Trials of each recording in the order of time. */
export function trialsByRecording(windows: EegWindows) {
  const start = (indices: readonly number[]) => Math.min(...indices.map((index) => windows.origins[index]!.start))
  const byRecording = groupBy(
    groupWindows(windows, 'trial'),
    ({ indices }) => windows.recordingOf(indices[0]!).identity,
  )
  for (const trials of byRecording.values()) trials.sort((a, b) => start(a.indices) - start(b.indices))
  return byRecording
}

/** Windows outside of a part that lie within so many seconds of one inside, in the same recording. */
export function nearby(windows: EegWindows, part: readonly number[], gap: number): number[] {
  if (gap === 0) return []
  const inside = new Set(part)
  const outside = [...windows.labels.keys()].filter((index) => !inside.has(index))
  // Times are sums of floats.
  const taken = new StretchIndex(stretchesOf(windows, part), 0.5 / windows.samplingRate)
  const stretches = stretchesOf(windows, outside)
  return outside.filter((_, i) => {
    const { recording, from, to } = stretches[i]!
    return taken.meets({ recording, from: from - gap, to: to + gap })
  })
}

function requireBlocks(folds: number, gap: number): void {
  const [option, expected, received] =
    Number.isInteger(folds) && folds >= 2
      ? ['gap', 'seconds, 0 or more', gap]
      : ['folds', 'a whole number, 2 or more', folds]
  if (option === 'gap' && Number.isFinite(gap) && gap >= 0) return
  throw new EegTorchError('INVALID_OPTION', `the ${option === 'gap' ? 'gap' : 'number of folds'} is not usable`, {
    option,
    expected,
    received: String(received),
  })
}
