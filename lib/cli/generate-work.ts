import type { EegWindows } from '../datasets/windows.ts'
import type { PictureWork } from '../generation/generate-pictures.ts'
import { StimulusFolder } from '../generation/pictures/stimuli.ts'

/** The pictures of the first trials of a store. */
export async function workOfWindows(
  windows: EegWindows,
  n: number = windows.length,
  stimuli?: string,
): Promise<PictureWork[]> {
  const known = stimuli === undefined ? undefined : await StimulusFolder.open(stimuli)
  return Array.from({ length: Math.min(n, windows.length) }, (_, i) => {
    const { name, subject, session, run } = windows.recordingOf(i)
    const { trial, start, stimulus, label } = windows.origins[i]!
    const truth = windows.classNames[label]!
    const parts = [subject, session, run, name].filter((part) => part !== undefined)
    const seen = known?.ofTrial(stimulus, truth)
    return { trial: `${parts.join('/')} trial ${trial} sample ${start}`, number: i, true: truth, stimulus: seen }
  })
}
