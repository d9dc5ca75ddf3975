import { EegTorchError } from '../errors.ts'
import { isElectric } from '../recordings/channels.ts'
import type { Recording } from '../recordings/recording.ts'
import type { Segment } from '../recordings/segments.ts'
import type { ChannelRange } from '../recordings/source.ts'
import { inARow, rowOf, type SignalBlock } from './block.ts'

/** Numbers that are read at a time. */
const PIECE = 1 << 22

/**
 * Runs a change over every gap-free stretch of a recording. It sees the electric channels of the recording's rate; others are left out, and
 * a warning says so. The result is in memory.
 *
 * @throws EegTorchError `INVALID_OPTION` for a recording without such channels, or without samples
 */
export async function changeRecording(
  recording: Recording,
  change: (block: SignalBlock) => SignalBlock | Promise<SignalBlock>,
): Promise<Recording> {
  const { treated, stretches } = partsOf(recording)
  const blocks: SignalBlock[] = []
  for (const segment of stretches) blocks.push(await change(readSegment(recording, segment, treated)))
  let sample = 0
  const segments = stretches.map(({ onset }, i) => {
    const nSamples = blocks[i]!.samples
    sample += nSamples
    return { onset, sample: sample - nSamples, nSamples }
  })
  const { channels, samplingRate } = blocks[0]!
  return recording.derive({
    ...{ channels, samplingRate, segments, nSamples: sample },
    warnings: [...recording.warnings, ...leftOut(recording, treated)],
    source: { readsWhole: false, read: (ranges) => ranges.map((range) => readBlocks(blocks, segments, range)) },
  })
}

/**
 * What {@link changeRecording} sees of a recording, all stretches in a row as one: for what is learned from a whole recording.
 *
 * @throws EegTorchError as {@link changeRecording}
 */
export function readInARow(recording: Recording): SignalBlock {
  const { treated, stretches } = partsOf(recording)
  const blocks = stretches.map((segment) => readSegment(recording, segment, treated))
  return blocks.length === 1 ? blocks[0]! : inARow(blocks)
}

/** Channels that are treated, and stretches that hold samples. */
function partsOf(recording: Recording): { treated: number[]; stretches: Segment[] } {
  const treated = [...recording.channels.keys()].filter((index) => isTreated(recording, index))
  const stretches = recording.segments.filter(({ nSamples }) => nSamples > 0)
  if (treated.length > 0 && stretches.length > 0) return { treated, stretches }
  throw new EegTorchError('INVALID_OPTION', `${recording.name} has nothing to preprocess`, {
    expected: `electric channels of ${recording.samplingRate} Hz with samples`,
    received: `${treated.length} such channels, ${recording.nSamples} samples`,
  })
}

const isTreated = (recording: Recording, index: number) => {
  const channel = recording.channels[index]!
  return isElectric(channel) && channel.samplingRate === recording.samplingRate
}

function readSegment(recording: Recording, segment: Segment, treated: readonly number[]): SignalBlock {
  const { samplingRate } = recording
  const channels = treated.map((index) => recording.channels[index]!)
  const samples = segment.nSamples
  const data = new Float64Array(channels.length * samples)
  const block: SignalBlock = { data, items: 1, samples, channels, samplingRate }
  const piece = recording.readsWhole ? samples : Math.max(1, Math.floor(PIECE / channels.length))
  for (let at = 0; at < samples; at += piece) {
    const stop = Math.min(samples, at + piece)
    const rows = recording.readSamples(segment.sample + at, segment.sample + stop, treated)
    for (const [i, row] of rows.entries()) rowOf(block, 0, i).set(row, at)
  }
  return block
}

function readBlocks(
  blocks: readonly SignalBlock[],
  segments: readonly Segment[],
  { channel, start, stop }: ChannelRange,
): Float64Array {
  const out = new Float64Array(stop - start)
  for (const [i, { sample, nSamples }] of segments.entries()) {
    const [from, to] = [Math.max(start, sample), Math.min(stop, sample + nSamples)]
    if (from < to) out.set(rowOf(blocks[i]!, 0, channel).subarray(from - sample, to - sample), from - start)
  }
  return out
}

function leftOut(recording: Recording, treated: readonly number[]): string[] {
  const names = recording.channels.filter((_, index) => !treated.includes(index)).map(({ name }) => name)
  if (names.length === 0) return []
  return [
    `Preprocessing left out ${names.join(', ')}: not electric, or of another rate than ${recording.samplingRate} Hz.`,
  ]
}
