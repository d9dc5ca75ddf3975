import type { BaselineDecoder } from '../../decoders/baselines.ts'
import { EegTorchError } from '../../errors.ts'
import type { ModelName } from '../../models/configs.generated.ts'
import type { ModelFactory } from '../../models/models.ts'
import type { Pipeline } from '../../preprocessing/pipeline.ts'
import { hashSteps } from '../../preprocessing/schema.ts'
import { type CrossValidateOptions, seedList } from '../cross-validate-options.ts'

/** How the windows are split and the answers checked, which is the same for all rows of a sweep. */
export type SweepSharedOptions = Pick<
  CrossValidateOptions,
  | 'leaveOut'
  | 'folds'
  | 'protocol'
  | 'splits'
  | 'validation'
  | 'stimuliApart'
  | 'permutations'
  | 'retrainings'
  | 'controls'
>

/** How one row of a sweep is trained: as {@link crossValidate}, but for what is the same for all rows. */
export type SweepTrainingOptions = Omit<
  CrossValidateOptions,
  keyof SweepSharedOptions | 'baselines' | 'seeds' | 'store' | 'group' | 'signal' | 'onProgress' | 'report'
>

/** A row of a sweep's table: a network, made anew for each training. */
export interface SweepNetwork<N extends ModelName = ModelName> {
  /** Its own among the rows. */
  name: string
  model: ModelFactory<N>
  options: SweepTrainingOptions
  /** How many trainings on each split, with seeds 0, 1, ...; or the seeds. Default 1. */
  seeds?: number | readonly number[]
  /** All that shapes the trainings, as plain values: outcomes are found again by it. Default: `options`; needed where these hold functions. */
  configuration?: Readonly<Record<string, unknown>>
}

/** A row of a sweep's table: a classical decoder, fitted once on each split. */
export interface SweepDecoder {
  /** Its own among the rows. */
  name: string
  model: BaselineDecoder
  /** The pipeline that made the windows. */
  pipeline?: Pipeline
  /** All that shapes the decoder, as plain values: outcomes are found again by it. */
  configuration: Readonly<Record<string, unknown>>
}

/** One row of a sweep's table. */
export type SweepModel = SweepNetwork | SweepDecoder

export function isNetwork(row: SweepModel): row is SweepNetwork {
  return typeof row.model === 'function'
}

/** The registry's name of a network, or that of a decoder. */
export function kindOf(row: SweepModel): string {
  return isNetwork(row) ? row.model.modelName : row.model.name
}

export function pipelineOf(row: SweepModel): Pipeline | undefined {
  return isNetwork(row) ? row.options.pipeline : row.pipeline
}

/** The classical decoder of a row, by the row's name, or undefined where it is a network. */
export function decoderOf(row: SweepModel): BaselineDecoder | undefined {
  if (isNetwork(row)) return undefined
  const { name, model } = row
  return { name, extract: (windows) => model.extract(windows), fit: (...given) => model.fit(...given) }
}

export function seedsOf(row: SweepModel): readonly number[] {
  return isNetwork(row) ? seedList(row.seeds ?? 1) : [0]
}

/** @throws EegTorchError `INVALID_OPTION` for no rows, or two of one name */
export function requireNames(rows: readonly { name: string }[], file?: string): void {
  const names = rows.map(({ name }) => name)
  const twice = names.findIndex((name, i) => names.indexOf(name) !== i)
  if (rows.length > 0 && twice < 0) return
  const option = rows.length === 0 ? 'models' : `models.${twice}`
  throw new EegTorchError('INVALID_OPTION', `option ${option} is not usable`, {
    ...{ option, expected: 'a name of its own for each of models' },
    received: rows.length === 0 ? 'none' : `${names[twice]} twice: give one of them a name`,
    ...(file !== undefined && { file }),
  })
}

/**
 * All models answer the same windows: those that are cut alike and not rejected. What else is learned in each fold may differ.
 *
 * @throws EegTorchError `INVALID_OPTION`
 */
export function requireSamePreparation(models: readonly SweepModel[]): void {
  const shared = (row: SweepModel) => {
    const pipeline = pipelineOf(row)
    return pipeline === undefined ? [] : [...pipeline.prepared.steps, ...pipeline.rejecting]
  }
  const [first] = models
  const other = models.findIndex((model) => hashSteps(shared(model)) !== hashSteps(shared(first!)))
  if (other < 0) return
  const steps = (model: SweepModel) =>
    shared(model)
      .map(({ name }) => name)
      .join(', ')
  throw new EegTorchError('INVALID_OPTION', `${models[other]!.name} has other preprocessing than ${first!.name}`, {
    option: `models.${other}`,
    expected: steps(first!),
    received: steps(models[other]!),
  })
}
