import { setImmediate as nextTurn } from 'node:timers/promises'
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
  /** Files that the samples are in, where a header may lie elsewhere. */
  readonly files?: readonly string[]
  /** One new array per range, in the unit of the channel. Ranges are inside the recording. */
  read(ranges: readonly ChannelRange[]): Float64Array[]
  /** Where any part needs the whole signal first (a zero-phase filter): what {@link read} gives, computed off the event loop. */
  compute?(ranges: readonly ChannelRange[]): Promise<Float64Array[]>
}

/** How a source is seen through another one. */
export interface View {
  /** Where a range lies in the source behind. */
  seek?: (range: ChannelRange) => ChannelRange
  /** What becomes of the samples of a range; may overwrite them. */
  change?: (samples: Float64Array, range: ChannelRange) => Float64Array
}

/** A source that reads another one. */
export function viewOf(
  source: SignalSource,
  { seek = (range) => range, change = (samples) => samples }: View,
): SignalSource {
  const finish = (rows: readonly Float64Array[], ranges: readonly ChannelRange[]) =>
    rows.map((row, i) => change(row, ranges[i]!))
  const view: SignalSource = { read: (ranges) => finish(source.read(ranges.map(seek)), ranges) }
  if (source.compute === undefined) return view
  return { ...view, compute: async (ranges) => finish(await source.compute!(ranges.map(seek)), ranges) }
}

/** Numbers that are read in one turn of the event loop: some tens of milliseconds. What a file packs together is unpacked anew in each. */
export const NUMBERS_IN_TURN = 1 << 22

/**
 * What a source gives, while the event loop goes on: computed, or read piece by piece.
 *
 * @param inTurn how many numbers are read in one turn of the event loop
 */
export async function readAsync(
  source: SignalSource,
  ranges: readonly ChannelRange[],
  inTurn = NUMBERS_IN_TURN,
): Promise<Float64Array[]> {
  if (source.compute !== undefined) return source.compute(ranges)
  const pieces = Math.ceil(ranges.reduce((sum, { start, stop }) => sum + stop - start, 0) / inTurn)
  if (pieces <= 1) return source.read(ranges)
  const outs = ranges.map(({ start, stop }) => new Float64Array(stop - start))
  const edge = ({ start, stop }: ChannelRange, piece: number) => start + Math.floor(((stop - start) * piece) / pieces)
  for (let i = 0; i < pieces; i++) {
    const parts = ranges.map((range) => ({ ...range, start: edge(range, i), stop: edge(range, i + 1) }))
    for (const [k, row] of source.read(parts).entries()) outs[k]!.set(row, parts[k]!.start - ranges[k]!.start)
    await nextTurn()
  }
  return outs
}

/** The first samples of one channel, as {@link readAsync}, where those of all channels lie between them in the file and are passed over. */
export async function readAmong(
  nChannels: number,
  source: SignalSource,
  channel: number,
  nSamples: number,
): Promise<Float64Array> {
  const inTurn = Math.ceil(NUMBERS_IN_TURN / nChannels)
  return (await readAsync(source, [{ channel, start: 0, stop: nSamples }], inTurn))[0]!
}

/** Every stored sample of the channels, each at its own rate. */
export function wholeRanges(
  channels: readonly Channel[],
  segments: readonly Segment[],
  mainRate: number,
  wanted: readonly number[] = [...channels.keys()],
): ChannelRange[] {
  return wanted.map((channel) => ({
    channel,
    start: 0,
    stop: storedSamples(segments, mainRate, channels[channel]!.samplingRate),
  }))
}

/** Number of stored samples of a channel of some rate. */
function storedSamples(segments: readonly Segment[], mainRate: number, rate: number): number {
  const last = segments.at(-1)
  return last === undefined ? 0 : segmentRange(last, mainRate, rate)[1]
}
