import type { EegWindows } from '../datasets/windows.ts'
import { EegTorchError } from '../errors.ts'
import { groupBy } from '../evaluation/group-by.ts'
import { assertNoLeak } from '../evaluation/leaks.ts'
import { type Prediction, trialKey } from '../evaluation/predictions.ts'
import { rocArea } from '../evaluation/roc-area.ts'
import { type Split, shapingWindows } from '../evaluation/split.ts'
import { mean } from '../evaluation/statistics.ts'
import { trialShares } from '../evaluation/summary.ts'
import { Random } from '../random.ts'
import { type BaselineDecoder, decodeFeatures, extractFeatures } from './baselines.ts'
import { repeat } from './repeat.ts'

/** A score against what it is where labels mean nothing. */
export interface PermutationTest {
  statistic: 'accuracy' | 'ROC area'
  observed: number
  /** Mean over the permutations. */
  nullMean: number
  /** What 95 % of the permutations do not exceed. */
  nullHigh: number
  permutations: number
  /** Share of the permutations, the observed labels among them, that score as high. */
  p: number
}

/** How often, and from which seed. */
export interface PermutationOptions {
  /** Default 1000. */
  permutations?: number
  /** Default 0. */
  seed?: number
  signal?: AbortSignal | undefined
}

/** What a trial was answered, over all seeds and windows. */
interface AnsweredTrial {
  truth: number
  /** Share of the answers that named each class. */
  shares: number[]
  /** Mean over seeds of its rank in its fold by the score of class 1, where there are scores. */
  rank: number
}

/**
 * Holds answers against labels that are shuffled within blocks: trials of one subject that one fold tested. Networks stay as they are, so that the test asks
 * whether the answers follow the labels, under no other assumption than that trials of a block could have come in any order. Where labels come
 * in runs of one class they could not: then leave whole recordings out.
 *
 * @param predictions answers of one model; a trial that several seeds or windows answered counts once
 * @returns a test of the accuracy and, for two classes with probabilities, of the area under the ROC curve
 * @throws EegTorchError `INVALID_OPTION` for no predictions or a number of permutations that is none
 */
export async function permutationTest(
  predictions: readonly Prediction[],
  { permutations = 1000, seed = 0, signal }: PermutationOptions = {},
): Promise<PermutationTest[]> {
  requireCount('permutations', permutations)
  if (predictions.length === 0) throw new EegTorchError('INVALID_OPTION', 'there is no prediction to test')
  const blocks = [...groupBy(predictions, ({ subject, fold }) => `${fold} ${subject}`).values()]
  const folds = new Map<number, AnsweredTrial[][]>()
  const ranks = rankTrials(predictions)
  for (const block of blocks) {
    const trials = [...groupBy(block, trialKey)].map(([key, own]) =>
      answered(own, ranks?.get(`${own[0]!.fold} ${key}`)),
    )
    folds.set(block[0]!.fold, [...(folds.get(block[0]!.fold) ?? []), trials])
  }
  const random = new Random(seed)
  const labels = (shuffle: boolean) =>
    [...folds.values()].map((parts) =>
      parts.flatMap((trials) => {
        const truth = trials.map((trial) => trial.truth)
        const told = shuffle ? random.shuffle(truth) : truth
        return trials.map((trial, i) => ({ ...trial, truth: told[i]! }))
      }),
    )
  const draws = await repeat(permutations, () => scoresOf(labels(true)), signal)
  return testsOf(scoresOf(labels(false)), draws)
}

/** Observed answers of a decoder, and how often to train it anew. */
export interface RetrainingOptions {
  /** Default 100. */
  retrainings?: number
  /** Default 0. */
  seed?: number
  signal?: AbortSignal | undefined
}

/**
 * Trains a classical decoder anew on training labels that are shuffled, and tests each on the true labels: what the whole procedure scores where
 * training can teach nothing. Labels are shuffled among the trials of a recording; among all training trials where recordings hold one class.
 *
 * @throws EegTorchError as {@link decodeFolds}; `INVALID_OPTION` for a number of retrainings that is none
 */
export async function retrainingTest(
  windows: EegWindows,
  splits: readonly Split[],
  decoder: BaselineDecoder,
  { retrainings = 100, seed = 0, signal }: RetrainingOptions = {},
): Promise<PermutationTest[]> {
  requireCount('retrainings', retrainings)
  for (const split of splits) assertNoLeak(windows, split)
  const random = new Random(seed, 77)
  const features = await extractFeatures(windows, (piece) => decoder.extract(piece))
  const score = async (shuffle: boolean) => {
    const predictions: Prediction[] = []
    for (const [fold, split] of splits.entries()) {
      const told = shuffle ? shuffleLabels(windows, shapingWindows(split), random) : windows
      const answers = await decodeFeatures(told, features, [split], decoder)
      for (const answer of answers) predictions.push({ ...answer, fold })
    }
    const area = windows.classNames.length === 2 ? rocArea(predictions)?.mean : undefined
    return { accuracy: mean([...trialShares(predictions).values()]), area }
  }
  const observed = await score(false)
  return testsOf(observed, await repeat(retrainings, () => score(true), signal))
}

