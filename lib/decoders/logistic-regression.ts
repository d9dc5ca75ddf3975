import { EegTorchError } from '../errors.ts'
import { scope } from '../memory.ts'
import { asyncOps, ops } from '../ops/index.ts'
import type { Tensor } from '../tensor.ts'
import type { Decoded, FeatureRows } from './lda.ts'
import { PresentClasses } from './present-classes.ts'
import { tensorOf } from './rows.ts'

/** Options of {@link LogisticRegression}. */
export interface LogisticOptions {
  /** Inverse of the penalty on the coefficients; 1 by default. */
  c?: number
  /** Part of the first gradient at which it stops; 1e-10 by default. */
  tolerance?: number
}

const MAX_ITERATIONS = 200

/**
 * Logistic regression with an L2 penalty, intercepts free: minimises what scikit-learn's `LogisticRegression` minimises, by Newton's steps and
 * to full precision, where scikit-learn's own default stops at a gradient of 1e-4.
 */
export class LogisticRegression {
  readonly #classes: PresentClasses
  /** (1, features) for two classes, else (classes that occur, features). */
  readonly coefficients: Tensor
  /** (1) for two classes, else (classes that occur). */
  readonly intercepts: Tensor

  private constructor(classes: PresentClasses, [coefficients, intercepts]: readonly [Tensor, Tensor]) {
    this.#classes = classes
    this.coefficients = coefficients
    this.intercepts = intercepts
  }

  /**
   * Fits on the compute thread.
   *
   * @param features training rows
   * @param labels class of each row, 0 .. classes - 1; classes that do not occur are never predicted
   * @throws EegTorchError `INVALID_OPTION` for fewer than two classes, or values that are not finite
   */
  static async fit(
    features: FeatureRows,
    labels: ArrayLike<number>,
    classes: number,
    { c = 1, tolerance = 1e-10 }: LogisticOptions = {},
  ): Promise<LogisticRegression> {
    const present = new PresentClasses(labels, classes)
    const minimise = asyncOps.namespace('eegtorch').logistic_regression!
    const options = { classes: present.present.length, c, tol: tolerance, maxIter: MAX_ITERATIONS }
    using rows = tensorOf(features)
    using places = present.places()
    return new LogisticRegression(present, (await minimise(rows, places, options)) as [Tensor, Tensor])
  }

  /** @throws EegTorchError `SHAPE_MISMATCH` for rows of another width */
  predict(rows: FeatureRows): Decoded {
    const width = this.coefficients.shape[1]!
    if (rows.width !== width) {
      throw new EegTorchError('SHAPE_MISMATCH', 'the decoder was fitted on other features', {
        expected: `${width} a row`,
        received: `${rows.width}`,
      })
    }
    return scope(() => {
      const scores = tensorOf(rows).matmul(this.coefficients.t()).add(this.intercepts)
      // Two classes share one score: minus its half and its half give the same odds.
      const both = scores.shape[1] === 1 ? ops.aten.cat([scores.mul(-0.5), scores.mul(0.5)], 1) : scores
      return this.#classes.decoded(both.softmax(1))
    })
  }
}
