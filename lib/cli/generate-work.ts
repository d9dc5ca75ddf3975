import { openCheckpoint } from '../checkpoints/checkpoint.ts'
import type { EegWindows } from '../datasets/windows.ts'
import { seenAmong } from '../evaluation/seen-trials.ts'
import type { PictureWork } from '../generation/generate-pictures.ts'
import { StimulusFolder } from '../generation/pictures/stimuli.ts'

/**
 * Trials that a network learned from, or was chosen by, as its file says under `seen`; undefined where it does not say.
 *
 * @throws EegTorchError of a file that cannot be opened
 */
export function trialsSeenBy(file: string): readonly string[] | undefined {
  const { seen, saved } = openCheckpoint(file).metadata
  const told = seen ?? saved?.seen
  return Array.isArray(told) && told.every((name) => typeof name === 'string') ? told : undefined
}

/**
 * The pictures of the first trials of a store.
 *
 * @param seen trials that the networks learned from, where that is known
 */
export async function workOfWindows(
  windows: EegWindows,
  n: number = windows.length,
  stimuli?: string,
  seen?: readonly string[],
): Promise<PictureWork[]> {
  const known = stimuli === undefined ? undefined : await StimulusFolder.open(stimuli)
  const trained = seen && new Set(seenAmong(windows, seen))
  return Array.from({ length: Math.min(n, windows.length) }, (_, i) => {
    const { name, subject, session, run } = windows.recordingOf(i)
    const { trial, start, stimulus, label } = windows.origins[i]!
    const truth = windows.classNames[label]!
    const parts = [subject, session, run, name].filter((part) => part !== undefined)
    const shown = known?.ofTrial(stimulus, truth)
    const named = { trial: `${parts.join('/')} trial ${trial} sample ${start}`, number: i, true: truth }
    return { ...named, stimulus: shown, ...(trained && { trained: trained.has(i) }) }
  })
}
