import { EegTorchError } from '../errors.ts'
import { inverseRegularisedBeta, normalQuantile, regularisedBeta } from './special-functions.ts'

/** Ends of a confidence interval of a proportion. */
export interface Interval {
  low: number
  high: number
}

/**
 * Exact one-sided binomial test: the probability of at least `correct` right answers in `trials` by guessing with success
 * probability `chance`. Equals `scipy.stats.binomtest(correct, trials, chance, 'greater').pvalue`.
 *
 * @param chance 1 where the trials are of one class: a constant answer is always right, and nothing can beat it
 * @throws EegTorchError `INVALID_OPTION` for counts that are no whole numbers or a chance outside 0 .. 1
 */
export function binomialTest(correct: number, trials: number, chance: number): number {
  requireCounts(correct, trials)
  if (chance === 1) return 1
  requireShare('chance', chance)
  return correct === 0 ? 1 : regularisedBeta(chance, correct, trials - correct + 1)
}

/**
 * Exact (Clopper-Pearson) confidence interval of a proportion: it covers the true one at least as often as promised.
 *
 * @param confidence e.g. 0.95
 * @throws EegTorchError `INVALID_OPTION` for counts that are no whole numbers or a confidence outside 0 .. 1
 */
export function clopperPearson(correct: number, trials: number, confidence = 0.95): Interval {
  requireCounts(correct, trials)
  requireShare('confidence', confidence)
  const half = (1 - confidence) / 2
  return {
    low: correct === 0 ? 0 : inverseRegularisedBeta(half, correct, trials - correct + 1),
    high: correct === trials ? 1 : 1 - inverseRegularisedBeta(half, trials - correct, correct + 1),
  }
}

/**
 * Wilson's score interval: narrower than the exact one, right on average. `correct` may be a fraction.
 *
 * @throws EegTorchError `INVALID_OPTION` for impossible counts, or a confidence that is not between 0 and 1
 */
export function wilsonInterval(correct: number, trials: number, confidence = 0.95): Interval {
  requireShare('confidence', confidence)
  if (!(trials > 0 && correct >= 0 && correct <= trials)) requireCounts(correct, trials)
  const z = normalQuantile(0.5 + confidence / 2)
  const [share, spread] = [correct / trials, (z * z) / trials]
  const centre = (share + spread / 2) / (1 + spread)
  const half = (z / (1 + spread)) * Math.sqrt((share * (1 - share) + spread / 4) / trials)
  return { low: Math.max(0, centre - half), high: Math.min(1, centre + half) }
}

/**
 * The level that a score has to beat: what the best constant answer gets, the share of the most frequent class among the
 * tested trials. With equal classes it is 1/k; with unequal ones 1/k would flatter, so it is never used there.
 */
export function chanceLevel(classCounts: readonly number[]): number {
  const total = classCounts.reduce((a, b) => a + b, 0)
  return total === 0 ? Number.NaN : Math.max(...classCounts) / total
}

export function mean(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0) / values.length
}

/** Standard deviation with n - 1 in the denominator; 0 for a single value, where there is none to see. */
export function standardDeviation(values: readonly number[]): number {
  if (values.length < 2) return 0
  const centre = mean(values)
  return Math.sqrt(values.reduce((total, value) => total + (value - centre) ** 2, 0) / (values.length - 1))
}

function requireCounts(correct: number, trials: number): void {
  const whole = Number.isSafeInteger(correct) && Number.isSafeInteger(trials)
  if (whole && trials > 0 && correct >= 0 && correct <= trials) return
  throw new EegTorchError('INVALID_OPTION', 'the counts of a binomial statistic are impossible', {
    expected: 'whole numbers 0 <= correct <= trials, trials > 0',
    received: `correct ${correct}, trials ${trials}`,
  })
}

function requireShare(option: string, value: number): void {
  if (value > 0 && value < 1) return
  throw new EegTorchError('INVALID_OPTION', `${option} is no proportion`, {
    expected: 'a number between 0 and 1',
    received: `${value}`,
    option,
  })
}
