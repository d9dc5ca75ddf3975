import { groupBy } from './group-by.ts'
import { rocAuc } from './metrics.ts'
import { type Prediction, trialKey } from './predictions.ts'
import { normalQuantile } from './special-functions.ts'
import { type Interval, mean, standardDeviation } from './statistics.ts'

/** Area under the ROC curve with its interval. */
export interface RocArea extends Interval {
  mean: number
  /** Standard deviation over seeds. */
  deviation: number
}

/** Trials of one fold and seed: class 0 or 1, and the mean score of the trial's windows. */
interface ScoredTrials {
  keys: string[]
  truth: number[]
  scores: number[]
}

/** What one fold tells: its area for each seed, and how far each trial was rightly ranked, as a mean over seeds. */
interface FoldArea {
  areas: Map<number, number>
  positives: number[]
  negatives: number[]
}

/**
 * Area under the ROC curve of two classes, taken within each fold, for scores of two networks are not comparable, and averaged over folds and seeds.
 *
 * The interval is that of DeLong et al. (1988) on the logit scale. Each trial enters with its mean over windows and seeds, so that neither makes the
 * interval narrower. Where a fold has a single trial of a class, or everything is ranked alike, there is no spread to measure: the interval is then the
 * score interval of Newcombe (2006, method 5), whose variance is that of Hanley and McNeil.
 *
 * @returns undefined without a fold that has probabilities and both classes
 */
export function rocArea(predictions: readonly Prediction[], confidence = 0.95): RocArea | undefined {
  const folds = [...groupBy(predictions, ({ fold }) => fold).values()].flatMap((fold) => foldArea(fold) ?? [])
  if (folds.length === 0) return undefined
  const seeds = [...new Set(folds.flatMap(({ areas }) => [...areas.keys()]))]
  const bySeed = seeds.map((seed) => mean(folds.flatMap(({ areas }) => areas.get(seed) ?? [])))
  const area = mean(bySeed)
  return {
    mean: area,
    deviation: standardDeviation(bySeed),
    ...interval(area, folds, normalQuantile(0.5 + confidence / 2)),
  }
}

function foldArea(predictions: readonly Prediction[]): FoldArea | undefined {
  if (predictions.some(({ probabilities }) => probabilities === undefined)) return undefined
  const seeds = [...groupBy(predictions, ({ seed }) => seed)].map(([seed, answers]) => ({
    seed,
    ...scoreTrials(answers),
  }))
  if (seeds.some(({ truth }) => new Set(truth).size < 2)) return undefined
  const ranks = new Map<string, { truth: number; shares: number[] }>()
  for (const trials of seeds) {
    for (const [i, share] of rankShares(trials).entries()) {
      const own = ranks.get(trials.keys[i]!) ?? { truth: trials.truth[i]!, shares: [] }
      own.shares.push(share)
      ranks.set(trials.keys[i]!, own)
    }
  }
  const sharesOf = (wanted: number) =>
    [...ranks.values()].filter(({ truth }) => truth === wanted).map(({ shares }) => mean(shares))
  return {
    areas: new Map(seeds.map(({ seed, truth, scores }) => [seed, rocAuc(truth, scores)])),
    positives: sharesOf(1),
    negatives: sharesOf(0),
  }
}

function scoreTrials(predictions: readonly Prediction[]): ScoredTrials {
  const trials = [...groupBy(predictions, trialKey)]
  return {
    keys: trials.map(([key]) => key),
    truth: trials.map(([, windows]) => windows[0]!.truth),
    scores: trials.map(([, windows]) => mean(windows.map(({ probabilities }) => probabilities![1]!))),
  }
}

/** The share of the other class that each trial was rightly ranked against, ties one half: DeLong's structural components. */
function rankShares({ truth, scores }: ScoredTrials): number[] {
  const [negatives, positives] = [0, 1].map((wanted) =>
    Float64Array.from(scores.filter((_, i) => truth[i] === wanted)).sort(),
  )
  return scores.map((score, i) => {
    const against = truth[i] === 1 ? negatives! : positives!
    const [below, upTo] = [
      countBelow(against, (other) => other < score),
      countBelow(against, (other) => other <= score),
    ]
    const share = (below + upTo) / 2 / against.length
    return truth[i] === 1 ? share : 1 - share
  })
}

/** How many of some rising numbers pass, where those that pass come first. */
function countBelow(rising: Float64Array, passes: (value: number) => boolean): number {
  let [low, high] = [0, rising.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if (passes(rising[middle]!)) low = middle + 1
    else high = middle
  }
  return low
}

function interval(area: number, folds: readonly FoldArea[], quantile: number): Interval {
  const isMeasurable = folds.every(({ positives, negatives }) => positives.length > 1 && negatives.length > 1)
  const spread = Math.sqrt(folds.reduce((sum, fold) => sum + delongVariance(fold), 0)) / folds.length
  if (!isMeasurable || spread === 0 || area <= 0 || area >= 1) return scoreInterval(area, folds, quantile)
  const logit = Math.log(area / (1 - area))
  const reach = (quantile * spread) / (area * (1 - area))
  const [low, high] = [logit - reach, logit + reach].map((x) => 1 / (1 + Math.exp(-x)))
  return { low: low!, high: high! }
}

function delongVariance({ positives, negatives }: FoldArea): number {
  return [positives, negatives].reduce((sum, shares) => sum + standardDeviation(shares) ** 2 / shares.length, 0)
}

/** The areas from which the one found lies no further than their own standard errors allow. */
function scoreInterval(area: number, folds: readonly FoldArea[], quantile: number): Interval {
  const error = (theta: number) =>
    (quantile * Math.sqrt(folds.reduce((sum, fold) => sum + rankVariance(theta, fold), 0))) / folds.length
  return {
    low: area <= 0 ? 0 : bisect((theta) => area - theta - error(theta), 0, area),
    high: area >= 1 ? 1 : bisect((theta) => error(theta) - (theta - area), area, 1),
  }
}

/** Variance of an area of true value theta (Hanley and McNeil 1982, with Newcombe's mean class size). */
function rankVariance(theta: number, { positives, negatives }: FoldArea): number {
  const [m, n] = [positives.length, negatives.length]
  const more = (m + n) / 2 - 1
  const pairs = 1 + more * ((1 - theta) / (2 - theta) + theta / (1 + theta))
  return (theta * (1 - theta) * pairs) / (m * n)
}

/** Where a function goes from above zero to below. */
function bisect(f: (x: number) => number, low: number, high: number): number {
  let [a, b] = [low, high]
  for (let step = 0; step < 60; step++) {
    const middle = (a + b) / 2
    if (f(middle) > 0) a = middle
    else b = middle
  }
  return (a + b) / 2
}
