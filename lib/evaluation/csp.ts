import { EegTorchError } from '../errors.ts'
import { type FeatureRows, mirrorLower } from './lda.ts'
import { generalisedEigen, quadraticForm, trace } from './linear-algebra.ts'

/** Options of common spatial patterns (Blankertz et al. 2008). */
export interface CspOptions {
  /** Spatial filters of each pair of classes; 4 by default. */
  filters?: number
  /** Share of the mean channel variance mixed into each class covariance, 0 .. 1; 0.05 by default. */
  shrinkage?: number
}

/**
 * Common spatial patterns: weighted sums of channels whose power tells two classes apart best (Blankertz et al. 2008,
 * "Optimizing spatial filters for robust EEG single-trial analysis"). With more than two classes each is set against the rest.
 *
 * It works on the covariance of each window, which holds all that it needs: the power of a filter w in a window of
 * covariance C is w' C w. For two classes equals MNE's `CSP(n_components=filters, reg=shrinkage)`.
 */
export class CommonSpatialPatterns {
  readonly #channels: number
  readonly #filters: Float64Array[]

  /**
   * @param covariances of the training windows, shape (windows, channels * channels)
   * @param labels class of each window
   * @throws EegTorchError `INVALID_OPTION` for signals without variance
   */
  constructor(covariances: FeatureRows, labels: ArrayLike<number>, classes: number, options: CspOptions = {}) {
    this.#channels = Math.sqrt(covariances.width)
    const present = [...new Set(Array.from(labels))].sort((a, b) => a - b).filter((c) => c < classes)
    // Two classes have one contrast: the second is the first turned round.
    const contrasts = present.length === 2 ? present.slice(0, 1) : present
    this.#filters = contrasts.flatMap((c) => contrastFilters(covariances, labels, c, options))
  }

  /** Logarithm of each filter's mean power in each window, in volts squared. */
  transform({ values, width }: FeatureRows): FeatureRows {
    const [windows, filters] = [values.length / width, this.#filters]
    const features = new Float64Array(windows * filters.length)
    for (let w = 0; w < windows; w++) {
      for (const [f, filter] of filters.entries()) {
        // The floor keeps a dead window finite.
        features[w * filters.length + f] = Math.log(Math.max(quadraticForm(values, w * width, filter), 1e-300))
      }
    }
    return { values: features, width: filters.length }
  }

  /** Spatial filters, each of one weight a channel. */
  get filters(): readonly Float64Array[] {
    return this.#filters
  }

  get channels(): number {
    return this.#channels
  }
}

/**
 * Second moment of each window's channels, mean over its samples: the covariance of band-passed signals, which have no mean.
 *
 * @param data shape (windows, channels, samples)
 */
export function windowCovariances(data: ArrayLike<number>, channels: number, samples: number): FeatureRows {
  const width = channels * channels
  const windows = data.length / (channels * samples)
  const values = new Float64Array(windows * width)
  for (let w = 0; w < windows; w++) {
    const covariance = values.subarray(w * width, (w + 1) * width)
    const start = w * channels * samples
    for (let i = 0; i < channels; i++) {
      for (let j = 0; j <= i; j++) {
        const [a, b] = [start + i * samples, start + j * samples]
        let total = 0
        for (let t = 0; t < samples; t++) total += data[a + t]! * data[b + t]!
        covariance[i * channels + j] = total / samples
      }
    }
    mirrorLower(covariance, channels)
  }
  return { values, width }
}

function contrastFilters(
  covariances: FeatureRows,
  labels: ArrayLike<number>,
  target: number,
  { filters = 4, shrinkage = 0.05 }: CspOptions,
): Float64Array[] {
  const n = Math.sqrt(covariances.width)
  const own = shrink(
    meanRow(covariances, labels, (label) => label === target),
    n,
    shrinkage,
  )
  const rest = shrink(
    meanRow(covariances, labels, (label) => label !== target),
    n,
    shrinkage,
  )
  const eigen = generalisedEigen(
    own,
    own.map((value, i) => value + rest[i]!),
    n,
  )
  if (eigen === undefined) {
    throw new EegTorchError('INVALID_OPTION', 'common spatial patterns need independent channels', {
      expected: 'a covariance of full rank, or a shrinkage above 0',
      received: `channels that depend on each other, shrinkage ${shrinkage}`,
      option: 'shrinkage',
    })
  }
  const distance = (k: number) => Math.abs(eigen.values[k]! - 0.5)
  const order = Array.from({ length: n }, (_, k) => k).sort((a, b) => distance(b) - distance(a))
  return order.slice(0, filters).map((k) => eigen.vectors.slice(k * n, (k + 1) * n))
}

function meanRow(
  { values, width }: FeatureRows,
  labels: ArrayLike<number>,
  takes: (label: number) => boolean,
): Float64Array {
  const mean = new Float64Array(width)
  const rows = Array.from({ length: labels.length }, (_, i) => i).filter((i) => takes(labels[i]!))
  for (const row of rows) for (let i = 0; i < width; i++) mean[i]! += values[row * width + i]! / rows.length
  return mean
}

function shrink(covariance: Float64Array, n: number, share: number): Float64Array {
  const mean = trace(covariance, n) / n
  return covariance.map((value, at) => (1 - share) * value + (at % (n + 1) === 0 ? share * mean : 0))
}
