import type { Channel } from '../recordings/recording.ts'

/** What steps work on: a gap-free stretch of a recording (one item), or windows of equal length. Rows are treated alike. */
export interface SignalBlock {
  /** (items, channels, samples), in the unit of each channel. A step may overwrite what it is given. */
  readonly data: Float64Array
  readonly items: number
  readonly samples: number
  readonly channels: readonly Channel[]
  /** Hertz, of every channel. */
  readonly samplingRate: number
}

/** One channel of one item: a view, not a copy. */
export function rowOf({ data, samples, channels }: SignalBlock, item: number, channel: number): Float64Array {
  const start = (item * channels.length + channel) * samples
  return data.subarray(start, start + samples)
}

/** Every row with its item and channel. */
export function* rowsOf(block: SignalBlock): Generator<{ row: Float64Array; item: number; channel: number }> {
  for (let item = 0; item < block.items; item++) {
    for (let channel = 0; channel < block.channels.length; channel++) {
      yield { row: rowOf(block, item, channel), item, channel }
    }
  }
}

/** All items of blocks of the same channels, one after the other, as one item. */
export function inARow(blocks: readonly SignalBlock[]): SignalBlock {
  const samples = blocks.reduce((sum, block) => sum + block.items * block.samples, 0)
  const first = blocks[0]!
  const out = { ...first, items: 1, samples, data: new Float64Array(first.channels.length * samples) }
  let at = 0
  for (const block of blocks) {
    for (const { row, item, channel } of rowsOf(block)) rowOf(out, 0, channel).set(row, at + item * block.samples)
    at += block.items * block.samples
  }
  return out
}

/** Changes every row in place. */
export function changeRows(block: SignalBlock, change: (row: Float64Array) => void): SignalBlock {
  for (const { row } of rowsOf(block)) change(row)
  return block
}

/** A block of the same items whose channels are others; `fill` writes the rows of one item. */
export function withChannels(
  block: SignalBlock,
  channels: readonly Channel[],
  fill: (channel: number, target: Float64Array, item: number) => void,
): SignalBlock {
  const out = { ...block, channels, data: new Float64Array(block.items * channels.length * block.samples) }
  for (const { row, item, channel } of rowsOf(out)) fill(channel, row, item)
  return out
}
