import { openCheckpoint } from '../checkpoints/checkpoint.ts'
import { Standardiser } from '../datasets/standardise.ts'
import type { EegWindows } from '../datasets/windows.ts'
import type { Device } from '../dtype.ts'
import { EegTorchError } from '../errors.ts'
import { likeliestClasses, predictionsFor } from '../evaluation/predictions.ts'
import { requirePreparedAlike } from '../evaluation/preparation.ts'
import { recogniseSeen, type SeenProof, type SeenTrials, trialIdentity } from '../evaluation/seen-trials.ts'
import { type EvaluationSummary, summarisePredictions } from '../evaluation/summary.ts'
import { models } from '../models/models.ts'
import type { StoredPipeline } from '../preprocessing/fitted-pipeline.ts'
import { Pipeline } from '../preprocessing/pipeline.ts'
import { classifierOf } from '../regimes/variational.ts'
import { DataLoader } from '../training/data-loader.ts'
import { predictProbabilities } from '../training/evaluate.ts'
import { loss, optim } from '../training/options.ts'
import { createTrainStep } from '../training/train-step.ts'
import { requireFinite } from './finite-windows.ts'

/** What a checkpoint of `eegtorch train` tells of how it was made. */
export interface TrainedOn extends SeenTrials {
  model: string
  classes: string[]
  channels: string[]
  samplingRate: number
  standardise?: ReturnType<Standardiser['toJSON']>
  /** The preprocessing with what it learned from the training windows; absent in older checkpoints. */
  pipeline?: StoredPipeline
  /** Options of the run. */
  run: Record<string, unknown>
}

/** Scores of a checkpoint on windows that it has not seen. */
export interface CheckpointEvaluation {
  summary: EvaluationSummary
  /** Windows that were scored. */
  windows: number
  /** Windows left out, because the network was trained on them. */
  seen: number
  /** How the windows were held against those that it was trained on. */
  proof: SeenProof
  /** What could not be made sure of, one sentence each. */
  warnings: string[]
}

/** Options of {@link evaluateCheckpoint}. */
export interface EvaluateOptions {
  /** Default 64. */
  batchSize?: number
  /** Where the network answers; default `cpu`. */
  device?: Device
  /** Called when windows are about to be answered: the place to count a look at them. */
  onTest?: () => void
}

/**
 * Reads how a network was trained, from its checkpoint.
 *
 * @throws EegTorchError `CHECKPOINT_MISMATCH` for weights that do not tell
 */
export function readTrainedOn(file: string): TrainedOn {
  const metadata = openCheckpoint(file).metadata as Partial<TrainedOn>
  const needed = ['model', 'classes', 'channels', 'samplingRate', 'seen', 'run'] as const
  const missing = needed.find((key) => metadata[key] === undefined)
  if (missing === undefined) return metadata as TrainedOn
  throw new EegTorchError('CHECKPOINT_MISMATCH', 'does not tell how it was trained', {
    file,
    expected: 'a checkpoint that eegtorch train wrote',
    received: `one without ${missing}`,
  })
}

/**
 * Scores a trained network on windows. Those that it was trained on, or chosen by, are left out: a score on them would say nothing.
 *
 * @throws EegTorchError `SHAPE_MISMATCH` for other channels or another rate, `INVALID_OPTION` for other classes or windows that were
 *   prepared otherwise, `SPLIT_LEAKS` where the network has seen every window, `FILE_INVALID` for samples that are no numbers, before the windows are looked at
 */
export async function evaluateCheckpoint(
  file: string,
  windows: EegWindows,
  { batchSize = 64, device = 'cpu', onTest }: EvaluateOptions = {},
): Promise<CheckpointEvaluation> {
  const told = readTrainedOn(file)
  requirePreparedAlike(windows, told.preparedBy, file)
  const isSame = (told.preparedBy ?? told.pipeline) !== undefined && windows.pipeline !== undefined
  const { seen, proof, warnings } = await recogniseSeen(windows, told, isSame)
  const scaled = await scaleAsTrained(file, windows, told)
  checkWindows(file, scaled, told)
  const fresh = [...scaled.labels.keys()].filter((index) => !seen.has(trialIdentity(scaled, index)))
  if (fresh.length === 0) {
    throw new EegTorchError('SPLIT_LEAKS', 'the network was trained on every one of these windows', {
      file,
      expected: 'recordings that it has not seen',
      received: `${windows.length} windows that it has`,
    })
  }
  await requireFinite(scaled, { indices: fresh })
  onTest?.()
  const probabilities = await predict(file, scaled.subset(fresh), { batchSize, device })
  const predicted = likeliestClasses(scaled, fresh, probabilities)
  const predictions = predictionsFor(scaled, fresh, { fold: 0, seed: 0, predicted, probabilities })
  return {
    summary: summarisePredictions(predictions, { classes: windows.classNames.length }),
    windows: fresh.length,
    seen: scaled.length - fresh.length,
    proof,
    warnings: [...preprocessingDoubts(windows, told), ...warnings],
  }
}

/** The steps that learned from the training windows, over windows that the others have made. */
async function scaleAsTrained(file: string, windows: EegWindows, told: TrainedOn): Promise<EegWindows> {
  if (told.pipeline !== undefined) return Pipeline.restore(told.pipeline, file).finish(windows)
  if (told.standardise === undefined) return windows
  checkWindows(file, windows, told)
  return Standardiser.fromJSON(told.standardise).apply(windows)
}

function preprocessingDoubts({ pipeline: made }: EegWindows, { pipeline, preparedBy }: TrainedOn): string[] {
  const trained = preparedBy === undefined ? pipeline?.hash : preparedBy
  if (made === undefined && trained) {
    return [`The windows do not tell their preprocessing; the network was trained on that of the hash ${trained}.`]
  }
  const isUntold = made === undefined ? trained === null && pipeline !== undefined : trained === undefined
  return isUntold
    ? ['The checkpoint does not tell its preprocessing: whether it is that of the windows is not known.']
    : []
}

async function predict(
  file: string,
  windows: EegWindows,
  { batchSize, device }: { batchSize: number; device: Device },
): Promise<number[][]> {
  using net = await models.load(file, { device })
  using step = createTrainStep(classifierOf(net), { loss: loss.crossEntropy(), optimizer: optim.sgd() })
  using loader = new DataLoader(windows, { batchSize, device })
  return await predictProbabilities(step, loader)
}

function checkWindows(file: string, windows: EegWindows, { classes, channels, samplingRate }: TrainedOn): void {
  const differ = (code: 'SHAPE_MISMATCH' | 'INVALID_OPTION', what: string, expected: string, received: string) => {
    if (expected !== received)
      throw new EegTorchError(code, `was trained on other ${what}`, { file, expected, received })
  }
  differ('SHAPE_MISMATCH', 'channels', channels.join(', '), windows.channelNames.join(', '))
  differ('SHAPE_MISMATCH', 'sampling rates', `${samplingRate} Hz`, `${windows.samplingRate} Hz`)
  differ('INVALID_OPTION', 'classes', classes.join(', '), windows.classNames.join(', '))
}
