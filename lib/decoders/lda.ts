import { EegTorchError } from '../errors.ts'
import { asyncOps } from '../ops/index.ts'
import type { Tensor } from '../tensor.ts'
import { LinearScores } from './linear-scores.ts'
import { PresentClasses } from './present-classes.ts'
import { type FeatureRows, tensorOf } from './rows.ts'

/**
 * Linear discriminant analysis with a covariance shrunk by Ledoit and Wolf's rule, class by class. Equals scikit-learn's
 * `LinearDiscriminantAnalysis(solver='lsqr', shrinkage='auto')`.
 *
 * Where the covariance stays singular (constant features, a single trial a class) it is loaded with a small diagonal.
 * A class without training rows is never predicted.
 */
export class ShrinkageLda extends LinearScores {
  /**
   * Fits on the compute thread.
   *
   * @param features training rows
   * @param labels class of each row, 0 .. classes - 1
   * @throws EegTorchError `SHAPE_MISMATCH` or, for fewer than two classes or values that are not finite, `INVALID_OPTION`
   */
  static async fit(features: FeatureRows, labels: ArrayLike<number>, classes: number): Promise<ShrinkageLda> {
    requireLabelled(features, labels)
    const present = new PresentClasses(labels, classes)
    const analyse = asyncOps.namespace('eegtorch').linear_discriminant!
    using rows = tensorOf(features)
    using places = present.places()
    const scores = await analyse(rows, places, { classes: present.present.length })
    return new ShrinkageLda(present, scores as unknown as [Tensor, Tensor])
  }
}

function requireLabelled({ values, width }: FeatureRows, labels: ArrayLike<number>): void {
  if (values.length === width * labels.length) return
  throw new EegTorchError('SHAPE_MISMATCH', 'features and labels differ in number', {
    expected: `${labels.length} rows of ${width}`,
    received: `${values.length} values`,
  })
}
