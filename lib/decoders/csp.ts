import { scope } from '../memory.ts'
import { ops } from '../ops/index.ts'
import { signal } from '../signal/index.ts'
import type { Tensor } from '../tensor.ts'
import type { FeatureRows } from './lda.ts'
import { PresentClasses } from './present-classes.ts'
import { matricesOf, rowsOf } from './rows.ts'

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
  readonly #filters: Tensor

  /**
   * @param covariances of the training windows, shape (windows, channels * channels)
   * @param labels class of each window
   * @throws EegTorchError `INVALID_OPTION` for signals without variance, or windows of one class
   */
  constructor(
    covariances: FeatureRows,
    labels: ArrayLike<number>,
    classes: number,
    { filters, shrinkage = 0.05 }: CspFilterOptions = {},
  ) {
    const known = new PresentClasses(labels, classes)
    const count = known.present.length
    this.#filters = scope(() => {
      const means = shrink(classMeans(matricesOf(covariances), known), shrinkage)
      const all = signal.cspOfCovariances(means, { weights: means.new_ones([count]) }).filters
      return all.narrow(0, 0, Math.min(filters ?? (count === 2 ? 4 : 4 * count), all.shape[0]!)).clone()
    })
  }

  /** Logarithm of each filter's mean power in each window, in volts squared. */
  transform(rows: FeatureRows): FeatureRows {
    return scope(() => {
      const filters = this.#filters
      const power = filters.matmul(matricesOf(rows)).mul(filters).sum([-1])
      // The floor keeps a dead window finite.
      return rowsOf(power.clamp_min(1e-300).log())
    })
  }

  /** Spatial filters, (filters, channels). */
  get filters(): Tensor {
    return this.#filters
  }
}

/** Mean of the matrices of each class that occurs, (classes that occur, n, n). */
function classMeans(matrices: Tensor, classes: PresentClasses): Tensor {
  return ops.aten.stack(classes.present.map((label) => matrices.index_select(0, classes.rowsOf(label)).mean([0])))
}

function shrink(covariances: Tensor, share: number): Tensor {
  const variances = covariances.diagonal(0, 1, 2)
  const target = ops.aten.diag_embed(variances.mean([1], { keepdim: true }).expand_as(variances))
  return covariances.mul(1 - share).add(target.mul(share))
}
