import { EegTorchError } from '../errors.ts'
import { groupBy } from './group-by.ts'
import { type ClassificationMetrics, type ClassMetrics, classificationMetrics, confusionMatrix } from './metrics.ts'
import { type Prediction, trialKey } from './predictions.ts'
import { type RocArea, rocArea } from './roc-area.ts'
import { binomialTest, chanceLevel, clopperPearson, mean, standardDeviation } from './statistics.ts'

/** The accuracy of a run with what is needed to judge it. */
export interface AccuracySummary {
  /** Share of right answers, each trial weighing the same. */
  mean: number
  /** Lower end of the exact interval. */
  low: number
  /** Upper end of the exact interval. */
  high: number
  /** What the best constant answer scores on the same trials: the share of the most frequent class. */
  chance: number
  /** What guessing among all classes alike scores: one over their number. Never above `chance`. */
  uniformChance: number
  /** Exact one-sided binomial p-value against `chance`. */
  p: number
  /** Number of distinct trials tested. Seeds never add to it. */
  n: number
  /** Standard deviation over the seeds, each pooled over its folds. */
  deviation: number
  seeds: number
  /** Confidence of the interval, 0.95 by default. */
  confidence: number
}

/** Mean and standard deviation of a figure over seeds. */
export interface Figure {
  mean: number
  deviation: number
}

/** Figures of one group of trials: everything, a subject or a fold. */
export interface GroupSummary {
  accuracy: AccuracySummary
  balancedAccuracy: Figure
  kappa: Figure
  macroF1: Figure
  /** Area under the ROC curve, taken within each fold and averaged; only for two classes with probabilities. */
  rocAuc?: RocArea
  perClass: ClassMetrics[]
  /** Mean confusion matrix over seeds; its entries sum to the number of trials. */
  confusion: number[][]
}

/** A whole run: pooled over trials, by subject, by fold and by seed. */
export interface EvaluationSummary extends GroupSummary {
  bySubject: (GroupSummary & { subject: string })[]
  byFold: (GroupSummary & { fold: number })[]
  bySeed: { seed: number; accuracy: number }[]
}

/** How {@link summarisePredictions} scores. */
export interface SummaryOptions {
  /** Number of classes. */
  classes: number
  /** Confidence of the intervals; 0.95 by default. */
  confidence?: number
}

/**
 * Scores a run, pooled over trials, by subject and by fold.
 *
 * A trial counts once, however many seeds, windows or folds answered it: its share of right answers is averaged first, and
 * the interval and the p-value are those of `n` trials. The shares add up to a count of right trials; where it is not whole,
 * it is rounded down for the lower end and the p-value, and up for the upper end. That is on the safe side: a sum of
 * independent shares between 0 and 1 is never more spread than the binomial count of the same mean (Hoeffding 1956).
 * The deviation over seeds is given beside it, as it tells another thing: how much the start weights matter.
 *
 * @throws EegTorchError `INVALID_OPTION` for no predictions or a trial with two true classes
 */
export function summarisePredictions(predictions: readonly Prediction[], options: SummaryOptions): EvaluationSummary {
  if (predictions.length === 0) throw new EegTorchError('INVALID_OPTION', 'there is no prediction to score')
  const bySeed = groupBy(predictions, (p) => p.seed)
  return {
    ...summariseGroup(predictions, options),
    bySubject: [...groupBy(predictions, (p) => p.subject)].map(([subject, group]) => ({
      subject,
      ...summariseGroup(group, options),
    })),
    byFold: [...groupBy(predictions, (p) => p.fold)]
      .sort(([a], [b]) => a - b)
      .map(([fold, group]) => ({ fold, ...summariseGroup(group, options) })),
    bySeed: [...bySeed].map(([seed, group]) => ({ seed, accuracy: seedMetrics(group, options.classes).accuracy })),
  }
}

