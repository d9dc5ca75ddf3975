import { fromTypedArray } from '../creation.ts'
import type { Tensor } from '../tensor.ts'
import { rowOf, rowsOf, type SignalBlock, withChannels } from './block.ts'
import type { StreamLayout, StreamStage } from './step.ts'

/**
 * Runs an operation of LibTorch over a block, without copying it.
 *
 * @param run (items, channels, samples) float64 -> the same, samples may be others
 */
export async function onTensor(block: SignalBlock, run: (x: Tensor) => Promise<Tensor>): Promise<SignalBlock> {
  using x = tensorOf(block)
  using y = await run(x)
  return blockOf(block, y)
}

/**
 * {@link onTensor} over some channels; the others stay as they are.
 *
 * @param run (items, rows, samples) float64 -> the same shape
 */
export async function onRows(
  block: SignalBlock,
  rows: readonly number[],
  run: (x: Tensor) => Promise<Tensor>,
): Promise<SignalBlock> {
  const channels = rows.map((index) => block.channels[index]!)
  const some = withChannels(block, channels, (channel, target, item) => target.set(rowOf(block, item, rows[channel]!)))
  const changed = await onTensor(some, run)
  const data = block.data.slice()
  for (const { row, item, channel } of rowsOf(changed)) rowOf({ ...block, data }, item, rows[channel]!).set(row)
  return { ...block, data }
}

/** A stage of an operation that remembers what came before, such as `SosStream`. */
export function streamStage(layout: StreamLayout, stream: { push(piece: Tensor): Tensor }): StreamStage {
  const push = (chunk: SignalBlock) => {
    if (chunk.samples === 0) return chunk
    using x = tensorOf(chunk)
    using y = stream.push(x)
    return blockOf(chunk, y)
  }
  return { channels: layout.channels, samplingRate: layout.samplingRate, push }
}

/** (items, channels, samples) over the block's own memory. */
export function tensorOf({ data, items, channels, samples }: SignalBlock): Tensor {
  return fromTypedArray(data, { shape: [items, channels.length, samples] })
}

function blockOf(block: SignalBlock, y: Tensor): SignalBlock {
  using dense = y.contiguous()
  return { ...block, data: dense.toTypedArray({ share: true }) as Float64Array, samples: y.shape[2]! }
}
