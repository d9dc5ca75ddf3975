import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import type { EegWindows } from '../../datasets/windows.ts'
import { decodeFolds } from '../../decoders/baselines.ts'
import { EegTorchError } from '../../errors.ts'
import type { LeakProof } from '../../evaluation/leaks.ts'
import type { Prediction } from '../../evaluation/predictions.ts'
import type { Split } from '../../evaluation/split.ts'
import { numThreads } from '../../runtime.ts'
import type { LearningCurve } from '../../training/learning-curve.ts'
import { leftOutOf, prepareFold } from '../prepare-fold.ts'
import { trainSplit } from '../train-fold.ts'
import type { SweepJob } from './sweep-jobs.ts'
import { isNetwork, type SweepDecoder, type SweepModel } from './sweep-models.ts'

/** What one training of a sweep gave, as its file holds it. */
export interface SweepOutcome {
  /** The row of the table. */
  name: string
  /** What was left out. */
  split: string
  seed: number
  /** Processor seconds of training and testing, of the whole process. */
  seconds: number
  /** CPU threads of that process. */
  threads: number
  parameters?: number
  curve?: LearningCurve
  predictions: Prediction[]
  /** What was fitted for the training, and on what. */
  fitted?: LeakProof['fitted']
  /** The split without windows that preprocessing rejected, where it did: all models of a sweep are scored on the same. */
  kept?: Split
}

/** Trains and tests one row on one split. */
export async function runJob(
  row: SweepModel,
  windows: EegWindows,
  split: Split,
  { fold, seed }: SweepJob,
  more: { signal?: AbortSignal; stimuliApart?: boolean },
): Promise<SweepOutcome> {
  const before = process.cpuUsage()
  const answers = isNetwork(row)
    ? await trainSplit(row.model, windows, split, { fold, seed }, { ...row.options, ...more })
    : await decodeSplit(row, windows, split)
  const { user, system } = process.cpuUsage(before)
  const cost = { seconds: (user + system) / 1e6, threads: numThreads() }
  return { name: row.name, split: split.name, seed, ...cost, ...answers }
}

/** A classical decoder on the windows that the pipeline leaves in. */
async function decodeSplit(
  row: SweepDecoder,
  windows: EegWindows,
  split: Split,
): Promise<Pick<SweepOutcome, 'predictions' | 'kept'>> {
  const { pipeline, model } = row
  const rejects = pipeline !== undefined && pipeline.rejecting.length > 0
  const kept = rejects ? (await prepareFold(windows, split, { pipeline })).kept : split
  const { predictions } = await decodeFolds(windows, [kept], model)
  return { predictions, ...(leftOutOf(split, kept) && { kept }) }
}

/** Outcomes that are there, their answers numbered by the folds of this sweep. */
export async function readOutcomes(jobs: readonly SweepJob[]): Promise<(SweepOutcome & { fold: number })[]> {
  const outcomes: (SweepOutcome & { fold: number })[] = []
  for (const { file, fold } of jobs) {
    if (!existsSync(file)) continue
    const outcome = parseOutcome(await readFile(file, 'utf8'), file)
    outcomes.push({ ...outcome, fold, predictions: outcome.predictions.map((answer) => ({ ...answer, fold })) })
  }
  return outcomes
}

function parseOutcome(text: string, file: string): SweepOutcome {
  try {
    return JSON.parse(text) as SweepOutcome
  } catch (cause) {
    throw new EegTorchError('FILE_INVALID', 'is no outcome', {
      ...{ file, cause, received: 'text that is not JSON' },
      expected: 'the outcome of a training: delete the file, and the sweep trains it again',
    })
  }
}
