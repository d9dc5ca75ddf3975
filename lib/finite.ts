import { noGrad } from './autograd.ts'
import { asyncOps } from './ops/index.ts'
import type { Tensor } from './tensor.ts'

/** Whether every value of a tensor is a finite number; asked on the compute thread, which also waits for a GPU there. */
export async function areFinite(values: Tensor): Promise<boolean> {
  using finite = await noGrad(() => asyncOps.aten.isfinite(values))
  using all = await asyncOps.aten.all(finite)
  return (await asyncOps.aten._local_scalar_dense(all)) === true
}
