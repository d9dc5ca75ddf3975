import { createHash } from 'node:crypto'
import { join } from 'node:path'
import type { EegWindows } from '../datasets/windows.ts'
import { EegTorchError } from '../errors.ts'
import type { Split } from '../evaluation/split.ts'
import { makeModel } from '../experiment/make-model.ts'
import { makeSplits } from '../experiment/make-splits.ts'
import type { Pipeline } from '../preprocessing/pipeline.ts'
import { hashSteps } from '../preprocessing/schema.ts'
import { packageVersion } from '../setup/paths.ts'
import { cutConfigured, pipelineOf } from './config-pipeline.ts'
import { readRecordings, storedPipeline, storeOf } from './read-windows.ts'
import { factoryOf, trainingOptions } from './run-training.ts'
import { type SweepConfig, type SweepEntry, sweepEntries } from './sweep-config.ts'

/** What a sweep works on: every process of it makes the same. */
export interface SweepData {
  entries: SweepEntry[]
  /** Of each entry; they differ in what is learned at most. */
  pipelines: Pipeline[]
  windows: EegWindows
  splits: Split[]
}

/** One training: numbers of the entry and the split, and the file of its outcome. */
export interface SweepJob {
  entry: number
  fold: number
  seed: number
  file: string
}

/**
 * Reads the recordings and makes the splits.
 *
 * @throws EegTorchError as reading and splitting do; `INVALID_OPTION` for a subject that is not there
 */
export async function readSweep(config: SweepConfig, file?: string): Promise<SweepData> {
  const entries = sweepEntries(config, file)
  const common = entries[0]!.config
  const { windows: all, pipelines } = await readFor(entries)
  requireSamePreparation(entries, pipelines)
  const windows = config.subjects === undefined ? all : subjectsOf(all, config.subjects)
  return { entries, pipelines, windows, splits: makeSplits(windows, trainingOptions(common)) }
}

async function readFor(entries: readonly SweepEntry[]): Promise<Pick<SweepData, 'windows' | 'pipelines'>> {
  const common = entries[0]!.config
  const store = storeOf(common)
  if (store !== undefined) {
    const pipelines = entries.map((entry) => storedPipeline(entry.config, store))
    return { windows: store.windows, pipelines }
  }
  const recordings = [...(await readRecordings(common))]
  const { windows } = await cutConfigured(common, recordings)
  return { windows, pipelines: entries.map((entry) => pipelineOf(entry.config, recordings)) }
}

/** Makes each network once: a name or option that is wrong is found before hours of training. */
export function checkNetworks({ entries, windows }: SweepData): void {
  for (const { config, decoder } of entries) {
    if (decoder === undefined) makeModel(factoryOf(config.model), windows, config.modelOptions).dispose()
  }
}

/**
 * Every training of a sweep, entry by entry. The file of its outcome is named after all that shapes it, configuration and samples, so that a
 * sweep which was stopped, or gets more models, seeds or subjects, finds what is there and nothing that is stale.
 */
export function sweepJobs({ entries, windows, splits }: SweepData, folder: string): SweepJob[] {
  const digests = Array.from(windows.labels, (_, index) => windowDigest(windows, index))
  const folds = splits.map((split) => digest(windows.classNames, windows.channelNames, partsOf(split, digests)))
  return entries.flatMap(({ name, config, seeds }, entry) => {
    const shape = digest(packageVersion(), shapeOf(config))
    return seeds.flatMap((seed) =>
      splits.map((split, fold) => {
        const key = digest(shape, folds[fold], seed).slice(0, 16)
        return { entry, fold, seed, file: join(folder, plain(name), `${plain(split.name)}-seed-${seed}-${key}.json`) }
      }),
    )
  })
}

/** All models answer the same windows: those that are cut alike and not rejected. What else is learned in each fold may differ. */
function requireSamePreparation(entries: readonly SweepEntry[], pipelines: readonly Pipeline[]): void {
  const shared = ({ prepared, rejecting }: Pipeline) => [...prepared.steps, ...rejecting]
  const hashOf = (pipeline: Pipeline) => hashSteps(shared(pipeline))
  const other = pipelines.findIndex((pipeline) => hashOf(pipeline) !== hashOf(pipelines[0]!))
  if (other < 0) return
  const steps = (pipeline: Pipeline) =>
    shared(pipeline)
      .map(({ name }) => name)
      .join(', ')
  throw new EegTorchError(
    'INVALID_OPTION',
    `${entries[other]!.name} has other preprocessing than ${entries[0]!.name}`,
    {
      option: `models.${other}`,
      expected: steps(pipelines[0]!),
      received: steps(pipelines[other]!),
    },
  )
}

function subjectsOf(windows: EegWindows, subjects: readonly string[]): EegWindows {
  const known = new Set(Array.from(windows.labels, (_, index) => windows.subject(index)))
  const missing = subjects.find((subject) => !known.has(subject))
  if (missing !== undefined) {
    throw new EegTorchError('INVALID_OPTION', `no recording is of subject ${missing}`, {
      option: 'subjects',
      expected: `some of ${[...known].map((name) => name ?? '(unknown)').join(', ')}`,
      received: missing,
    })
  }
  const kept = [...windows.labels.keys()].filter((index) => subjects.includes(windows.subject(index) ?? ''))
  return kept.length === windows.length ? windows : windows.subset(kept)
}

/** A configuration without what the windows and splits hold already, or what does not shape a training. */
function shapeOf(config: SweepEntry['config']): object {
  const {
    stimuliApart,
    permutations,
    retrainings,
    controls,
    dataset,
    data,
    read,
    task,
    events,
    window,
    band,
    channels,
    leaveOut,
    folds,
    protocol,
    validation,
    ...rest
  } = config
  const { seeds, baselines, threads, checkpointSteps, checkpointSeconds, checkpointEpochs, keepEvery, ...shape } = rest
  return shape
}

function windowDigest(windows: EegWindows, index: number): string {
  const { buffer, byteOffset, byteLength } = windows.window(index)
  const { name } = windows.recordingOf(index)
  const place = [name, windows.trial(index), windows.labels[index], windows.samplingRate, windows.nSamples]
  const samples = new Uint8Array(buffer, byteOffset, byteLength)
  return createHash('sha256').update(JSON.stringify(place)).update(samples).digest('hex')
}

const partsOf = ({ train, validation = [], test }: Split, digests: readonly string[]) =>
  [train, validation, test].map((part) => part.map((index) => digests[index]))

function digest(...parts: unknown[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex')
}

/** A name that a file may have. */
function plain(name: string): string {
  return name.replaceAll(/[^A-Za-z0-9._-]+/g, '-').replace(/^\.+/, '') || 'unnamed'
}
