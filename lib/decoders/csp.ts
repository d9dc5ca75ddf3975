import { ones } from '../creation.ts'
import { scope } from '../memory.ts'
import { asyncOps, ops } from '../ops/index.ts'
import { asyncSignal } from '../signal/index.ts'
import type { Tensor } from '../tensor.ts'
import { PresentClasses } from './present-classes.ts'
import { type FeatureRows, matricesOf, rowsOf, tensorOf } from './rows.ts'

/** Options of common spatial patterns (Blankertz et al. 2008). */
export interface CspFilterOptions {
  /** Spatial filters; 4 by default for two classes, else 4 for each class. */
  filters?: number
  /** Share of the mean channel variance mixed into each class covariance, 0 .. 1; 0.05 by default. */
  shrinkage?: number
}

/**
 * Common spatial patterns: weighted sums of channels whose power tells classes apart best (Blankertz et al. 2008, "Optimizing spatial
 * filters for robust EEG single-trial analysis"; for more than two classes Grosse-Wentrup and Buss 2008).
 *
 * It works on the covariance of each window, which holds all that it needs: the power of a filter w in a window of
 * covariance C is w' C w. Equals MNE's `CSP(n_components=filters, reg=shrinkage)` for windows of one length.
 */
export class CommonSpatialPatterns {
  /** Spatial filters, (filters, channels). */
  readonly filters: Tensor

  private constructor(filters: Tensor) {
    this.filters = filters
  }

  /**
   * Fits on the compute thread.
   *
   * @param covariances of the training windows, shape (windows, channels * channels)
   * @param labels class of each window
   * @throws EegTorchError `INVALID_OPTION` for signals without variance, or windows of one class
   */
  static async fit(
    covariances: FeatureRows,
    labels: ArrayLike<number>,
    classes: number,
    { filters, shrinkage = 0.05 }: CspFilterOptions = {},
  ): Promise<CommonSpatialPatterns> {
    const known = new PresentClasses(labels, classes)
    const count = known.present.length
    using means = await classMeans(covariances, known)
    using shrunk = scope(() => shrink(means, shrinkage))
    using weights = ones([count], { dtype: 'float64' })
    const found = await asyncSignal.cspOfCovariances(shrunk, { weights })
    found.patterns.dispose()
    using all = found.filters
    const most = Math.min(filters ?? (count === 2 ? 4 : 4 * count), all.shape[0]!)
    return new CommonSpatialPatterns(scope(() => all.narrow(0, 0, most).clone()))
  }

  /** Frees the filters. */
  dispose(): void {
    this.filters.dispose()
  }

  [Symbol.dispose](): void {
    this.dispose()
  }

  /** Logarithm of each filter's mean power in each window, in volts squared. On the compute thread. */
  async transform(rows: FeatureRows): Promise<FeatureRows> {
    using matrices = matricesOf(rows)
    using filtered = (await asyncOps.aten.matmul(this.filters, matrices)) as Tensor
    // The floor keeps a dead window finite.
    return scope(() => rowsOf(filtered.mul(this.filters).sum([-1]).clamp_min(1e-300).log()))
  }
}

/** Mean of the matrices of each class that occurs, (classes that occur, n, n). */
async function classMeans(covariances: FeatureRows, classes: PresentClasses): Promise<Tensor> {
  using rows = tensorOf(covariances)
  using shares = classes.shares()
  using means = (await asyncOps.aten.matmul(shares, rows)) as Tensor
  const n = Math.sqrt(covariances.width)
  return scope(() => means.reshape([classes.present.length, n, n]).clone())
}

function shrink(covariances: Tensor, share: number): Tensor {
  const variances = covariances.diagonal(0, 1, 2)
  const target = ops.aten.diag_embed(variances.mean([1], { keepdim: true }).expand_as(variances))
  return covariances.mul(1 - share).add(target.mul(share))
}
