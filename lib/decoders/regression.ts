import { fromTypedArray } from '../creation.ts'
import { ROUNDING } from '../datasets/standardise.ts'
import { scope } from '../memory.ts'
import { asyncOps, ops } from '../ops/index.ts'
import { asyncSignal } from '../signal/index.ts'
import type { Tensor } from '../tensor.ts'
import { type FeatureRows, tensorOf } from './rows.ts'

/**
 * Linear regression with the covariance of scaled features shrunk by Ledoit and Wolf's rule: a ridge whose strength follows from the
 * data. Fits on the compute thread.
 *
 * @param target of each training row, without its mean
 */
export async function fitShrunkRegression(
  features: FeatureRows,
  target: readonly number[],
): Promise<(rows: FeatureRows) => number[]> {
  using rows = tensorOf(features)
  using goal = fromTypedArray(Float64Array.from(target), { shape: [target.length, 1] })
  const [mean, scale] = scope(() => scalesOf(rows))
  using unit = scope(() => rows.sub(mean).div(scale).t().contiguous())
  using covariance = await asyncSignal.covariances(unit, { estimator: 'lwf', centred: true })
  covariance.diagonal().add_(1e-9)
  using right = scope(() => unit.matmul(goal).div(target.length))
  const weights = (await asyncOps.aten.linalg_solve(covariance, right)) as Tensor
  return (others) =>
    scope(() =>
      Array.from(tensorOf(others).sub(mean).div(scale).matmul(weights).reshape([-1]).toTypedArray() as Float64Array),
    )
}

/** Mean and standard deviation of each column; 1 for one that is constant, whose mean may be rounded. */
function scalesOf(rows: Tensor): [Tensor, Tensor] {
  const mean = rows.mean([0], true)
  const deviation = rows.sub(mean).square().mean([0], true).sqrt()
  return [mean, ops.aten.where(deviation.le(mean.abs().mul(ROUNDING)), deviation.new_ones([]), deviation)]
}