function summariseGroup(predictions: readonly Prediction[], { classes, confidence }: SummaryOptions): GroupSummary {
  const seeds = [...groupBy(predictions, (p) => p.seed).values()]
  const metrics = seeds.map((seed) => seedMetrics(seed, classes))
  const confusion = meanMatrix(seeds.map((seed) => seedMatrix(seed, classes)))
  const area = classes === 2 ? rocArea(predictions, confidence) : undefined
  const over = (figure: (m: ClassificationMetrics) => number) => meanAndDeviation(metrics.map(figure))
  return {
    accuracy: summariseAccuracy(predictions, classes, confidence),
    balancedAccuracy: over((m) => m.balancedAccuracy),
    kappa: over((m) => m.kappa),
    macroF1: over((m) => m.macroF1),
    ...(area && { rocAuc: area }),
    perClass: classificationMetrics(confusion).perClass,
    confusion,
  }
}

function summariseAccuracy(predictions: readonly Prediction[], classes: number, confidence = 0.95): AccuracySummary {
  const trials = [...groupBy(predictions, trialKey).values()]
  const counts = new Array<number>(classes).fill(0)
  for (const trial of trials) counts[trueClass(trial)]!++
  const seeds = [...groupBy(predictions, (p) => p.seed).values()].map((seed) => seedMetrics(seed, classes).accuracy)
  const right = trials.reduce((total, trial) => total + shareRight(trial), 0)
  const [n, chance] = [trials.length, chanceLevel(counts)]
  const [atLeast, atMost] = [Math.floor(right + 1e-9), Math.ceil(right - 1e-9)]
  return {
    mean: right / n,
    low: clopperPearson(atLeast, n, confidence).low,
    high: clopperPearson(atMost, n, confidence).high,
    chance,
    uniformChance: 1 / classes,
    p: binomialTest(atLeast, n, chance),
    n,
    deviation: standardDeviation(seeds),
    seeds: seeds.length,
    confidence,
  }
}

function seedMetrics(predictions: readonly Prediction[], classes: number): ClassificationMetrics {
  return classificationMetrics(seedMatrix(predictions, classes))
}

/** Confusion matrix of one seed in which each trial weighs 1, shared by its windows. */
function seedMatrix(predictions: readonly Prediction[], classes: number): number[][] {
  const perTrial = groupBy(predictions, trialKey)
  return confusionMatrix(
    predictions.map((p) => p.truth),
    predictions.map((p) => p.predicted),
    classes,
    predictions.map((p) => 1 / perTrial.get(trialKey(p))!.length),
  )
}

function meanAndDeviation(values: readonly number[]): Figure {
  const known = values.filter(Number.isFinite)
  return { mean: mean(known), deviation: standardDeviation(known) }
}

function meanMatrix(matrices: readonly number[][][]): number[][] {
  return matrices[0]!.map((row, i) => row.map((_, j) => mean(matrices.map((m) => m[i]![j]!))))
}

/** Mean over seeds of the share of a trial's windows that were answered right. */
function shareRight(trial: readonly Prediction[]): number {
  const seeds = [...groupBy(trial, (p) => p.seed).values()]
  return mean(seeds.map((windows) => mean(windows.map((p) => (p.predicted === p.truth ? 1 : 0)))))
}

/** Each trial's share of right answers over seeds and windows, by subject and name. */
export function trialShares(predictions: readonly Prediction[]): Map<string, number> {
  return new Map([...groupBy(predictions, trialKey)].map(([key, trial]) => [key, shareRight(trial)]))
}

function trueClass(trial: readonly Prediction[]): number {
  const [first] = trial
  const other = trial.find((p) => p.truth !== first!.truth)
  if (other === undefined) return first!.truth
  throw new EegTorchError('INVALID_OPTION', `trial ${first!.trial} of ${first!.subject} has two true classes`, {
    expected: `class ${first!.truth} everywhere`,
    received: `class ${other.truth}`,
  })
}