/**
 * The same windows with the labels of some shuffled, trial by trial, within their recordings; among all of them where a recording holds one class, as
 * shuffling there would change nothing.
 */
export function shuffleLabels(windows: EegWindows, indices: readonly number[], random: Random): EegWindows {
  const trials = [
    ...groupBy(indices, (index) => `${windows.origins[index]!.recording} ${windows.trial(index)}`).values(),
  ]
  const byRecording = [...groupBy(trials, ([first]) => windows.origins[first!]!.recording).values()]
  const labelOf = ([first]: readonly number[]) => windows.labels[first!]!
  const isMixed = byRecording.every((own) => new Set(own.map(labelOf)).size > 1)
  const origins = [...windows.origins]
  for (const group of isMixed ? byRecording : [trials]) {
    const labels = random.shuffle(group.map(labelOf))
    for (const [i, trial] of group.entries()) {
      for (const index of trial) origins[index] = { ...origins[index]!, label: labels[i]! }
    }
  }
  return windows.with({ origins })
}

function answered(predictions: readonly Prediction[], rank = Number.NaN): AnsweredTrial {
  const classes = Math.max(...predictions.map(({ truth, predicted }) => Math.max(truth, predicted))) + 1
  const shares = new Array<number>(classes).fill(0)
  const seeds = [...groupBy(predictions, ({ seed }) => seed).values()]
  for (const windows of seeds) {
    for (const { predicted } of windows) shares[predicted]! += 1 / windows.length / seeds.length
  }
  return { truth: predictions[0]!.truth, shares, rank }
}

/** Mean rank of each trial in its fold over seeds, ties sharing theirs: the area under the curve is linear in it. Undefined without probabilities. */
function rankTrials(predictions: readonly Prediction[]): Map<string, number> | undefined {
  if (predictions.some(({ probabilities, truth }) => probabilities?.length !== 2 || truth > 1)) return undefined
  const ranks = new Map<string, number[]>()
  for (const group of groupBy(predictions, ({ fold, seed }) => `${fold} ${seed}`).values()) {
    const trials = [...groupBy(group, trialKey)].map(([key, own]) => ({
      key: `${own[0]!.fold} ${key}`,
      score: mean(own.map(({ probabilities }) => probabilities![1]!)),
    }))
    trials.sort((a, b) => a.score - b.score)
    for (let start = 0, end = 0; start < trials.length; start = end) {
      for (end = start; end < trials.length && trials[end]!.score === trials[start]!.score; ) end++
      for (const { key } of trials.slice(start, end)) ranks.set(key, [...(ranks.get(key) ?? []), (start + 1 + end) / 2])
    }
  }
  return new Map([...ranks].map(([key, own]) => [key, mean(own)]))
}

interface Scores {
  accuracy: number
  area: number | undefined
}

function scoresOf(folds: readonly (readonly AnsweredTrial[])[]): Scores {
  const all = folds.flat()
  const areas = folds.map(areaOf).filter(Number.isFinite)
  return {
    accuracy: mean(all.map(({ truth, shares }) => shares[truth] ?? 0)),
    area: areas.length === 0 ? undefined : mean(areas),
  }
}

/** The Mann-Whitney statistic from ranks. */
function areaOf(trials: readonly AnsweredTrial[]): number {
  const positives = trials.filter(({ truth }) => truth === 1)
  const [m, n] = [positives.length, trials.length - positives.length]
  if (m === 0 || n === 0) return Number.NaN
  return (positives.reduce((sum, { rank }) => sum + rank, 0) - (m * (m + 1)) / 2) / (m * n)
}

function testsOf(observed: Scores, draws: readonly Scores[]): PermutationTest[] {
  const accuracy = testOf(
    'accuracy',
    observed.accuracy,
    draws.map((draw) => draw.accuracy),
  )
  if (observed.area === undefined) return [accuracy]
  return [
    accuracy,
    testOf(
      'ROC area',
      observed.area,
      draws.map((draw) => draw.area ?? Number.NaN),
    ),
  ]
}

function testOf(statistic: PermutationTest['statistic'], observed: number, draws: number[]): PermutationTest {
  // Sums in another order may differ in their last bits.
  const asHigh = draws.filter((draw) => draw >= observed - 1e-12).length
  const sorted = [...draws].sort((a, b) => a - b)
  return {
    ...{ statistic, observed, permutations: draws.length },
    nullMean: mean(draws),
    nullHigh: sorted[Math.ceil(0.95 * sorted.length) - 1]!,
    p: (1 + asHigh) / (1 + draws.length),
  }
}

function requireCount(option: string, count: number): void {
  if (Number.isSafeInteger(count) && count >= 1) return
  throw new EegTorchError('INVALID_OPTION', `the number of ${option} is not usable`, {
    option,
    expected: 'a whole number, 1 or more',
    received: String(count),
  })
}
