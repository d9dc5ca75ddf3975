import { nothingFits, orderClasses } from '../datasets/cut-windows.ts'
import { allocate, type EegWindows } from '../datasets/windows.ts'
import { EegTorchError } from '../errors.ts'
import type { Recording } from '../recordings/recording.ts'
import { type CutWindows, toEegWindows } from './cut-windows.ts'
import type { TrialOptions } from './step.ts'

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
  const first = filled[0]?.windows
  if (first === undefined) throw nothingFits(recordings, trials.length, { from: 0, to: 0, ...options })
  for (const { windows } of filled) requireSameLayout(windows, first)
  const classNames = orderClasses(trials, options)
  const data = allocate(filled.reduce((sum, { windows }) => sum + windows.data.length, 0))
  let at = 0
  for (const { windows } of filled) {
    data.set(windows.data, at)
    at += windows.data.length
  }
  return first.with({
    data,
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

function requireSameLayout(windows: EegWindows, first: EegWindows): void {
  const layout = ({ channelNames, samplingRate, nSamples }: EegWindows) =>
    `${nSamples} samples at ${samplingRate} Hz of ${channelNames.join(', ')}`
  if (layout(windows) === layout(first)) return
  const [name, other] = [windows.recordings[0]!.name, first.recordings[0]!.name]
  throw new EegTorchError('SHAPE_MISMATCH', `${name} gives other windows than ${other}`, {
    expected: layout(first),
    received: layout(windows),
  })
}
