import { EegTorchError } from '../errors.ts'
import { cholesky, solveLower, solveLowerTransposed, trace } from './linear-algebra.ts'

/** Rows of numbers: `values` has shape (rows, width). */
export interface FeatureRows {
  values: Float64Array
  width: number
}

/** Class probabilities of some rows. */
export interface Decoded {
  predicted: Int32Array
  /** One array of `classes` numbers a row, summing to 1. */
  probabilities: number[][]
}

/**
 * Linear discriminant analysis with a covariance shrunk by Ledoit and Wolf's rule, class by class. Equals scikit-learn's
 * `LinearDiscriminantAnalysis(solver='lsqr', shrinkage='auto')`.
 *
 * Where the covariance stays singular (constant features, a single trial a class) it is loaded with a small diagonal.
 * A class without training rows is never predicted.
 */
export class ShrinkageLda {
  readonly #width: number
  /** By class: weights and offset of its linear score, or undefined for a class without training rows. */
  readonly #scores: ({ weights: Float64Array; offset: number } | undefined)[]

  /**
   * @param features training rows
   * @param labels class of each row, 0 .. classes - 1
   * @throws EegTorchError `SHAPE_MISMATCH` or, for fewer than two classes or values that are not finite, `INVALID_OPTION`
   */
  constructor({ values, width }: FeatureRows, labels: ArrayLike<number>, classes: number) {
    requireTrainable(values, width, labels)
    this.#width = width
    const members = groupRows(labels, classes)
    const priors = members.map((rows) => rows.length / labels.length)
    const pooled = new Float64Array(width * width)
    for (const [c, rows] of members.entries()) {
      if (rows.length === 0) continue
      const within = shrunkCovariance(takeRows(values, width, rows), rows.length, width)
      for (let i = 0; i < pooled.length; i++) pooled[i]! += priors[c]! * within[i]!
    }
    const lower = factor(pooled, width)
    this.#scores = members.map((rows, c) => {
      if (rows.length === 0) return undefined
      const mean = columnMeans(takeRows(values, width, rows), rows.length, width)
      const weights = solveLowerTransposed(lower, solveLower(lower, mean))
      return { weights, offset: Math.log(priors[c]!) - 0.5 * dot(weights, mean, 0) }
    })
  }

  /** @throws EegTorchError `SHAPE_MISMATCH` for rows of another width */
  predict({ values, width }: FeatureRows): Decoded {
    if (width !== this.#width) {
      throw new EegTorchError('SHAPE_MISMATCH', 'the decoder was fitted on other features', {
        expected: `${this.#width} a row`,
        received: `${width}`,
      })
    }
    const probabilities = Array.from({ length: values.length / width }, (_, row) =>
      softmax(
        this.#scores.map((score) =>
          score === undefined ? Number.NEGATIVE_INFINITY : dot(score.weights, values, row * width) + score.offset,
        ),
      ),
    )
    return { predicted: Int32Array.from(probabilities, indexOfLargest), probabilities }
  }
}

/**
 * Covariance of rows of shape (n, width), shrunk towards a diagonal. Columns are scaled to unit variance first and back
 * afterwards, so that features of different size are treated alike.
 */
function shrunkCovariance(rows: Float64Array, n: number, width: number): Float64Array {
  const means = columnMeans(rows, n, width)
  const centred = rows.map((value, at) => value - means[at % width]!)
  const variances = columnMeans(
    centred.map((value) => value * value),
    n,
    width,
  )
  // A column that varies by rounding only counts as constant.
  const scales = variances.map((v, i) => (v <= (10 * Number.EPSILON * means[i]!) ** 2 * n ? 1 : Math.sqrt(v)))
  const unit = centred.map((value, at) => value / scales[at % width]!)
  const { covariance } = ledoitWolf(unit, n, width)
  return covariance.map((value, at) => value * scales[Math.floor(at / width)]! * scales[at % width]!)
}

/**
 * Ledoit and Wolf (2004), "A well-conditioned estimator for large-dimensional covariance matrices": the covariance of
 * centred rows (n, width) mixed with its mean variance, in the share that minimises the expected error.
 */
