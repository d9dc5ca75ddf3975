import { EegTorchError } from '../errors.ts'

/** Rows are true classes, columns predicted classes; entries are counts, or sums of weights. Shape (classes, classes). */
export type ConfusionMatrix = readonly (readonly number[])[]

/** Figures of one class, read from a confusion matrix. */
export interface ClassMetrics {
  /** Share of the predictions of this class that were right; 0 when the class was never predicted. */
  precision: number
  /** Share of the trials of this class that were found; 0 when the class has no trial. */
  recall: number
  /** Harmonic mean of the two; 0 when both are. */
  f1: number
  /** Trials (or weight) whose true class this is. */
  support: number
}

/** Everything that a confusion matrix tells. */
export interface ClassificationMetrics {
  accuracy: number
  balancedAccuracy: number
  kappa: number
  macroF1: number
  perClass: ClassMetrics[]
}

/**
 * Counts which class was taken for which.
 *
 * @param truth true class of each trial, 0 .. classes - 1
 * @param predicted predicted class of each trial
 * @param classes number of classes
 * @param weights one non-negative weight a trial; 1 each by default
 * @throws EegTorchError `SHAPE_MISMATCH` for lengths that differ, `INVALID_OPTION` for a class out of range
 */
export function confusionMatrix(
  truth: ArrayLike<number>,
  predicted: ArrayLike<number>,
  classes: number,
  weights?: ArrayLike<number>,
): number[][] {
  requireLength('predictions', truth.length, predicted.length)
  if (weights !== undefined) requireLength('weights', truth.length, weights.length)
  const matrix = Array.from({ length: classes }, () => new Array<number>(classes).fill(0))
  for (let i = 0; i < truth.length; i++) {
    const row = matrix[requireClass(truth[i]!, classes)]!
    row[requireClass(predicted[i]!, classes)]! += weights === undefined ? 1 : weights[i]!
  }
  return matrix
}

/** All figures of a confusion matrix; each agrees with scikit-learn 1.x called with `zero_division=0`. */
export function classificationMetrics(matrix: ConfusionMatrix): ClassificationMetrics {
  return {
    accuracy: accuracy(matrix),
    balancedAccuracy: balancedAccuracy(matrix),
    kappa: cohenKappa(matrix),
    macroF1: macroF1(matrix),
    perClass: perClassMetrics(matrix),
  }
}

/** Share of trials on the diagonal; NaN for an empty matrix. */
export function accuracy(matrix: ConfusionMatrix): number {
  return sum(matrix.map((row, i) => row[i]!)) / sum(matrix.flat())
}

/** Mean recall over the classes that have trials; NaN for an empty matrix. Classes without trials do not count. */
export function balancedAccuracy(matrix: ConfusionMatrix): number {
  const present = perClassMetrics(matrix).filter(({ support }) => support > 0)
  return sum(present.map(({ recall }) => recall)) / present.length
}

/**
 * Cohen's kappa: agreement above what the class shares alone would give, 1 for perfect, 0 for none.
 * NaN where it is not defined: truth and prediction hold one and the same class only.
 */
export function cohenKappa(matrix: ConfusionMatrix): number {
  const total = sum(matrix.flat())
  const columns = matrix.map((_, j) => sum(matrix.map((row) => row[j]!)))
  const byChance = sum(matrix.map((row, i) => (sum(row) / total) * (columns[i]! / total)))
  return (accuracy(matrix) - byChance) / (1 - byChance)
}

/** Mean F1 over the classes that occur in truth or prediction. A class never predicted, or without trials, counts 0. */
export function macroF1(matrix: ConfusionMatrix): number {
  const scores = perClassMetrics(matrix).filter(({ support }, i) => support > 0 || predictedWeight(matrix, i) > 0)
  return sum(scores.map(({ f1 }) => f1)) / scores.length
}

/** Precision, recall, F1 and support of each class. */
export function perClassMetrics(matrix: ConfusionMatrix): ClassMetrics[] {
  return matrix.map((row, i) => {
    const [hit, support, predicted] = [row[i]!, sum(row), predictedWeight(matrix, i)]
    return {
      precision: ratioOrZero(hit, predicted),
      recall: ratioOrZero(hit, support),
      f1: ratioOrZero(2 * hit, support + predicted),
      support,
    }
  })
}

/**
 * Area under the receiver operating characteristic of a two-class score: the chance that a positive trial scores above a
 * negative one, ties counting one half (the Mann-Whitney statistic). NaN when one of the classes has no trial.
 *
 * @param truth 1 for positive trials, 0 for the others
 * @param scores any number that grows with the belief in class 1
 * @throws EegTorchError `SHAPE_MISMATCH` for lengths that differ, `INVALID_OPTION` for other labels or a NaN score
 */
export function rocAuc(truth: ArrayLike<number>, scores: ArrayLike<number>): number {
  requireLength('scores', truth.length, scores.length)
  const order = Array.from({ length: truth.length }, (_, i) => i).sort((a, b) => scores[a]! - scores[b]!)
  let positives = 0
  let rankSum = 0
  for (let start = 0, end = 0; start < order.length; start = end) {
    const score = scores[order[start]!]!
    if (Number.isNaN(score)) throw new EegTorchError('INVALID_OPTION', 'a score of a ROC curve is NaN')
    let tied = 0
    for (end = start; end < order.length && scores[order[end]!] === score; end++) {
      tied += requireClass(truth[order[end]!]!, 2)
    }
    positives += tied
    rankSum += (tied * (start + 1 + end)) / 2
  }
  const negatives = truth.length - positives
  return positives === 0 || negatives === 0
    ? Number.NaN
    : (rankSum - (positives * (positives + 1)) / 2) / (positives * negatives)
}

function predictedWeight(matrix: ConfusionMatrix, column: number): number {
  return sum(matrix.map((row) => row[column]!))
}

function ratioOrZero(part: number, whole: number): number {
  return whole === 0 ? 0 : part / whole
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}

function requireLength(what: string, expected: number, received: number): void {
  if (expected === received) return
  throw new EegTorchError('SHAPE_MISMATCH', `${what} and true classes differ in number`, {
    expected: `${expected}`,
    received: `${received}`,
  })
}

function requireClass(value: number, classes: number): number {
  if (Number.isInteger(value) && value >= 0 && value < classes) return value
  throw new EegTorchError('INVALID_OPTION', 'a class is out of range', {
    expected: `a whole number from 0 to ${classes - 1}`,
    received: `${value}`,
  })
}
