import { scope } from '../memory.ts'
import type { Tensor } from '../tensor.ts'

/** How far two tensors may be apart: `abs + rel * max|expected|`. */
export interface Tolerance {
  abs: number
  rel: number
}

/** One tensor of a case, compared. */
export interface TensorComparison {
  /** `logits`, `grad.conv_temporal.weight`, `grad_input.eeg`, `buffer.bnorm_1.running_mean`. */
  name: string
  passed: boolean
  /** Largest absolute difference; null where there was nothing to subtract. */
  absolute: number | null
  /** The same over the largest expected magnitude; null where that is 0. */
  relative: number | null
  /** Largest difference over the tolerance: at most 1 passes. */
  ratio: number | null
  /** Why it failed, where no numbers were compared: missing, not expected, another shape or dtype. */
  problem?: string
}

/** Compares what a network gave with what its reference gave. Anything that is not a number fails. */
export function compareTensors(
  name: string,
  got: Tensor | undefined,
  want: Tensor | undefined,
  tolerance: Tolerance,
): TensorComparison {
  const problem = describeProblem(got, want)
  if (problem !== undefined) return { name, passed: false, absolute: null, relative: null, ratio: null, problem }
  const { difference, magnitude } = scope(() => ({
    difference: largest(got!.to({ dtype: 'float64' }).sub(want!.to({ dtype: 'float64' }))),
    magnitude: largest(want!.to({ dtype: 'float64' })),
  }))
  const limit = tolerance.abs + tolerance.rel * magnitude
  return {
    name,
    passed: difference <= limit,
    absolute: difference,
    relative: magnitude === 0 ? null : difference / magnitude,
    ratio: limit === 0 ? (difference === 0 ? 0 : Number.POSITIVE_INFINITY) : difference / limit,
  }
}

function describeProblem(got: Tensor | undefined, want: Tensor | undefined): string | undefined {
  if (got === undefined) return 'missing'
  if (want === undefined) return 'not expected'
  const [shape, wanted] = [show(got), show(want)]
  return shape === wanted ? undefined : `expected ${wanted}, received ${shape}`
}

function show(tensor: Tensor): string {
  return `${tensor.dtype} (${tensor.shape.join(', ')})`
}

function largest(tensor: Tensor): number {
  return tensor.length === 0 ? 0 : (tensor.abs().max().item() as number)
}
