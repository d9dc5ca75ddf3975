import { createHash } from 'node:crypto'
import { StretchIndex, stretchesOf } from '../datasets/fitted.ts'
import { piecesOf } from '../datasets/window-pieces.ts'
import type { EegWindows } from '../datasets/windows.ts'

/** What a checkpoint remembers of the windows that it was trained on or chosen by. */
export interface SeenTrials {
  /** Names of their trials. */
  seen: string[]
  /** Hashes of their samples as the steps that learn were given them; absent in checkpoints of older versions. */
  seenSamples?: string[]
}

/** A hash of the samples of each window, by its number. Flat windows have none: they equal each other without being copies. */
export type WindowHashes = ReadonlyMap<number, string>

/** How windows were held against those that shaped a network. */
export interface SeenProof {
  /** `samples`; `names` for checkpoints that keep no hashes; both where it is not known whether the windows were preprocessed as in training. */
  by: 'samples' | 'names' | 'samples and names'
  /** Different windows (or trials, by names) that the network was trained on or chosen by. */
  against: number
  /** Windows and trials that were held against them. */
  windows: number
  trials: number
  /** Trials left out, because one of their windows is among those, or overlaps one in time. */
  seenTrials: number
}

/** Windows by whether a network has seen their trial. */
export interface Recognised {
  /** One answer a trial: see {@link trialIdentity}. */
  seen: ReadonlySet<string>
  proof: SeenProof
  warnings: string[]
}

const HASH_CHARACTERS = 16

/** Hashes the samples of some windows, a few at a time while the event loop goes on. */
export async function hashWindows(
  windows: EegWindows,
  indices: ArrayLike<number> = windows.labels.map((_, i) => i),
): Promise<WindowHashes> {
  const hashes = new Map<number, string>()
  let at = 0
  for await (const piece of piecesOf(windows, indices)) {
    for (let i = 0; i < piece.length; i++, at++) {
      const hash = hashSamples(piece.window(i))
      if (hash !== undefined) hashes.set(indices[at]!, hash)
    }
  }
  return hashes
}

/** What a checkpoint keeps of the windows that shape it. */
export function rememberSeen(windows: EegWindows, indices: readonly number[], hashes?: WindowHashes): SeenTrials {
  const seen = indices.map((index) => trialName(windows, index))
  return { seen, ...(hashes && { seenSamples: indices.flatMap((index) => hashes.get(index) ?? []) }) }
}

/**
 * What a checkpoint keeps of windows of which all shape it, each trial named once. A hash takes 21 bytes of a safetensors header, a name as many as it
 * is long: the 100 MB that a header may have are enough for some two million windows, and the writer refuses more.
 */
export async function rememberAll(...parts: readonly EegWindows[]): Promise<Required<SeenTrials>> {
  const kept: Required<SeenTrials>[] = []
  for (const windows of parts) {
    const all = [...windows.labels.keys()]
    const { seen, seenSamples = [] } = rememberSeen(windows, all, await hashWindows(windows))
    kept.push({ seen: [...new Set(seen)], seenSamples })
  }
  return { seen: kept.flatMap(({ seen }) => seen), seenSamples: kept.flatMap(({ seenSamples }) => seenSamples) }
}

/**
 * Finds the trials that a network was trained on or chosen by. Samples tell a copy under another name, and another study's trial under the same;
 * names tell only where hashes are missing, or where the windows may have been preprocessed otherwise.
 *
 * @param isSamePreprocessing whether the windows are known to come from the preprocessing that the network was trained with
 */
export async function recogniseSeen(
  windows: EegWindows,
  { seen: names, seenSamples }: SeenTrials,
  isSamePreprocessing: boolean,
): Promise<Recognised> {
  const all = [...windows.labels.keys()]
  const [knownNames, knownSamples] = [new Set(names), new Set(seenSamples)]
  const hashes = seenSamples === undefined ? new Map<number, string>() : await hashWindows(windows)
  const isKnown = (index: number) => knownSamples.has(hashes.get(index) ?? '')
  const isNamed = (index: number) => knownNames.has(trialName(windows, index))
  const byName = all.filter((index) => isNamed(index) && !isKnown(index))
  // Where samples can decide, a name counts for flat windows alone.
  const bySamples = seenSamples !== undefined && isSamePreprocessing
  const counted = bySamples ? byName.filter((index) => !hashes.has(index)) : byName
  const seen = trialsMeeting(windows, [...all.filter(isKnown), ...counted])
  const trials = new Set(all.map((index) => trialIdentity(windows, index)))
  return {
    seen,
    proof: {
      by: seenSamples === undefined ? 'names' : bySamples ? 'samples' : 'samples and names',
      against: seenSamples === undefined ? knownNames.size : knownSamples.size,
      windows: windows.length,
      trials: trials.size,
      seenTrials: seen.size,
    },
    warnings: doubts(windows, { byName, isByNames: seenSamples === undefined, bySamples, seen }),
  }
}

/** Trials of the given windows, and those of windows that overlap one of them in time. */
function trialsMeeting(windows: EegWindows, indices: readonly number[]): Set<string> {
  const index = new StretchIndex(stretchesOf(windows, indices), 0.5 / windows.samplingRate)
  const meeting = stretchesOf(windows).flatMap((stretch, i) => (index.meets(stretch) ? [i] : []))
  return new Set([...indices, ...meeting].map((i) => trialIdentity(windows, i)))
}

interface Found {
  byName: readonly number[]
  isByNames: boolean
  bySamples: boolean
  seen: ReadonlySet<string>
}

function doubts(windows: EegWindows, { byName, isByNames, bySamples, seen }: Found): string[] {
  if (isByNames) {
    return [
      'The checkpoint keeps no hashes of what it was trained on: trials are recognised by the names of their files, so that a renamed copy is scored as new.',
    ]
  }
  const first = byName.find((index) => seen.has(trialIdentity(windows, index)) !== bySamples)
  if (first === undefined) return []
  const count = new Set(byName.map((index) => trialIdentity(windows, index))).size
  const are = `${count} trials have names that the network was trained on (${trialName(windows, first)}), and other samples`
  return bySamples
    ? [`${are}: they are scored.`]
    : [`${are}; whether they were preprocessed as in training is not known: they are left out.`]
}

/** Tells a trial from all others of the same windows. */
export function trialIdentity(windows: EegWindows, index: number): string {
  return `${windows.trial(index)} ${windows.recordingOf(index).identity}`
}

/** By this name a checkpoint remembers which trials shaped it. */
export function trialName(windows: EegWindows, index: number): string {
  return `${windows.recordingOf(index).name} trial ${windows.trial(index)}`
}

/** Undefined for flat samples. */
function hashSamples(samples: Float32Array): string | undefined {
  if (samples.every((value) => value === samples[0])) return undefined
  const bytes = new Uint8Array(samples.buffer, samples.byteOffset, samples.byteLength)
  return createHash('sha256').update(bytes).digest('hex').slice(0, HASH_CHARACTERS)
}

/** `held against training: 24 windows of 24 trials, by their samples, against the 16 that ...; 16 trials left out` */
export function formatSeen({ by, against, windows, trials, seenTrials }: SeenProof): string {
  const what = by === 'names' ? 'trials' : 'windows'
  return (
    `held against training: ${windows} windows of ${trials} trials, by their ${by}, against ${against} ${what} that the network was ` +
    `trained on or chosen by; ${seenTrials} trials left out`
  )
}
