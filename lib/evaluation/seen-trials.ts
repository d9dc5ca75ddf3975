import { createHash } from 'node:crypto'
import { StretchIndex, stretchesOf } from '../datasets/fitted.ts'
import { piecesOf } from '../datasets/window-pieces.ts'
import type { EegWindows, WindowRecording } from '../datasets/windows.ts'

/** What a checkpoint remembers of the windows that it was trained on or chosen by. */
export interface SeenTrials {
  /** Names of their trials. */
  seen: string[]
  /** Hashes of their samples as the steps that learn were given them; absent in checkpoints of older versions. */
  seenSamples?: string[]
  /** How their samples were kept: see `EegWindows.sampleType`. Absent in checkpoints of older versions. */
  seenSampleTypes?: string[]
  /** Hashes of the paths of their files. Absent in checkpoints of older versions. */
  seenFiles?: string[]
  /** Hash of the pipeline that made them, null where they did not tell. Absent in checkpoints of older versions. */
  preparedBy?: string | null
}

/** A hash of the samples of each window, by its number. Flat windows have none: they equal each other without being copies. */
export type WindowHashes = ReadonlyMap<number, string>

/** How windows were held against those that shaped a network. */
export interface SeenProof {
  /** `samples`; `names` for checkpoints that keep no hashes; both where windows may be others of the same trials: preprocessed or rounded otherwise, or of the same files. */
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
  const files = new Set(indices.flatMap((index) => fileHash(windows.recordingOf(index)) ?? []))
  return {
    seen,
    ...(hashes && { seenSamples: indices.flatMap((index) => hashes.get(index) ?? []) }),
    ...{ seenSampleTypes: [windows.sampleType], seenFiles: [...files], preparedBy: windows.pipeline ?? null },
  }
}

/**
 * What a checkpoint keeps of windows of one store, of which all shape it, each trial named once. A hash takes 21 bytes of a safetensors header, a name as many as it
 * is long: the 100 MB that a header may have are enough for some two million windows, and the writer refuses more.
 */
export async function rememberAll(...parts: readonly EegWindows[]): Promise<Required<SeenTrials>> {
  const kept: SeenTrials[] = []
  for (const windows of parts) {
    const told = rememberSeen(windows, [...windows.labels.keys()], await hashWindows(windows))
    kept.push({ ...told, seen: [...new Set(told.seen)] })
  }
  const different = (key: 'seenSampleTypes' | 'seenFiles') => [...new Set(kept.flatMap((told) => told[key] ?? []))]
  return {
    seen: kept.flatMap(({ seen }) => seen),
    seenSamples: kept.flatMap(({ seenSamples = [] }) => seenSamples),
    ...{ seenSampleTypes: different('seenSampleTypes'), seenFiles: different('seenFiles') },
    preparedBy: parts[0]?.pipeline ?? null,
  }
}

/**
 * Finds the trials that a network was trained on or chosen by. Samples tell a copy under another name, and another study's trial under the same;
 * names tell only where hashes are missing, where the windows may have been preprocessed or rounded otherwise, or where the file is the same.
 *
 * @param isSamePreprocessing whether the windows are known to come from the preprocessing that the network was trained with
 */