export function ledoitWolf(
  rows: Float64Array,
  n: number,
  width: number,
): { covariance: Float64Array; shrinkage: number } {
  const covariance = new Float64Array(width * width)
  let fourth = 0
  for (let row = 0; row < n; row++) {
    let norm = 0
    for (let i = 0; i < width; i++) {
      const x = rows[row * width + i]!
      norm += x * x
      for (let j = 0; j <= i; j++) covariance[i * width + j]! += (x * rows[row * width + j]!) / n
    }
    fourth += norm * norm
  }
  mirrorLower(covariance, width)
  const square = covariance.reduce((total, value) => total + value * value, 0)
  const mu = trace(covariance, width) / width
  const distance = square / width - mu * mu
  const noise = Math.min((fourth / n - square) / (width * n), distance)
  const shrinkage = width === 1 || noise <= 0 ? 0 : noise / distance
  for (let at = 0; at < covariance.length; at++) covariance[at]! *= 1 - shrinkage
  for (let i = 0; i < width; i++) covariance[i * width + i]! += shrinkage * mu
  return { covariance, shrinkage }
}

/** Copies the entries below the diagonal above it. */
function mirrorLower(matrix: Float64Array, n: number): void {
  for (let i = 0; i < n; i++) for (let j = 0; j < i; j++) matrix[j * n + i] = matrix[i * n + j]!
}

function factor(covariance: Float64Array, n: number): Float64Array {
  const size = trace(covariance, n) / n || 1
  for (let load = 1e-10; load < 1; load *= 10) {
    const lower = cholesky(covariance, n)
    if (lower !== undefined) return lower
    for (let i = 0; i < n; i++) covariance[i * n + i]! += load * size
  }
  throw new EegTorchError('INVALID_OPTION', 'the features have no usable covariance: they are too large or too small')
}

function requireTrainable(values: Float64Array, width: number, labels: ArrayLike<number>): void {
  if (values.length !== width * labels.length) {
    throw new EegTorchError('SHAPE_MISMATCH', 'features and labels differ in number', {
      expected: `${labels.length} rows of ${width}`,
      received: `${values.length} values`,
    })
  }
  if (!values.every(Number.isFinite)) throw new EegTorchError('INVALID_OPTION', 'a feature is not a finite number')
  const present = new Set(Array.from(labels)).size
  if (present < 2) {
    throw new EegTorchError('INVALID_OPTION', 'a classical decoder needs two classes to train on', {
      expected: '2 or more',
      received: `${present}`,
    })
  }
}

function groupRows(labels: ArrayLike<number>, classes: number): number[][] {
  const members = Array.from({ length: classes }, (): number[] => [])
  for (let row = 0; row < labels.length; row++) {
    const group = members[labels[row]!]
    if (group !== undefined) group.push(row)
    else {
      throw new EegTorchError('INVALID_OPTION', 'a label is no class', {
        expected: `a whole number from 0 to ${classes - 1}`,
        received: `${labels[row]}`,
      })
    }
  }
  return members
}

/** Copies some rows of a (rows, width) array. */
export function takeRows(values: Float64Array, width: number, rows: ArrayLike<number>): Float64Array {
  const taken = new Float64Array(rows.length * width)
  for (let i = 0; i < rows.length; i++) taken.set(values.subarray(rows[i]! * width, (rows[i]! + 1) * width), i * width)
  return taken
}

function columnMeans(rows: Float64Array, n: number, width: number): Float64Array {
  const means = new Float64Array(width)
  for (let at = 0; at < rows.length; at++) means[at % width]! += rows[at]! / n
  return means
}

function dot(weights: Float64Array, values: Float64Array, offset: number): number {
  let total = 0
  for (let i = 0; i < weights.length; i++) total += weights[i]! * values[offset + i]!
  return total
}

function softmax(scores: readonly number[]): number[] {
  const largest = Math.max(...scores)
  const powers = scores.map((score) => Math.exp(score - largest))
  const total = powers.reduce((a, b) => a + b, 0)
  return powers.map((power) => power / total)
}

function indexOfLargest(values: readonly number[]): number {
  return values.indexOf(Math.max(...values))
}
