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
  const x = tensorOf(block)
  const y = await run(x)
  const out = blockOf(block, y)
  x.dispose()
  y.dispose()
  return out
}

/** A stage of an operation that remembers what came before, such as `SosStream`. */
export function streamStage(layout: StreamLayout, stream: { push(piece: Tensor): Tensor }): StreamStage {
  const push = (chunk: SignalBlock) => {
    if (chunk.samples === 0) return chunk
    const x = tensorOf(chunk)
    const y = stream.push(x)
    const out = blockOf(chunk, y)
    x.dispose()
    y.dispose()
    return out
  }
  return { channels: layout.channels, samplingRate: layout.samplingRate, push }
}

/** (items, channels, samples) over the block's own memory. */
export function tensorOf({ data, items, channels, samples }: SignalBlock): Tensor {
  return fromTypedArray(data, { shape: [items, channels.length, samples] })
}

function blockOf(block: SignalBlock, y: Tensor): SignalBlock {
  return { ...block, data: y.contiguous().toTypedArray({ share: true }) as Float64Array, samples: y.shape[2]! }
}
