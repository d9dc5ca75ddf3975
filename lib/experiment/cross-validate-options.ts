import type { BaselineDecoder } from '../decoders/baselines.ts'
import type { ControlName } from '../decoders/controls.ts'
import { EegTorchError } from '../errors.ts'
import type { Prediction } from '../evaluation/predictions.ts'
import type { Protocol } from '../evaluation/protocols.ts'
import type { GroupBy, Split } from '../evaluation/split.ts'
import type { OpeningsStore } from '../evaluation/test-ledger.ts'
import type { FitOptions, TrainingStore } from '../training/fit.ts'
import type { LearningCurve } from '../training/learning-curve.ts'
import type { FoldScaling } from './prepare-fold.ts'

/** Which training of a cross-validation: numbers from 0. */
export interface TrainingPlace {
  fold: number
  seed: number
  /** Position in the order of work. */
  index: number
}

/** What one training of a cross-validation gave. */
export interface TrainingOutcome {
  curve: LearningCurve
  /** Answers to the test windows. */
  predictions: Prediction[]
}

/** Keeps a cross-validation, so that it can go on after being killed; `RunFolder` is the usual one. */
export interface CrossValidationStore extends OpeningsStore {
  /** The outcome of a training that is over, or undefined. */
  readOutcome(place: TrainingPlace): Promise<TrainingOutcome | undefined>
  /** Where that outcome is kept, for errors. */
  outcomeFile?(place: TrainingPlace): string | undefined
  writeOutcome(place: TrainingPlace, outcome: TrainingOutcome): Promise<void>
  /** Where a training keeps its state; `description` goes into its weights files. Undefined where another process keeps it. */
  trainingStore(place: TrainingPlace, description: Record<string, unknown>): TrainingStore | undefined
}

/** How to cross-validate. */
export interface CrossValidateOptions
  extends FoldScaling,
    Omit<FitOptions, 'validation' | 'store' | 'seed' | 'onEpoch' | 'onStep' | 'loss'> {
  /** What one fold leaves out for testing: each subject, session, run or trial in turn. */
  leaveOut?: GroupBy
  /** Number of folds, in place of `leaveOut`. Trials are dealt class by class. */
  folds?: number
  /** A protocol that is more than these: within each subject, across sessions, blocks of time. */
  protocol?: Protocol
  /** Splits of one's own, in place of all these; refused if one leaks. */
  splits?: readonly Split[]
  /** Refuse splits in which two parts share a stimulus, and cut validation by stimuli. Split by stimulus, it is always so. */
  stimuliApart?: boolean
  /** How many trainings per fold, with seeds 0, 1, ...; or the seeds. Default 1. */
  seeds?: number | readonly number[]
  /** Share of the training trials to stop early by and choose the best epoch with. Default: none, the last epoch counts. */
  validation?: number
  /** Options of the model besides its sizes, which follow from the windows. */
  model?: Readonly<Record<string, unknown>>
  /** Default cross entropy, with the class weights and label smoothing beside. */
  loss?: 'crossEntropy' | 'focal'
  labelSmoothing?: number
  /** Weights in the loss: `balanced` from the training part of each fold, or one per class. */
  classWeights?: 'balanced' | readonly number[]
  /** Classical decoders on the same folds: which, each of another name, or whether those of imagined movement. Default true. */
  baselines?: boolean | readonly BaselineDecoder[]
  /** Shufflings of the labels to hold the answers of the network and of the decoders against. Default: none. */
  permutations?: number
  /** Trainings of each classical decoder on shuffled labels. Default: none, or 20 where `controls` names `shuffled`. */
  retrainings?: number
  /** What else the same windows tell: block, time, and the class after training on shuffled labels. Default: what the card of the data set asks for. */
  controls?: readonly ControlName[]
  /** A file of weights to start each training from: those that fit by name and shape, at least one; the others start at random. */
  startFrom?: string
  store?: CrossValidationStore
  onProgress?: (place: TrainingPlace, state: FoldProgress) => void
  /** For the report: heading, how the windows were made in words, every option as given, the command. */
  report?: {
    title?: string
    preparation?: string
    configuration?: Record<string, unknown>
    command?: string
    from?: number
  }
}

/** Where one training of a cross-validation is. */
export interface FoldProgress {
  folds: number
  seeds: number
  epoch: number
  step: number
  steps: number
  loss?: number
  validation?: number
  /** Set when an epoch has ended. */
  figures?: LearningCurve['epochs'][number]
}

/** The seeds that are asked for. @throws EegTorchError `INVALID_OPTION` */
export function seedList(seeds: number | readonly number[]): readonly number[] {
  const isCount = typeof seeds === 'number' && Number.isInteger(seeds) && seeds > 0
  const list = typeof seeds !== 'number' ? seeds : isCount ? Array.from({ length: seeds }, (_, i) => i) : []
  const isDifferent = new Set(list).size === list.length
  if (list.length > 0 && isDifferent && list.every((seed) => Number.isSafeInteger(seed) && seed >= 0)) return list
  throw new EegTorchError('INVALID_OPTION', 'the seeds are not usable', {
    option: 'seeds',
    expected: 'a count, 1 or more, or a list of different whole numbers',
    received: String(seeds),
  })
}
