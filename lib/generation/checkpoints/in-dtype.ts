import { type DType, isFloatingPoint } from '../../dtype.ts'
import { asyncOps } from '../../ops/index.ts'
import type { Tensor } from '../../tensor.ts'

/** A tensor of numbers in another type, or itself: where no type is asked for, or it holds integers. */
export async function inDtype(tensor: Tensor, dtype: DType | undefined): Promise<Tensor> {
  if (dtype === undefined || dtype === tensor.dtype || !isFloatingPoint(tensor.dtype)) return tensor
  return asyncOps.aten.to(tensor, { dtype })
}
