import { dirname } from 'node:path'
import type { EegWindows } from '../datasets/windows.ts'
import { type BaselineDecoder, decodeFolds } from '../decoders/baselines.ts'
import type { LeakProof } from '../evaluation/leaks.ts'
import type { Prediction } from '../evaluation/predictions.ts'
import type { Split } from '../evaluation/split.ts'
import { leftOutOf, prepareFold } from '../experiment/prepare-fold.ts'
import { trainSplit } from '../experiment/train-fold.ts'
import { serveJobs } from '../experiment/worker-pool.ts'
import { writeFileAtomically } from '../files/atomic.ts'
import { makeFolder } from '../files/make-folder.ts'
import type { Pipeline } from '../preprocessing/pipeline.ts'
import { setNumThreads } from '../runtime.ts'
import type { LearningCurve } from '../training/learning-curve.ts'
import { factoryOf, trainingOptions } from './run-training.ts'
import type { SweepConfig } from './sweep-config.ts'
import { readSweep, type SweepData, type SweepJob } from './sweep-plan.ts'

/** What one training of a sweep gave, as its file holds it. */
export interface SweepOutcome {
  /** The row of the table. */
  name: string
  /** What was left out. */
  split: string
  seed: number
  /** Processor seconds of training and testing, on one thread. */
  seconds: number
  parameters?: number
  curve?: LearningCurve
  predictions: Prediction[]
  /** What was fitted for the training, and on what. */
  fitted?: LeakProof['fitted']
  /** The split without windows that preprocessing rejected, where it did: all models of a sweep are scored on the same. */
  kept?: Split
}

// A process of `eegtorch sweep`, started by lib/cli/sweep.ts: one thread, one training at a time.
serveJobs(async (config: SweepConfig) => {
  await setNumThreads(1)
  const data = await readSweep(config)
  return async (job: SweepJob) => {
    const outcome = await runJob(data, job)
    await makeFolder(dirname(job.file))
    await writeFileAtomically(job.file, JSON.stringify(outcome))
  }
})

async function runJob(
  { entries, pipelines, windows, splits }: SweepData,
  { entry, fold, seed }: SweepJob,
): Promise<SweepOutcome> {
  const { name, config, decoder } = entries[entry]!
  const split = splits[fold]!
  const before = process.cpuUsage()
  const pipeline = pipelines[entry]!
  const answers =
    decoder === undefined
      ? await trainSplit(
          factoryOf(config.model),
          windows,
          split,
          { fold, seed },
          { ...trainingOptions(config), pipeline },
        )
      : await decodeSplit(windows, split, decoder, pipeline)
  const { user, system } = process.cpuUsage(before)
  return { name, split: split.name, seed, seconds: (user + system) / 1e6, ...answers }
}

/** A classical decoder on the windows that the pipeline leaves in. */
async function decodeSplit(
  windows: EegWindows,
  split: Split,
  decoder: BaselineDecoder,
  pipeline: Pipeline,
): Promise<Pick<SweepOutcome, 'predictions' | 'kept'>> {
  const kept = pipeline.rejecting.length > 0 ? (await prepareFold(windows, split, { pipeline })).kept : split
  const { predictions } = await decodeFolds(windows, [kept], decoder)
  return { predictions, ...(leftOutOf(split, kept) && { kept }) }
}
