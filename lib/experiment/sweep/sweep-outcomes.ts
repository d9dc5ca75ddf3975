import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { z } from 'zod'
import type { EegWindows } from '../../datasets/windows.ts'
import { decodeFolds } from '../../decoders/baselines.ts'
import type { LeakProof } from '../../evaluation/leaks.ts'
import type { Prediction } from '../../evaluation/predictions.ts'
import type { Split } from '../../evaluation/split.ts'
import { numThreads } from '../../runtime.ts'
import { figure, type LearningCurve, whole } from '../../training/learning-curve.ts'
import { outcomeSchema, parseOutcome } from '../outcome-file.ts'
import { leftOutOf, prepareFold, requireFiniteFold } from '../prepare-fold.ts'
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

const part = z.array(whole)

/** {@link SweepOutcome} in its file. */
const sweepOutcome = outcomeSchema.partial({ curve: true }).extend({
  name: z.string(),
  split: z.string(),
  seed: whole,
  seconds: figure,
  threads: whole,
  parameters: whole.optional(),
  fitted: z
    .array(z.object({ name: z.string(), learnedFrom: z.object({ train: whole, validation: whole, test: whole }) }))
    .optional(),
  kept: z.object({ name: z.string(), train: part, validation: part.optional(), test: part }).optional(),
})

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
  await requireFiniteFold({ windows, split: kept })
  const { predictions } = await decodeFolds(windows, [kept], model)
  return { predictions, ...(leftOutOf(split, kept) && { kept }) }
}

/** Outcomes that are there, their answers numbered by the folds of this sweep. */
export async function readOutcomes(jobs: readonly SweepJob[]): Promise<(SweepOutcome & { fold: number })[]> {
  const outcomes: (SweepOutcome & { fold: number })[] = []
  for (const { file, fold } of jobs) {
    if (!existsSync(file)) continue
    const outcome = parseOutcome(sweepOutcome, await readFile(file, 'utf8'), file) as SweepOutcome
    outcomes.push({ ...outcome, fold, predictions: outcome.predictions.map((answer) => ({ ...answer, fold })) })
  }
  return outcomes
}
