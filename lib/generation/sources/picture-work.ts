import { existsSync, statSync } from 'node:fs'
import { openCheckpoint } from '../../checkpoints/checkpoint.ts'
import type { EegWindows } from '../../datasets/windows.ts'
import { EegTorchError } from '../../errors.ts'
import { requirePreparedAlike } from '../../evaluation/preparation.ts'
import { recogniseSeen, type SeenTrials, trialIdentity } from '../../evaluation/seen-trials.ts'
import type { PictureWork } from '../generate-pictures.ts'
import { listPictures, StimulusFolder } from '../pictures/stimuli.ts'

/** What the files of networks say of the trials that shaped them. */
export interface ToldTrials {
  seen: SeenTrials
  /** Whether each of them says so: only then is another trial known to be new. */
  isComplete: boolean
}

/**
 * Trials that networks learned from, or were chosen by, as their files say under `seen`.
 *
 * @param paths checkpoints: files, or folders such as that of an adapter
 * @throws EegTorchError of one that cannot be opened
 */
export function trialsSeenBy(...paths: readonly string[]): ToldTrials {
  const told = paths.map((path) => {
    const { seen, seenSamples, saved } = openCheckpoint(path).metadata
    return { seen: seen ?? saved?.seen, seenSamples: seenSamples ?? saved?.seenSamples }
  })
  const names = told.map(({ seen }) => seen).filter(isNames)
  const samples = told.map(({ seenSamples }) => seenSamples).filter(isNames)
  return {
    seen: {
      seen: [...new Set(names.flat())],
      ...(samples.length > 0 && { seenSamples: [...new Set(samples.flat())] }),
    },
    isComplete: names.length > 0 && names.length === paths.length,
  }
}

/**
 * Holds windows against those that networks learned from, where both tell how they were prepared.
 *
 * @param paths as of {@link trialsSeenBy}
 * @throws EegTorchError `INVALID_OPTION` for windows that were prepared otherwise
 */
export function requirePreparedFor(windows: EegWindows, ...paths: readonly string[]): void {
  for (const path of paths) {
    const { preparedBy, saved } = openCheckpoint(path).metadata
    const told = preparedBy === undefined ? saved?.preparedBy : preparedBy
    requirePreparedAlike(windows, typeof told === 'string' || told === null ? told : undefined, path)
  }
}

const isNames = (told: unknown): told is string[] =>
  Array.isArray(told) && told.every((name) => typeof name === 'string')

/** Which pictures of a store are made, and what belongs to them. */
export interface WindowWork {
  /** The first trials; default: all. */
  n?: number | undefined
  /** Folder of what was seen. */
  stimuli?: string | undefined
  /** A picture whose structure all get, or a folder with one for each stimulus or class. */
  structure?: string | undefined
  /** Trials that the networks learned from. */
  told?: ToldTrials | undefined
}

/**
 * The pictures of the first trials of a store, by the trials' numbers.
 *
 * @throws EegTorchError `FILE_NOT_FOUND` for a trial without a picture in the folders
 */
export async function workOfWindows(
  windows: EegWindows,
  { n = windows.length, stimuli, structure, told }: WindowWork = {},
): Promise<PictureWork[]> {
  const known = stimuli === undefined ? undefined : await StimulusFolder.open(stimuli)
  const structures = structure !== undefined && isFolder(structure) ? await StimulusFolder.open(structure) : undefined
  const count = Math.min(n, windows.length)
  // How the store of the training was made is not known here, so that names count beside samples.
  const first = windows.subset(Array.from({ length: count }, (_, i) => i))
  const trained = told && (await recogniseSeen(first, told.seen, false)).seen
  return Array.from({ length: count }, (_, i) => {
    const { name, subject, session, run } = windows.recordingOf(i)
    const { trial, start, stimulus, label } = windows.origins[i]!
    const truth = windows.classNames[label]!
    const parts = [subject, session, run, name].filter((part) => part !== undefined)
    const shown = known?.ofTrial(stimulus, truth)
    const lines = structures?.ofTrial(stimulus, truth) ?? structure
    const named = { trial: `${parts.join('/')} trial ${trial} sample ${start}`, number: i, true: truth }
    return {
      ...named,
      stimulus: shown,
      structure: lines,
      ...(trained?.has(trialIdentity(windows, i)) ? { trained: true } : told?.isComplete && { trained: false }),
    }
  })
}

/**
 * The pictures of texts.
 *
 * @param structure a picture whose structure all get, or a folder with one for each, in the order of their names
 * @throws EegTorchError `INVALID_OPTION` where the folder has too few or too many
 */
export async function workOfPrompts(prompts: readonly string[], structure?: string): Promise<PictureWork[]> {
  const files = structure !== undefined && isFolder(structure) ? await listPictures(structure) : undefined
  if (files !== undefined && files.length !== prompts.length) {
    throw new EegTorchError('INVALID_OPTION', 'there is not one picture of the structure for each prompt', {
      option: 'structure',
      expected: `${prompts.length} pictures`,
      received: `${files.length} in ${structure}`,
    })
  }
  return prompts.map((text, number) => ({
    trial: `prompt ${number + 1}: ${text}`,
    ...{ number, structure: files?.[number] ?? structure },
  }))
}

const isFolder = (path: string) => existsSync(path) && statSync(path).isDirectory()
