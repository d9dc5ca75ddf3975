import { EegTorchError } from '../errors.ts'
import { scope } from '../memory.ts'
import { ops } from '../ops/index.ts'
import type { Tensor } from '../tensor.ts'
import type { PresentClasses } from './present-classes.ts'
import { type Decoded, type FeatureRows, tensorOf } from './rows.ts'

/** Scores of classes that are sums of weighted features: what linear classifiers have learned. */
export class LinearScores {
  readonly #classes: PresentClasses
  /** (1, features) where two classes share one score, else (classes that occur, features). */
  readonly coefficients: Tensor
  /** (1) where two classes share one score, else (classes that occur). */
  readonly intercepts: Tensor

  constructor(classes: PresentClasses, [coefficients, intercepts]: readonly [Tensor, Tensor]) {
    this.#classes = classes
    this.coefficients = coefficients
    this.intercepts = intercepts
  }

  /** Frees coefficients and intercepts. */
  dispose(): void {
    this.coefficients.dispose()
    this.intercepts.dispose()
  }

  [Symbol.dispose](): void {
    this.dispose()
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
