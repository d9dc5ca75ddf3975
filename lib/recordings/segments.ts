import { lastWhere } from './last-where.ts'

/** A gap-free stretch of a recording. */
export interface Segment {
  /** Seconds since the first sample of the recording. */
  readonly onset: number
  /** Number of its first sample among the stored samples, at the recording's sampling rate. */
  readonly sample: number
  readonly nSamples: number
}

/** Seconds at which a stored sample was taken; for the sample after the last one, the end of the recording. */
export function timeOfSample(segments: readonly Segment[], rate: number, sample: number): number {
  const segment =
    segments[lastWhere(segments, (candidate) => candidate.sample <= Math.min(sample, endOf(segments) - 1))]
  return segment === undefined ? 0 : segment.onset + (sample - segment.sample) / rate
}

/**
 * Number of the first stored sample at or after a time, for a channel of `rate` hertz in a recording whose segments are counted at
 * `mainRate`. Times before the start give 0, times in a gap the sample after it, times after the end the number of samples.
 */
export function storedSample(segments: readonly Segment[], mainRate: number, rate: number, seconds: number): number {
  const segment = segments[lastWhere(segments, ({ onset }) => onset <= seconds)]
  if (segment === undefined) return 0
  const [start, stop] = segmentRange(segment, mainRate, rate)
  return Math.min(stop, start + Math.max(0, Math.round((seconds - segment.onset) * rate)))
}

/** First and last-plus-one stored sample of a segment, counted at a channel's own rate. */
export function segmentRange(segment: Segment, mainRate: number, rate: number): [start: number, stop: number] {
  if (rate === mainRate) return [segment.sample, segment.sample + segment.nSamples]
  const convert = (sample: number) => Math.round((sample / mainRate) * rate)
  return [convert(segment.sample), convert(segment.sample + segment.nSamples)]
}

/** True if stored samples `start..stop` lie inside one segment. */
export function contiguous(segments: readonly Segment[], start: number, stop: number): boolean {
  const segment = segments[lastWhere(segments, ({ sample }) => sample <= start)]
  return segment !== undefined && start >= segment.sample && stop <= segment.sample + segment.nSamples
}

/** Stored sample that is nearest to a time; -1 where nothing was recorded. */
export function sampleAt(segments: readonly Segment[], rate: number, seconds: number): number {
  const offset = (segment: Segment) => Math.round((seconds - segment.onset) * rate)
  const last = lastWhere(segments, (segment) => offset(segment) >= 0)
  // Where rounding lets two segments claim a time, the earlier one has it.
  for (const segment of segments.slice(Math.max(0, last - 1), last + 1)) {
    if (offset(segment) >= 0 && offset(segment) < segment.nSamples) return segment.sample + offset(segment)
  }
  return -1
}

function endOf(segments: readonly Segment[]): number {
  const last = segments.at(-1)
  return last === undefined ? 0 : last.sample + last.nSamples
}
