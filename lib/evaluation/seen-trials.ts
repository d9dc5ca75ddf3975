import type { EegWindows } from '../datasets/windows.ts'

/** By this name a checkpoint remembers which trials shaped it. */
export function trialName(windows: EegWindows, index: number): string {
  return `${windows.recordingOf(index).name} trial ${windows.trial(index)}`
}

/** The trials of windows by name, each once: what a checkpoint says under `seen` of those that it was trained on or chosen by. */
export function trialNames(windows: EegWindows): string[] {
  return [...new Set(Array.from(windows.labels, (_, index) => trialName(windows, index)))]
}

/** Windows of trials that are among those which a checkpoint has seen. */
export function seenAmong(windows: EegWindows, seen: readonly string[]): number[] {
  const known = new Set(seen)
  return [...windows.labels.keys()].filter((index) => known.has(trialName(windows, index)))
}
