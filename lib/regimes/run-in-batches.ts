import { noGrad } from '../autograd.ts'
import { cat } from '../creation.ts'
import type { Model } from '../models/model.ts'
import type { Tensor } from '../tensor.ts'

const BATCH = 64

/**
 * Runs networks, one after the other, over the rows of tensors: some rows at a time, without gradients, in evaluation mode.
 *
 * @param inputs what the first network takes, in its order; the first dimension is that of the rows
 * @returns the last network's first output for all rows
 */
export async function runInBatches(inputs: readonly Tensor[], ...nets: Model[]): Promise<Tensor> {
  const rows = inputs[0]!.shape[0]!
  for (const net of nets) net.eval()
  const parts: Tensor[] = []
  try {
    for (let from = 0; from < rows; from += BATCH) {
      let values = inputs.map((input) => input.narrow(0, from, Math.min(BATCH, rows - from)))
      for (const net of nets) {
        const next = await noGrad(() => net.forwardAsync(...values))
        for (const value of values) value.dispose()
        values = [next]
      }
      parts.push(values[0]!)
    }
    return cat(parts, 0)
  } finally {
    for (const part of parts) part.dispose()
  }
}
