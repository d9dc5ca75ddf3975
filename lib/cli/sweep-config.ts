import { resolve } from 'node:path'
import { z } from 'zod'
import type { BaselineDecoder } from '../decoders/baselines.ts'
import { defined } from '../defined.ts'
import { EegTorchError } from '../errors.ts'
import { requireNames } from '../experiment/sweep/sweep-models.ts'
import { classicalDecoder } from './classical-decoders.ts'
import type { OptionSource } from './option-source.ts'
import { factoryOf } from './run-training.ts'
import { checkNested } from './sweep-nested.ts'
import { checkConfig, checkOptions, statedByPreset, type TrainConfig, trainSchema } from './train-config.ts'

const {
  model: _model,
  modelOptions: _modelOptions,
  seeds,
  baselines: _baselines,
  threads: _threads,
  checkpointSteps: _checkpointSteps,
  checkpointSeconds: _checkpointSeconds,
  checkpointEpochs: _checkpointEpochs,
  keepEvery: _keepEvery,
  ...shared
} = trainSchema.shape

/** What is the same for all models of a sweep, so that they answer the same trials. */
const COMMON: readonly string[] = [
  'dataset',
  'data',
  'read',
  'task',
  'events',
  'window',
  'band',
  'channels',
  'pipeline',
  'leaveOut',
  'folds',
  'protocol',
  'validation',
  'stimuliApart',
  'permutations',
  'retrainings',
  'controls',
]

const entrySchema = z.union([z.string(), z.looseObject({ model: z.string(), name: z.string().optional() })])

/** Options of all rows as they were said: what is not said is left to the rows, whose presets and pipelines may say it. */
const unfilled = Object.fromEntries(
  Object.entries(shared).map(([name, field]) => [
    name,
    field instanceof z.ZodDefault ? field.unwrap().optional() : field,
  ]),
) as { [Name in keyof typeof shared]: Unfilled<(typeof shared)[Name]> }

type Unfilled<F> = F extends z.ZodDefault<infer I extends z.ZodType> ? z.ZodOptional<I> : F

/** What a person may write in the YAML file of `eegtorch sweep`: options of `eegtorch train`, and these. */
const sweepSchema = z.strictObject({
  ...unfilled,
  title: z.string().optional(),
  models: z.array(entrySchema).min(1),
  inner: shared.protocol.describe(
    'choose one of the models by this protocol inside each training part, and test that one',
  ),
  subjects: z.array(z.string()).min(1).optional(),
  seeds,
  workers: z.number().int().min(1).max(1024).optional(),
})

/** A sweep as it was written. */
export type SweepConfig = z.infer<typeof sweepSchema>

/** One row of a sweep's table: a network, or a classical decoder. */
export interface SweepEntry {
  name: string
  config: TrainConfig
  /** Of a classical decoder, which has no seeds. */
  decoder?: BaselineDecoder
}

/**
 * Checks a sweep's configuration.
 *
 * @throws EegTorchError `INVALID_OPTION` naming the option
 */
export function checkSweep(value: Record<string, unknown>, source: OptionSource = {}): SweepConfig {
  const config = checkOptions(sweepSchema, value, source)
  checkNested(config, sweepEntries(config, source.file), source)
  return config
}

/**
 * The rows of a sweep, each with a configuration as `eegtorch train` would take it.
 *
 * @throws EegTorchError `INVALID_OPTION` for an option that is wrong, is common to all, or a name that occurs twice; `UNKNOWN_NAME`
 */
export function sweepEntries(config: SweepConfig, file?: string): SweepEntry[] {
  const { models, title: _, subjects: __, workers: ___, inner: ____, ...said } = config
  const common = { ...commonOfPreset(said), ...defined(said) }
  const entries = models.map((item, i) => makeEntry(common, typeof item === 'string' ? { model: item } : item, i, file))
  requireNames(entries, file)
  return entries
}

/** What the preset of all rows says of windows and splits, which no preset of one row changes. */
function commonOfPreset(said: Record<string, unknown>): Record<string, unknown> {
  if (said.preset === undefined) return {}
  return Object.fromEntries(Object.entries(statedByPreset(said)).filter(([option]) => COMMON.includes(option)))
}

function makeEntry(
  common: Record<string, unknown>,
  { name, ...own }: { model: string; name?: string | undefined; [option: string]: unknown },
  index: number,
  file?: string,
): SweepEntry {
  const shared = Object.keys(own).find((option) => [...COMMON, 'seeds'].includes(option))
  if (shared !== undefined) throw refuse(`models.${index}.${shared}`, `${shared} outside of models`, shared, file)
  const config = checkConfig({ ...common, ...own }, { file }, COMMON)
  const decoder = classicalDecoder(own.model, config.modelOptions, file)
  const entry = { name: name ?? own.model, config }
  if (decoder !== undefined) return { ...entry, decoder }
  factoryOf(own.model)
  return entry
}

/** Paths that hold from anywhere. */
export function withFullPaths(config: SweepConfig): SweepConfig {
  const { data, models } = config
  return {
    ...withFullWeights(config),
    data: Array.isArray(data) ? data.map((path) => resolve(path)) : resolve(data),
    models: models.map((entry) => (typeof entry === 'string' ? entry : withFullWeights(entry))),
  }
}

function withFullWeights<E extends object>(entry: E): E {
  const { startFrom } = entry as { startFrom?: unknown }
  return typeof startFrom === 'string' ? { ...entry, startFrom: resolve(startFrom) } : entry
}

function refuse(option: string, expected: string, received: string, file?: string): EegTorchError {
  return new EegTorchError('INVALID_OPTION', `option ${option} is not usable`, {
    option,
    expected,
    received,
    ...(file !== undefined && { file }),
  })
}
