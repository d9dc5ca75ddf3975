import type { ChannelRange } from '../source.ts'

/** A range of a channel to be read, what a source knows of the channel, and where its samples go. */
export type Job<C> = ChannelRange & C & { readonly out: Float64Array }

/** The samples from the first to the last that any of some ranges, at least one, holds. */
export function spanOf(ranges: readonly Pick<ChannelRange, 'start' | 'stop'>[]): { start: number; stop: number } {
  return { start: Math.min(...ranges.map(({ start }) => start)), stop: Math.max(...ranges.map(({ stop }) => stop)) }
}

/** One new array for each range; `fill` writes those that are not empty, and is not called where there are none. */
export function readJobs<C>(
  ranges: readonly ChannelRange[],
  channels: readonly C[],
  fill: (jobs: readonly Job<C>[]) => void,
): Float64Array[] {
  // Not by spreads: those of several objects take microseconds each, as long as a short window of samples.
  const jobs = ranges.map((range) => {
    const { channel, start, stop } = range
    return Object.assign({ channel, start, stop, out: new Float64Array(stop - start) }, channels[channel]!)
  })
  const wanted = jobs.filter(({ start, stop }) => stop > start)
  if (wanted.length > 0) fill(wanted)
  return jobs.map(({ out }) => out)
}
