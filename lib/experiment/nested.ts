import type { EegWindows } from '../datasets/windows.ts'
import { EegTorchError } from '../errors.ts'
import type { Prediction } from '../evaluation/predictions.ts'
import { type NestedSplit, nestedSplits, type Protocol } from '../evaluation/protocols.ts'
import { type Split, shapingWindows } from '../evaluation/split.ts'
import { type EvaluationSummary, summarisePredictions } from '../evaluation/summary.ts'
import type { ModelName } from '../models/configs.generated.ts'
import type { ModelFactory } from '../models/models.ts'
import { type CrossValidateOptions, seedList } from './cross-validate-options.ts'
import { trainSplit } from './train-fold.ts'

/** How to train candidates: as {@link crossValidate}, but for what choosing decides itself or has no place for. */
export type CandidateOptions = Omit<
  CrossValidateOptions,
  | 'leaveOut'
  | 'folds'
  | 'protocol'
  | 'splits'
  | 'validation'
  | 'seeds'
  | 'store'
  | 'baselines'
  | 'permutations'
  | 'retrainings'
  | 'controls'
  | 'report'
>

/** One of the networks, or settings of a network, to choose among. */
export interface Candidate<N extends ModelName = ModelName> {
  name: string
  factory: ModelFactory<N>
  /** What differs from the options of all. */
  options?: Partial<CandidateOptions>
}

/** How to choose and test. */
export interface NestedOptions extends CandidateOptions {
  /** What is tested. */
  outer: Protocol
  /** How candidates are scored inside each outer training part. */
  inner: Protocol
  /** Trainings of the chosen candidate per outer fold. Candidates are scored with the first of these seeds. */
  seeds?: number | readonly number[]
}

/** What was chosen in one outer fold, and by which scores. */
export interface NestedChoice {
  fold: string
  chosen: string
  /** Accuracy of each candidate over the inner test parts. */
  scores: Record<string, number>
}

/** The score of the whole procedure, choosing included. */
export interface NestedResult {
  summary: EvaluationSummary
  choices: NestedChoice[]
  predictions: Prediction[]
}

/**
 * Nested cross-validation: in each outer fold candidates are scored on inner folds of what it does not test, the best (the first of equals) is trained on
 * all of that, and the outer test part is looked at once. What comes out is the score of choosing and training together. A validation part that the protocol
 * names chooses the epochs of candidates that stop early or watch the accuracy; all others are trained on it, too.
 *
 * @throws EegTorchError `INVALID_OPTION` for no candidates or equal names, and those of {@link crossValidate}
 */
export async function nestedCrossValidate(
  candidates: readonly Candidate[],
  windows: EegWindows,
  { outer, inner, seeds = 1, ...options }: NestedOptions,
): Promise<NestedResult> {
  requireCandidates(candidates)
  const list = seedList(seeds)
  const predictions: Prediction[] = []
  const choices: NestedChoice[] = []
  for (const [fold, split] of nestedSplits(windows, { outer, inner }).entries()) {
    const scores = new Map<Candidate, number>()
    for (const candidate of candidates)
      scores.set(candidate, await scoreInside(candidate, windows, split, list[0]!, options))
    const chosen = candidates.reduce((best, next) => (scores.get(next)! > scores.get(best)! ? next : best))
    const named = candidates.map((candidate) => [candidate.name, scores.get(candidate)!])
    choices.push({ fold: split.name, chosen: chosen.name, scores: Object.fromEntries(named) })
    for (const seed of list) {
      for (const answer of await answers(chosen, windows, split, { fold, seed }, options)) predictions.push(answer)
    }
  }
  const summary = summarisePredictions(predictions, { classes: windows.classNames.length })
  return { summary, choices, predictions }
}

async function scoreInside(
  candidate: Candidate,
  windows: EegWindows,
  { inner }: NestedSplit,
  seed: number,
  options: CandidateOptions,
): Promise<number> {
  const given: Prediction[] = []
  for (const [fold, split] of inner.entries()) {
    for (const answer of await answers(candidate, windows, split, { fold, seed }, options)) given.push(answer)
  }
  return summarisePredictions(given, { classes: windows.classNames.length }).accuracy.mean
}

async function answers(
  { factory, options: own }: Candidate,
  windows: EegWindows,
  split: Split,
  place: { fold: number; seed: number },
  options: CandidateOptions,
): Promise<Prediction[]> {
  const all = { ...options, ...own }
  const needsValidation = all.earlyStopping !== undefined || all.monitor === 'accuracy'
  const { predictions } = await trainSplit(factory, windows, needsValidation ? split : joined(split), place, all)
  return predictions
}

/** Validation windows are trained on, too. */
function joined(split: Split): Split {
  const { name, train, validation, test } = split
  return { name, train: validation === undefined ? train : shapingWindows(split).sort((a, b) => a - b), test }
}

function requireCandidates(candidates: readonly Candidate[]): void {
  const names = new Set(candidates.map(({ name }) => name))
  if (names.size > 0 && names.size === candidates.length) return
  throw new EegTorchError('INVALID_OPTION', 'there is nothing to choose among', {
    option: 'candidates',
    expected: 'candidates, each with a name of its own',
    received: candidates.map(({ name }) => name).join(', ') || 'none',
  })
}
