import { asyncOps } from '../ops/index.ts'
import type { Tensor } from '../tensor.ts'
import { LinearScores } from './linear-scores.ts'
import { PresentClasses } from './present-classes.ts'
import { type FeatureRows, tensorOf } from './rows.ts'

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
export class LogisticRegression extends LinearScores {
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
}
