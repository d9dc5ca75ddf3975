import { StretchIndex } from '../datasets/fitted.ts'
import type { EegWindows } from '../datasets/windows.ts'
import { EegTorchError } from '../errors.ts'
import { groupBy } from './group-by.ts'
import type { Split } from './split.ts'

const PARTS = ['train', 'validation', 'test'] as const
type Part = (typeof PARTS)[number]

/** A number for each part of a split. */
export type PartCounts = Readonly<Record<Part, number>>

/** What was checked of one split before a network saw it, and what was found. */
export interface LeakProof {
  /** Different trials of each part; none is in two parts. */
  readonly trials: PartCounts
  /** Recordings with windows in more than one part. */
  readonly sharedRecordings: number
  /** Seconds from the end of one window to the start of another, of the two parts that lie nearest in one recording; absent where none is shared. */
  readonly nearest?: number
  /** Windows whose samples were held against those of the other parts; no two are equal. */
  readonly compared: number
  /** Different stimuli of each part, where they were to stay apart; none is in two parts. */
  readonly stimuli?: PartCounts
  /** What was learned from recordings and shaped the windows, with the windows of each part that it was learned from. */
  readonly fitted: readonly { readonly name: string; readonly learnedFrom: PartCounts }[]
}

/** What a split is asked for, beyond what every split is. */
export interface LeakOptions {
  /** Refuse a split in which two parts share a stimulus. */
  stimuliApart?: boolean | undefined
}

interface Place {
  index: number
  part: Part
  identity: string
  name: string
  trial: number
  /** Seconds since the start of the recording. */
  from: number
  to: number
}

/**
 * Refuses a split that would let a network see what it is tested on: parts may not share a window, a trial, time of one
 * recording, windows with equal samples (one recording under two names), a stimulus where that is asked, or a statistic that was learned from one and
 * shaped another.
 *
 * @throws EegTorchError `SPLIT_LEAKS` naming trials and recording; `INVALID_OPTION` for numbers that are no windows, a window
 *   listed twice, or an empty training or test part
 */
export function assertNoLeak(windows: EegWindows, split: Split, options: LeakOptions = {}): void {
  proveSplit(windows, split, options)
}

/**
 * Does what {@link assertNoLeak} does, and tells what it found.
 *
 * @throws EegTorchError as {@link assertNoLeak}
 */
export function proveSplit(windows: EegWindows, split: Split, { stimuliApart = false }: LeakOptions = {}): LeakProof {
  const places = placesOf(windows, split)
  refuseSharedTrials(windows, places)
  const nearest = refuseSharedTime(windows, places)
  const compared = refuseEqualSamples(windows, places)
  return {
    trials: countParts(places, ({ identity, trial }) => `${trial} ${identity}`),
    sharedRecordings: countShared(places),
    ...(nearest !== undefined && { nearest }),
    compared,
    ...(stimuliApart && { stimuli: refuseSharedStimuli(windows, places) }),
    fitted: refuseCrossedStatistics(windows, places),
  }
}

/**
 * What statistics that shaped the windows were learned from: the part of {@link proveSplit} that concerns them alone.
 *
 * @throws EegTorchError `SPLIT_LEAKS`
 */
export function proveFitted(windows: EegWindows, split: Split): LeakProof['fitted'] {
  return refuseCrossedStatistics(windows, placesOf(windows, split))
}

function placesOf(windows: EegWindows, split: Split): Place[] {
  const parts = PARTS.filter((part) => split[part] !== undefined)
  for (const part of parts) {
    if (split[part]!.length > 0 && new Set(split[part]).size === split[part]!.length) continue
    const received = split[part]!.length === 0 ? 'no window' : 'a window listed twice'
    throw invalidPart(part, 'different windows, at least one', received, split.name)
  }
  return parts.flatMap((part) => split[part]!.map((index) => windowPlace(windows, index, part)))
}

function countParts(places: readonly Place[], keyOf: (place: Place) => string): PartCounts {
  const count = (part: Part) => new Set(places.filter((place) => place.part === part).map(keyOf)).size
  return { train: count('train'), validation: count('validation'), test: count('test') }
}

function countShared(places: readonly Place[]): number {
  const parts = groupBy(places, ({ identity }) => identity)
  return [...parts.values()].filter((own) => own.some(({ part }) => part !== own[0]!.part)).length
}

function windowPlace(windows: EegWindows, index: number, part: Part): Place {
  const origin = windows.origins[index]
  if (origin === undefined) throw invalidPart(part, `whole numbers from 0 to ${windows.length - 1}`, String(index))
  const { identity, name } = windows.recordings[origin.recording]!
  const { trial, onset } = origin
  return { index, part, identity, name, trial, from: onset, to: onset + windows.duration }
}