export async function recogniseSeen(
  windows: EegWindows,
  { seen: names, seenSamples, seenSampleTypes, seenFiles }: SeenTrials,
  isSamePreprocessing: boolean,
): Promise<Recognised> {
  const all = [...windows.labels.keys()]
  const [knownNames, knownSamples] = [new Set(names), new Set(seenSamples)]
  const hashes = seenSamples === undefined ? new Map<number, string>() : await hashWindows(windows)
  const isKnown = (index: number) => knownSamples.has(hashes.get(index) ?? '')
  const isNamed = (index: number) => knownNames.has(trialName(windows, index))
  const byName = all.filter((index) => isNamed(index) && !isKnown(index))
  const knownFiles = new Set(seenFiles)
  const isOfFile = windows.recordings.map((recording) => knownFiles.has(fileHash(recording) ?? ''))
  const isRoundedAlike = seenSampleTypes?.every((type) => type === windows.sampleType) ?? false
  // Where samples can decide, a name counts for flat windows and those of the same file alone.
  const bySamples = seenSamples !== undefined && isSamePreprocessing && isRoundedAlike
  const ofFile = byName.filter((index) => hashes.has(index) && isOfFile[windows.origins[index]!.recording])
  const counted = bySamples ? [...byName.filter((index) => !hashes.has(index)), ...ofFile] : byName
  const seen = trialsMeeting(windows, [...all.filter(isKnown), ...counted])
  const trials = new Set(all.map((index) => trialIdentity(windows, index)))
  const bySample = trialsMeeting(windows, all.filter(isKnown))
  const doubtful = byName.filter((index) => hashes.has(index) && !bySample.has(trialIdentity(windows, index)))
  return {
    seen,
    proof: {
      by: seenSamples === undefined ? 'names' : bySamples && ofFile.length === 0 ? 'samples' : 'samples and names',
      against: seenSamples === undefined ? knownNames.size : knownSamples.size,
      windows: windows.length,
      trials: trials.size,
      seenTrials: seen.size,
    },
    warnings: doubts(windows, {
      ...{ byName: doubtful, isByNames: seenSamples === undefined, seen },
      why: bySamples ? 'they are of the same files' : whyNames(windows, isSamePreprocessing, seenSampleTypes),
    }),
  }
}

/** Trials of the given windows, and those of windows that overlap one of them in time. */
function trialsMeeting(windows: EegWindows, indices: readonly number[]): Set<string> {
  const index = new StretchIndex(stretchesOf(windows, indices), 0.5 / windows.samplingRate)
  const meeting = stretchesOf(windows).flatMap((stretch, i) => (index.meets(stretch) ? [i] : []))
  return new Set([...indices, ...meeting].map((i) => trialIdentity(windows, i)))
}

/** Why samples cannot decide. */
function whyNames({ sampleType }: EegWindows, isSamePreprocessing: boolean, types: readonly string[] = []): string {
  const isRoundedOtherwise = types.length > 0 && types.some((type) => type !== sampleType)
  if (isRoundedOtherwise) return `these are ${sampleType}, those were ${types.join(' and ')}`
  return `whether they were ${isSamePreprocessing ? 'rounded' : 'preprocessed'} as in training is not known`
}

interface Found {
  /** Windows of trials known by their names and not by their samples; flat ones are not among them. */
  byName: readonly number[]
  isByNames: boolean
  /** Why names count where they do. */
  why: string
  seen: ReadonlySet<string>
}

function doubts(windows: EegWindows, { byName, isByNames, why, seen }: Found): string[] {
  if (isByNames) {
    return [
      'The checkpoint keeps no hashes of what it was trained on: trials are recognised by the names of their files, so that a renamed copy is scored as new.',
    ]
  }
  const isLeftOut = (index: number) => seen.has(trialIdentity(windows, index))
  const tell = (some: readonly number[], end: string) => {
    const count = new Set(some.map((index) => trialIdentity(windows, index))).size
    const named = `have names that the network was trained on (${trialName(windows, some[0] ?? 0)}), and other samples`
    return count === 0 ? [] : [`${count} trials ${named}${end}`]
  }
  return [
    ...tell(
      byName.filter((index) => !isLeftOut(index)),
      ': they are scored.',
    ),
    ...tell(byName.filter(isLeftOut), `; ${why}: they are left out.`),
  ]
}

/** Tells a trial from all others of the same windows. */
export function trialIdentity(windows: EegWindows, index: number): string {
  return `${windows.trial(index)} ${windows.recordingOf(index).identity}`
}

/** By this name a checkpoint remembers which trials shaped it. */
export function trialName(windows: EegWindows, index: number): string {
  return `${windows.recordingOf(index).name} trial ${windows.trial(index)}`
}

/** Undefined for a recording of no file. What a checkpoint tells is no path: it may be given to others. */
function fileHash({ identity, name }: WindowRecording): string | undefined {
  return identity === name ? undefined : createHash('sha256').update(identity).digest('hex').slice(0, HASH_CHARACTERS)
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
