import { fromTypedArray } from '../creation.ts'
import type { EegWindows } from '../datasets/windows.ts'
import { EegTorchError } from '../errors.ts'
import { Tensor } from '../tensor.ts'
import { nativeTraining as native } from './native.ts'
import type { Batch } from './train-step.ts'

/** Examples as native tensors, one row each: what a {@link DataLoader} draws batches from. */
export interface TensorSet {
  readonly inputs: Tensor
  readonly targets: Tensor
}

/**
 * Windows as tensors: inputs (windows, channels, samples) float32 in volts, targets (windows) int64 class numbers. The inputs share the
 * windows' memory.
 */
export function windowTensors(windows: EegWindows): TensorSet {
  return {
    inputs: fromTypedArray(windows.data, { shape: [windows.length, windows.nChannels, windows.nSamples] }),
    targets: fromTypedArray(BigInt64Array.from(windows.labels, (label) => BigInt(label))),
  }
}

/** Some rows of a set, copied on the compute thread. */
export async function gatherRows({ inputs, targets }: TensorSet, rows: ArrayLike<number>): Promise<Required<Batch>> {
  const index = rowNumbers(rows)
  try {
    const [first, second] = await native.gatherRows([inputs.id, targets.id], index.id)
    return { inputs: new Tensor(first!), targets: new Tensor(second!) }
  } finally {
    index.dispose()
  }
}

/** Numbers of rows as an int64 tensor. */
function rowNumbers(rows: ArrayLike<number>): Tensor<'int64'> {
  return fromTypedArray(BigInt64Array.from({ length: rows.length }, (_, i) => BigInt(rows[i]!)))
}

/** Number of examples. */
export function setLength({ inputs, targets }: TensorSet): number {
  const [length] = inputs.shape
  const [other] = targets.shape
  if (length !== undefined && length > 0 && length === other) return length
  throw new EegTorchError('SHAPE_MISMATCH', 'inputs and targets are not of the same examples', {
    expected: 'the same first dimension, 1 or more',
    received: `(${inputs.shape.join(', ')}) and (${targets.shape.join(', ')})`,
  })
}

export function disposeSet({ inputs, targets }: TensorSet): void {
  inputs.dispose()
  targets.dispose()
}
