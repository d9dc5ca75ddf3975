import { concatenateWindows } from '../datasets/concatenate.ts'
import { nothingFits, orderClasses } from '../datasets/cut-windows.ts'
import type { EegWindows } from '../datasets/windows.ts'
import type { Recording } from '../recordings/recording.ts'
import type { TrialOptions } from './step.ts'
import { type CutWindows, toEegWindows } from './step-windows.ts'

/** Windows of one recording in single precision, with the trials that name its classes. */
export interface RecordingWindows {
  readonly windows: EegWindows
  readonly trials: CutWindows['trials']
}

/** Gives up double precision, so that many recordings fit into memory. */
export const settle = (cut: CutWindows, hash: string): RecordingWindows => ({
  windows: toEegWindows(cut, hash),
  trials: cut.trials,
})

/**
 * Windows of several recordings as one set; classes are ordered by all of them together.
 *
 * @throws EegTorchError `INVALID_OPTION` if no event is a trial, `SHAPE_MISMATCH` if recordings differ in channels, rate or length
 */
export function joinWindows(
  parts: readonly RecordingWindows[],
  recordings: readonly Recording[],
  options: TrialOptions,
): EegWindows {
  const trials = parts.flatMap((part) => part.trials)
  const filled = parts.filter(({ windows }) => windows.length > 0)
  if (filled.length === 0) throw nothingFits(recordings, trials.length, { from: 0, to: 0, ...options })
  const classNames = orderClasses(trials, options)
  const sets = filled.map(({ windows }) => windows)
  return concatenateWindows(sets, {
    classNames,
    origins: parts.flatMap(({ windows }, recording) =>
      windows.origins.map((origin) => {
        const label = classNames.indexOf(windows.classNames[origin.label]!)
        return { ...origin, recording, label }
      }),
    ),
    recordings: parts.flatMap(({ windows }) => windows.recordings),
    simulated: parts.some(({ windows }) => windows.simulated),
    skipped: parts.reduce((sum, { windows }) => sum + windows.skipped, 0),
  })
}
