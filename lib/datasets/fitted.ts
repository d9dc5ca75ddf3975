import type { EegWindows } from './windows.ts'

/** A stretch of a recording. */
export interface Stretch {
  /** The recording's identity, as windows have it. */
  readonly recording: string
  /** Seconds since its start. */
  readonly from: number
  readonly to: number
}

/**
 * Something that was learned from recordings and then shaped windows: means for z-scores, an alignment, a pipeline's steps. Windows carry what
 * shaped them, and a splitter refuses to test on what such a statistic was learned from.
 */
export interface FittedStatistic {
  /** What it is: `z-scores`. */
  readonly name: string
  /** What it was learned from. */
  readonly from: readonly Stretch[]
  /** What it shaped; default all windows that carry it. */
  readonly shaped?: readonly Stretch[]
}

/** Where some windows lie: what a statistic that is fitted on them was learned from. */
export function stretchesOf(
  windows: EegWindows,
  indices: ArrayLike<number> = windows.labels.map((_, i) => i),
): Stretch[] {
  return Array.from(indices, (index) => {
    const { onset } = windows.origins[index]!
    return { recording: windows.recordingOf(index).identity, from: onset, to: onset + windows.duration }
  })
}

/** Windows with one more statistic that shaped them. */
export function withStatistic(windows: EegWindows, statistic: FittedStatistic): EegWindows {
  return windows.with({ fitted: [...windows.fitted, statistic] })
}

/** Finds out whether a stretch meets any of many. */
export class StretchIndex {
  readonly #byRecording = new Map<string, { from: number; to: number }[]>()
  readonly #tolerance: number

  /** @param tolerance seconds that stretches may share without meeting: less than a sample */
  constructor(stretches: readonly Stretch[], tolerance: number) {
    this.#tolerance = tolerance
    for (const { recording, from, to } of [...stretches].sort((a, b) => a.from - b.from)) {
      const joined = this.#byRecording.get(recording) ?? []
      const last = joined.at(-1)
      if (last !== undefined && from <= last.to) last.to = Math.max(last.to, to)
      else joined.push({ from, to })
      this.#byRecording.set(recording, joined)
    }
  }

  meets({ recording, from, to }: Stretch): boolean {
    const joined = this.#byRecording.get(recording) ?? []
    let [low, high] = [0, joined.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if (joined[middle]!.to <= from + this.#tolerance) low = middle + 1
      else high = middle
    }
    return low < joined.length && joined[low]!.from < to - this.#tolerance
  }
}