function refuseSharedTrials(windows: EegWindows, places: readonly Place[]): void {
  const owner = new Map<string, Place>()
  const shared: { place: Place; other: Place }[] = []
  for (const place of places) {
    const key = `${place.trial} ${place.identity}`
    const other = owner.get(key)
    if (other === undefined) owner.set(key, place)
    else if (other.part !== place.part) shared.push({ place, other })
  }
  const first = shared[0]
  if (first === undefined) return
  const trials = shared
    .filter(
      ({ place, other }) =>
        place.identity === first.place.identity && place.part === first.place.part && other.part === first.other.part,
    )
    .map(({ place }) => place.trial)
  const [length, step] = [windows.nSamples, windows.step].map((n) => seconds(n / windows.samplingRate))
  const reason =
    windows.step < windows.nSamples
      ? `windows of ${length} every ${step} overlap`
      : 'windows of one trial belong together'
  throw new EegTorchError(
    'SPLIT_LEAKS',
    `${listTrials(trials)} of ${first.place.name} ${new Set(trials).size > 1 ? 'are' : 'is'} in both ` +
      `${first.other.part} and ${first.place.part}: ${reason}. Split by trial, or cut one window per trial.`,
  )
}

/** Gives the least time between windows of different parts, where they share a recording. */
function refuseSharedTime(windows: EegWindows, places: readonly Place[]): number | undefined {
  const ordered = [...places].sort((a, b) =>
    a.identity < b.identity ? -1 : a.identity > b.identity ? 1 : a.from - b.from,
  )
  // Times are sums of floats; half a sample is less than any true overlap.
  const tolerance = 0.5 / windows.samplingRate
  let nearest = Number.POSITIVE_INFINITY
  // For each part, the window of the current recording that reaches furthest: it started no earlier than any other's latest.
  const latest = new Map<Part, Place>()
  for (const place of ordered) {
    for (const [part, other] of latest) {
      if (other.identity !== place.identity || part === place.part) continue
      nearest = Math.min(nearest, Math.max(0, place.from - other.to))
      if (place.from + tolerance >= other.to) continue
      const [a, b] = other.trial < place.trial ? [other, place] : [place, other]
      throw new EegTorchError(
        'SPLIT_LEAKS',
        `trial ${a.trial} (${a.part}) and trial ${b.trial} (${b.part}) of ${place.name} overlap in time: windows of ` +
          `${seconds(windows.duration)} start ${seconds(place.from - other.from)} apart. ` +
          'Split by run, or cut shorter windows.',
      )
    }
    latest.set(place.part, place)
  }
  return Number.isFinite(nearest) ? Number(nearest.toPrecision(6)) : undefined
}

/** Gives the number of windows that were compared. Windows of a store are read where their fingerprints are equal, and not otherwise. */
function refuseEqualSamples(windows: EegWindows, places: readonly Place[]): number {
  const known = places.map((place) => ({ place, key: fingerprintOf(windows, place.index) }))
  const varied = known.filter(({ key }) => key !== undefined)
  const groups = [...groupBy(varied, ({ key }) => key).values()].filter(({ length }) => length > 1)
  const flat = groups.map((group) =>
    refuseCopies(
      windows,
      group.map(({ place }) => place),
    ),
  )
  return varied.length - flat.reduce((sum, count) => sum + count, 0)
}

/** Gives the number of flat windows among those of one fingerprint: they equal each other without being copies. */
function refuseCopies(windows: EegWindows, alike: readonly Place[]): number {
  const varied = alike.filter(({ index }) => !isFlat(windows.window(index)))
  for (const [i, place] of varied.entries()) {
    const isCopy = ({ part, index }: Place) =>
      part !== place.part && isEqual(windows.window(index), windows.window(place.index))
    const copy = varied.slice(0, i).find(isCopy)
    if (copy === undefined) continue
    throw new EegTorchError(
      'SPLIT_LEAKS',
      `trial ${copy.trial} of ${copy.name} (${copy.part}) and trial ${place.trial} of ${place.name} (${place.part}) hold the same ` +
        'samples: one recording was read under two names. Leave one of them out.',
    )
  }
  return alike.length - varied.length
}

/** Hashes that were taken: every fold of a cross-validation asks for those of all windows. */
const taken = new WeakMap<EegWindows, Map<number, number | undefined>>()

