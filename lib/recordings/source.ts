import type { Channel } from './recording.ts'
import { type Segment, segmentRange } from './segments.ts'

/** Stored samples `start` to `stop` (excluded) of one channel, counted at the channel's own rate. */
export interface ChannelRange {
  channel: number
  start: number
  stop: number
}

/** Where the samples of a recording come from: a file, memory, or another source through a filter. */
export interface SignalSource {
  /** True if reading a part costs as much as reading everything. */
  readonly readsWhole: boolean
  /** Files that the samples are in, where a header may lie elsewhere. */
  readonly files?: readonly string[]
  /** One new array per range, in the unit of the channel. Ranges are inside the recording. */
  read(ranges: readonly ChannelRange[]): Float64Array[]
}

/** Every stored sample of the channels, each at its own rate. */
export function readAllChannels(
  source: SignalSource,
  channels: readonly Channel[],
  segments: readonly Segment[],
  mainRate: number,
  wanted: readonly number[] = [...channels.keys()],
): Float64Array[] {
  return source.read(
    wanted.map((channel) => ({
      channel,
      start: 0,
      stop: storedSamples(segments, mainRate, channels[channel]!.samplingRate),
    })),
  )
}

/** Number of stored samples of a channel of some rate. */
function storedSamples(segments: readonly Segment[], mainRate: number, rate: number): number {
  const last = segments.at(-1)
  return last === undefined ? 0 : segmentRange(last, mainRate, rate)[1]
}
