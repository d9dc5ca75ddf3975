import { openCheckpoint } from '../checkpoints/checkpoint.ts'
import { Standardiser } from '../datasets/standardise.ts'
import type { EegWindows } from '../datasets/windows.ts'
import { EegTorchError } from '../errors.ts'
import { predictionsFor } from '../evaluation/predictions.ts'
import { type EvaluationSummary, summarisePredictions } from '../evaluation/summary.ts'
import { models } from '../models/models.ts'
import { DataLoader } from '../training/data-loader.ts'
import { predictProbabilities } from '../training/evaluate.ts'
import { loss, optim } from '../training/options.ts'
import { createTrainStep } from '../training/train-step.ts'
import { trialName } from './cross-validate.ts'

/** What a checkpoint of `eegtorch train` tells of how it was made. */
export interface TrainedOn {
  model: string
  classes: string[]
  channels: string[]
  samplingRate: number
  standardise?: ReturnType<Standardiser['toJSON']>
  /** Trials that it was trained on or chosen by. */
  seen: string[]
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
 * @throws EegTorchError `SHAPE_MISMATCH` for other channels or another rate, `INVALID_OPTION` for other classes, `SPLIT_LEAKS` where the
 *   network has seen every window
 */
export async function evaluateCheckpoint(
  file: string,
  windows: EegWindows,
  { batchSize = 64 }: { batchSize?: number } = {},
): Promise<CheckpointEvaluation> {
  const told = readTrainedOn(file)
  checkWindows(file, windows, told)
  const seen = new Set(told.seen)
  const fresh = [...windows.labels.keys()].filter((index) => !seen.has(trialName(windows, index)))
  if (fresh.length === 0) {
    throw new EegTorchError('SPLIT_LEAKS', 'the network was trained on every one of these windows', {
      file,
      expected: 'recordings that it has not seen',
      received: `${windows.length} windows that it has`,
    })
  }
  const scaled = told.standardise ? Standardiser.fromJSON(told.standardise).apply(windows) : windows
  const probabilities = await predict(file, scaled.subset(fresh), batchSize)
  const predicted = probabilities.map((row) => row.indexOf(Math.max(...row)))
  const predictions = predictionsFor(windows, fresh, { fold: 0, seed: 0, predicted, probabilities })
  return {
    summary: summarisePredictions(predictions, { classes: windows.classNames.length }),
    windows: fresh.length,
    seen: windows.length - fresh.length,
  }
}

async function predict(file: string, windows: EegWindows, batchSize: number): Promise<number[][]> {
  const net = await models.load(file)
  const step = createTrainStep(net, { loss: loss.crossEntropy(), optimizer: optim.sgd() })
  const loader = new DataLoader(windows, { batchSize })
  try {
    return await predictProbabilities(step, loader)
  } finally {
    loader.dispose()
    step.dispose()
    net.dispose()
  }
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
