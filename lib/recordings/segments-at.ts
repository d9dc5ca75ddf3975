import type { Segment } from './segments.ts'

/**
 * Segments that begin at given samples and follow one another without a break in time: how long a recorder paused is not known, but
 * no window may lie across the pause.
 */
export function segmentsAt(starts: readonly number[], nSamples: number, rate: number): Segment[] {
  const inside = starts.filter((sample) => sample > 0 && sample < nSamples)
  const sorted = [...new Set([0, ...inside])].sort((a, b) => a - b)
  return sorted.map((sample, i) => ({ onset: sample / rate, sample, nSamples: (sorted[i + 1] ?? nSamples) - sample }))
}
