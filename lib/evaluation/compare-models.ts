import { EegTorchError } from '../errors.ts'
import { comparePairs, type PairedComparison } from './paired-tests.ts'
import type { Prediction } from './predictions.ts'
import type { RocArea } from './roc-area.ts'
import { mean, standardDeviation } from './statistics.ts'
import { type AccuracySummary, type Figure, type SummaryOptions, summarisePredictions, trialShares } from './summary.ts'

/** With fewer pairs no outcome of a two-sided signed-rank test lies below 0.05. */
const FEWEST_SUBJECTS = 6

/** A model with its answers, of all subjects, folds and seeds. */
export interface ModelAnswers {
  name: string
  predictions: readonly Prediction[]
}

/** How one model did. */
export interface ModelScore {
  name: string
  /** Pooled over trials, each weighing the same; its deviation is over seeds. */
  accuracy: AccuracySummary
  /** Mean and standard deviation over subjects, each a mean over its seeds; the deviation is undefined for one subject. */
  subjects: { mean: number; deviation: number | undefined; n: number }
  /** Mean and standard deviation over seeds, each pooled over trials; the deviation is undefined for one seed. */
  seeds: { mean: number; deviation: number | undefined; n: number }
  balancedAccuracy: Figure
  kappa: Figure
  macroF1: Figure
  /** Only for two classes with probabilities. */
  rocAuc?: RocArea
  bySubject: { subject: string; accuracy: number; trials: number }[]
}

/** Several models on the same trials. */
export interface ModelComparison {
  scores: ModelScore[]
  /** What pairs are: subjects where there are six or more, else trials. */
  unit: 'subject' | 'trial'
  pairs: PairedComparison[]
}

/**
 * Scores several models that answered the same trials, and tests each two against each other. Pairs are subjects where there are six or more: then p-values
 * speak of people like them. With fewer, pairs are trials, and p-values speak of further trials of these people alone.
 *
 * @throws EegTorchError `INVALID_OPTION` for models that answered different trials
 */
export function compareModels(models: readonly ModelAnswers[], options: SummaryOptions): ModelComparison {
  const scores = models.map((model) => scoreModel(model, options))
  const shares = models.map(({ predictions }) => trialShares(predictions))
  for (const [i, share] of shares.entries()) requireSameTrials(shares[0]!, share, models[0]!.name, models[i]!.name)
  const subjects = scores[0]?.bySubject.map(({ subject }) => subject) ?? []
  const unit = subjects.length >= FEWEST_SUBJECTS ? 'subject' : 'trial'
  const units = scores.map(({ name, bySubject }, i): [string, number[]] => [
    name,
    unit === 'subject'
      ? subjects.map((subject) => bySubject.find((own) => own.subject === subject)!.accuracy)
      : [...shares[0]!.keys()].map((trial) => shares[i]!.get(trial)!),
  ])
  return { scores, unit, pairs: comparePairs(new Map(units)) }
}

function scoreModel({ name, predictions }: ModelAnswers, options: SummaryOptions): ModelScore {
  const { accuracy, balancedAccuracy, kappa, macroF1, rocAuc, bySeed, ...summary } = summarisePredictions(
    predictions,
    options,
  )
  const bySubject = summary.bySubject.map(({ subject, accuracy: own }) => ({
    subject,
    accuracy: own.mean,
    trials: own.n,
  }))
  const spread = (values: readonly number[]) => ({
    mean: mean(values),
    deviation: values.length > 1 ? standardDeviation(values) : undefined,
    n: values.length,
  })
  return {
    name,
    accuracy,
    balancedAccuracy,
    kappa,
    macroF1,
    ...(rocAuc && { rocAuc }),
    bySubject,
    subjects: spread(bySubject.map((own) => own.accuracy)),
    seeds: spread(bySeed.map((own) => own.accuracy)),
  }
}

function requireSameTrials(
  a: ReadonlyMap<string, number>,
  b: ReadonlyMap<string, number>,
  nameA: string,
  nameB: string,
) {
  const missing = [...a.keys()].find((trial) => !b.has(trial)) ?? [...b.keys()].find((trial) => !a.has(trial))
  if (missing === undefined) return
  throw new EegTorchError('INVALID_OPTION', `${nameA} and ${nameB} cannot be compared`, {
    expected: 'models that answered the same trials',
    received: `${missing.replace('\u0000', ', ')} of one of them alone`,
  })
}
