import { fromTypedArray } from '../creation.ts'
import type { Tensor } from '../tensor.ts'
import type { SignalBlock } from './block.ts'
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