/** What the source knows, else a hash of the samples; undefined for a window that is flat. */
function fingerprintOf(windows: EegWindows, index: number): number | undefined {
  const known = windows.source?.fingerprint?.(index)
  if (known !== undefined) return known
  const hashes = taken.get(windows) ?? new Map<number, number | undefined>()
  taken.set(windows, hashes)
  if (!hashes.has(index)) {
    const samples = windows.window(index)
    hashes.set(index, isFlat(samples) ? undefined : fingerprint(samples))
  }
  return hashes.get(index)
}

const isFlat = (samples: Float32Array) => samples.every((value) => value === samples[0])

function refuseSharedStimuli(windows: EegWindows, places: readonly Place[]): PartCounts {
  const owner = new Map<string, Place>()
  for (const place of places) {
    const stimulus = windows.stimulus(place.index)
    if (stimulus === undefined) {
      throw new EegTorchError('INVALID_OPTION', `trial ${place.trial} of ${place.name} does not tell its stimulus`, {
        option: 'stimuliApart',
        expected: 'windows of recordings whose events tell their stimulus',
        received: 'a trial without',
      })
    }
    const other = owner.get(stimulus)
    if (other !== undefined && other.part !== place.part) {
      throw new EegTorchError(
        'SPLIT_LEAKS',
        `stimulus ${stimulus} is in both ${other.part} (trial ${other.trial} of ${other.name}) and ${place.part} ` +
          `(trial ${place.trial} of ${place.name}). Split by stimulus, or leave its training windows out.`,
      )
    }
    owner.set(stimulus, place)
  }
  return countParts(places, ({ index }) => windows.stimulus(index)!)
}

/** A statistic crosses where it was learned from what is tested (or chosen by) and shaped what comes before that. */
function refuseCrossedStatistics(windows: EegWindows, places: readonly Place[]): LeakProof['fitted'] {
  return windows.fitted.map(({ name, from, shaped }) => {
    const tolerance = 0.5 / windows.samplingRate
    const [source, target] = [from, shaped].map((list) => list && new StretchIndex(list, tolerance))
    const stretch = ({ identity, from: start, to }: Place) => ({ recording: identity, from: start, to })
    const learned = places.filter((place) => source!.meets(stretch(place)))
    for (const [i, part] of PARTS.entries()) {
      const known = learned.find((place) => place.part === part)
      const reached = places.find(
        (place) => PARTS.indexOf(place.part) < i && (target === undefined || target.meets(stretch(place))),
      )
      if (known === undefined || reached === undefined) continue
      throw new EegTorchError(
        'SPLIT_LEAKS',
        `the ${name} that shaped trial ${reached.trial} of ${reached.name} (${reached.part}) were learned from trial ${known.trial} of ` +
          `${known.name} too, which is in ${part}. Fit them on the training part of each split.`,
      )
    }
    return { name, learnedFrom: countParts(learned, ({ index }) => String(index)) }
  })
}

/** A hash (FNV-1a) of all channels, for any of them may be the same in all windows, as a flat reference is. */
function fingerprint(samples: Float32Array): number {
  const bits = new Uint32Array(samples.buffer, samples.byteOffset, samples.length)
  let hash = 0x811c9dc5
  for (const word of bits) hash = Math.imul(hash ^ word ^ (word >>> 15), 0x01000193)
  return hash >>> 0
}

const isEqual = (a: Float32Array, b: Float32Array) => a.every((value, i) => value === b[i])

/** `trial 3`, `trials 3 and 7`, `trials 12-14`, `trials 1-3, 8 and 4 more`. */
function listTrials(numbers: readonly number[]): string {
  const unique = [...new Set(numbers)].sort((a, b) => a - b)
  const runs: [number, number][] = []
  for (const n of unique) {
    const last = runs.at(-1)
    if (last !== undefined && last[1] === n - 1) last[1] = n
    else runs.push([n, n])
  }
  const shown = runs.slice(0, 3).map(([a, b]) => (a === b ? `${a}` : `${a}-${b}`))
  const hidden = runs.slice(3).reduce((sum, [a, b]) => sum + b - a + 1, 0)
  return `trial${unique.length > 1 ? 's' : ''} ${shown.join(', ')}${hidden > 0 ? ` and ${hidden} more` : ''}`
}

const seconds = (value: number) => `${Number(value.toPrecision(6))} s`

function invalidPart(part: Part, expected: string, received: string, name?: string): EegTorchError {
  const of = name === undefined ? '' : ` of split '${name}'`
  return new EegTorchError('INVALID_OPTION', `the ${part} part${of} is not usable`, {
    option: part,
    expected,
    received,
  })
}
