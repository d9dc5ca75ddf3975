import { scope } from '../memory.ts'
import { ops } from '../ops/index.ts'
import type { CovarianceOptions } from '../signal/covariance.ts'
import { asyncSignal } from '../signal/index.ts'
import type { Tensor } from '../tensor.ts'
import { windowCovariances } from './band-windows.ts'
import type { BaselineDecoder } from './baselines.ts'
import { decoderName } from './decoder-name.ts'
import { LogisticRegression } from './logistic-regression.ts'
import { PresentClasses } from './present-classes.ts'
import { type FeatureRows, matricesOf, rowsOf } from './rows.ts'

/** Options of {@link mdm} and {@link tangentSpaceLr}. */
export interface RiemannOptions extends CovarianceOptions {
  /** Band in hertz that windows are filtered to, one by one and without delay; `null` for windows that are filtered already. */
  band?: readonly [low: number, high: number] | null
  /** How covariances are estimated; `'oas'` by default, which stands short windows and a common reference. */
  estimator?: 'scm' | 'oas' | 'lwf' | 'shrunk'
}

/** Options of {@link tangentSpaceLr}. */
export interface TangentSpaceOptions extends RiemannOptions {
  /** Inverse of the penalty on the coefficients, scikit-learn's `C`; 1 by default. */
  c?: number
}

/**
 * Covariances seen from their Riemannian mean as vectors, logistic regression: pyRiemann's `TangentSpace` with scikit-learn's default
 * `LogisticRegression` (Barachant et al. 2012, "Multiclass brain-computer interface classification by Riemannian geometry").
 */
export function tangentSpaceLr({ c = 1, ...options }: TangentSpaceOptions = {}): BaselineDecoder {
  return {
    name: nameOf('tangent space + LR', { ...options, c }),
    extract: (windows) => windowCovariances(windows, withDefaults(options)),
    fit: async (features, labels, classes) => {
      const reference = await riemannMean(matricesOf(features))
      const model = await LogisticRegression.fit(await tangentVectors(features, reference), labels, classes, { c })
      return {
        predict: async (rows) => model.predict(await tangentVectors(rows, reference)),
        dispose: () => {
          reference.dispose()
          model.dispose()
        },
      }
    },
  }
}

/**
 * The class whose Riemannian mean covariance is nearest: pyRiemann's `MDM` (Barachant et al. 2012). Probabilities are the softmax of minus
 * the squared distances.
 */
export function mdm(options: RiemannOptions = {}): BaselineDecoder {
  return {
    name: nameOf('MDM', options),
    extract: (windows) => windowCovariances(windows, withDefaults(options)),
    fit: async (features, labels, classes) => {
      const present = new PresentClasses(labels, classes)
      const references = await classReferences(features, present)
      return {
        predict: async (rows) => {
          using matrices = matricesOf(rows)
          using distances = await asyncSignal.riemannDistances(matrices, { references })
          return scope(() => present.decoded(distances.square().neg().softmax(1)))
        },
        dispose: () => references.dispose(),
      }
    },
  }
}

const withDefaults = ({ band = [8, 30], estimator = 'oas', ...options }: RiemannOptions) => ({
  ...options,
  band,
  estimator,
})

function nameOf(kind: string, { band = [8, 30], ...options }: TangentSpaceOptions): string {
  return decoderName(kind, { band, options, usual: { estimator: 'oas', shrinkage: 0, c: 1 } })
}

/** Riemannian mean of each class that occurs, (classes that occur, n, n). */
async function classReferences(features: FeatureRows, classes: PresentClasses): Promise<Tensor> {
  using matrices = matricesOf(features)
  const means: Tensor[] = []
  for (const label of classes.present) {
    means.push(await riemannMean(scope(() => matrices.index_select(0, classes.rowsOf(label)))))
  }
  const references = ops.aten.stack(means)
  for (const mean of means) mean.dispose()
  return references
}

/** On the compute thread; disposes of the matrices. */
async function riemannMean(matrices: Tensor): Promise<Tensor> {
  using given = matrices
  return (await asyncSignal.riemannMean(given)).mean
}

/** On the compute thread. */
async function tangentVectors(features: FeatureRows, reference: Tensor): Promise<FeatureRows> {
  using matrices = matricesOf(features)
  using vectors = await asyncSignal.tangentSpace(matrices, { reference })
  return rowsOf(vectors)
}
