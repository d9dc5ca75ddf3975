import { setImmediate as nextTurn } from 'node:timers/promises'
import { EegTorchError } from '../errors.ts'
import { isElectric } from '../recordings/channels.ts'
import type { Channel, Recording } from '../recordings/recording.ts'
import type { Segment } from '../recordings/segments.ts'
import { type ChannelRange, NUMBERS_IN_TURN } from '../recordings/source.ts'
import { inARow, rowOf, type SignalBlock } from './block.ts'

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
  const signal = await recording.pick(treated).ready()
  const blocks: SignalBlock[] = []
  for (const segment of stretches) blocks.push(await change(await readSegment(signal, segment)))
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
    source: { read: (ranges) => ranges.map((range) => readBlocks(blocks, segments, range)) },
  })
}

/**
 * What {@link changeRecording} sees of a recording, all stretches in a row as one: for what is learned from a whole recording.
 *
 * @throws EegTorchError as {@link changeRecording}
 */
export async function readInARow(recording: Recording): Promise<SignalBlock> {
  const { treated, stretches } = partsOf(recording)
  const signal = await recording.pick(treated).ready()
  const blocks: SignalBlock[] = []
  for (const segment of stretches) blocks.push(await readSegment(signal, segment))
  return blocks.length === 1 ? blocks[0]! : inARow(blocks)
}

/** Names of the channels that are treated, and stretches that hold samples. */
function partsOf(recording: Recording): { treated: string[]; stretches: Segment[] } {
  const treated = recording.channels.filter((channel) => isTreated(recording, channel)).map(({ name }) => name)
  const stretches = recording.segments.filter(({ nSamples }) => nSamples > 0)
  if (treated.length > 0 && stretches.length > 0) return { treated, stretches }
  throw new EegTorchError('INVALID_OPTION', `${recording.name} has nothing to preprocess`, {
    expected: `electric channels of ${recording.samplingRate} Hz with samples`,
    received: `${treated.length} such channels, ${recording.nSamples} samples`,
  })
}

const isTreated = (recording: Recording, channel: Channel) =>
  isElectric(channel) && channel.samplingRate === recording.samplingRate

async function readSegment(signal: Recording, segment: Segment): Promise<SignalBlock> {
  const { channels, samplingRate } = signal
  const samples = segment.nSamples
  const data = new Float64Array(channels.length * samples)
  const block: SignalBlock = { data, items: 1, samples, channels, samplingRate }
  const piece = Math.max(1, Math.floor(NUMBERS_IN_TURN / channels.length))
  for (let at = 0; at < samples; at += piece) {
    const stop = Math.min(samples, at + piece)
    const rows = signal.readSamples(segment.sample + at, segment.sample + stop)
    for (const [i, row] of rows.entries()) rowOf(block, 0, i).set(row, at)
    if (stop < samples) await nextTurn()
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

function leftOut(recording: Recording, treated: readonly string[]): string[] {
  return leftOutWarning(recording, treated, `not electric, or of another rate than ${recording.samplingRate} Hz`)
}

/** What a recording warns of where a step keeps some of its channels only. */
export function leftOutWarning(recording: Recording, kept: readonly string[], why: string): string[] {
  const names = recording.channels.map(({ name }) => name).filter((name) => !kept.includes(name))
  return names.length === 0 ? [] : [`Preprocessing left out ${names.join(', ')}: ${why}.`]
}
