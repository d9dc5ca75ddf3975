import { join, relative } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import type { EegWindows } from '../datasets/windows.ts'
import { defined } from '../defined.ts'
import { EegTorchError } from '../errors.ts'
import { Sweep } from '../experiment/sweep/sweep.ts'
import type { SweepModel } from '../experiment/sweep/sweep-models.ts'
import type { Pipeline } from '../preprocessing/pipeline.ts'
import { cutConfigured, pipelineOf, pipelineText } from './config-pipeline.ts'
import { readRecordings, storedPipeline, storeOf } from './read-windows.ts'
import { factoryOf, trainingOptions } from './run-training.ts'
import { saidFlags } from './said-flags.ts'
import { shapingOptions } from './shaping.ts'
import { type SweepConfig, type SweepEntry, sweepEntries } from './sweep-config.ts'

/** Where a sweep is written. */
export interface SweepPlace {
  /** The file of its configuration, as it was named. */
  file: string
  folder: string
  /** Flags that were given beside it, by the names of their options. */
  flags?: Readonly<Record<string, unknown>>
}

/**
 * The sweep of a configuration: every process of it makes the same.
 *
 * @throws EegTorchError as reading and splitting do; `INVALID_OPTION` for a subject that is not there
 */
export async function readSweep(config: SweepConfig, place: SweepPlace): Promise<Sweep> {
  const { file, folder } = place
  const entries = sweepEntries(config, file)
  const common = entries[0]!.config
  const { windows: all, pipelines } = await readFor(entries, config)
  const windows = config.subjects === undefined ? all : subjectsOf(all, config.subjects)
  const models = entries.map((entry, i) => modelOf(entry, pipelines[i]!, config.seeds))
  return new Sweep(models, windows, {
    ...trainingOptions(common),
    folder: join(folder, 'outcomes'),
    report: {
      title: config.title,
      preparation: pipelineText(common),
      configuration: { ...sharedBy(entries), ...defined(config) },
      command: commandOf(place),
    },
  })
}

/** Options that all rows have alike, defaults too. */
function sharedBy(entries: readonly SweepEntry[]): Record<string, unknown> {
  const all: Record<string, unknown>[] = entries.map(({ config }) => defined(config))
  return Object.fromEntries(
    Object.entries(all[0]!).filter(([name, value]) => all.every((row) => isDeepStrictEqual(row[name], value))),
  )
}

/** What does or goes on with a sweep. */
export function commandOf({ file, folder, flags }: SweepPlace): string {
  return `eegtorch sweep ${file} ${saidFlags({ out: relative('.', folder) || '.', ...flags })}`
}

function modelOf({ name, config, decoder }: SweepEntry, pipeline: Pipeline, seeds: SweepConfig['seeds']): SweepModel {
  const configuration = shapingOptions(config, TOLD)
  if (decoder !== undefined) return { name, model: { ...decoder, name: config.model }, pipeline, configuration }
  return {
    name,
    model: factoryOf(config.model),
    options: { ...trainingOptions(config), pipeline },
    seeds,
    configuration,
  }
}

async function readFor(
  entries: readonly SweepEntry[],
  config: SweepConfig,
): Promise<{ windows: EegWindows; pipelines: Pipeline[] }> {
  const common = entries[0]!.config
  const store = storeOf(common)
  if (store !== undefined) {
    // What the card of a data set says stands among what was said.
    const said = config.dataset === undefined ? config : {}
    const pipelines = entries.map((entry) => storedPipeline(entry.config, store, said))
    return { windows: store.windows, pipelines }
  }
  const recordings = [...(await readRecordings(common))]
  const { windows } = await cutConfigured(common, recordings)
  return { windows, pipelines: entries.map((entry) => pipelineOf(entry.config, recordings)) }
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

/** What windows, splits, names of files and the content of weights tell already. */
const TOLD = [
  ...['dataset', 'data', 'read', 'task', 'events', 'window', 'band', 'channels', 'stimuliApart'],
  ...['leaveOut', 'folds', 'protocol', 'validation', 'seeds', 'startFrom'],
]
