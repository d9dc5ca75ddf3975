import { EegTorchError } from '../errors.ts'
import { camelCase } from '../names.ts'
import { type ModelConfigs, type ModelName, modelFactoryNames } from './configs.generated.ts'
import type { LoadWeightsOptions } from './load-weights.ts'
import { Model } from './model.ts'
import { describeModels } from './option-names.ts'

/** Options of a model; those left out take their defaults. */
export type ModelOptions<N extends ModelName> = { [K in keyof ModelConfigs[N]]?: ModelConfigs[N][K] | undefined }

/** Makes one kind of model: `models.eegnet({ nChans: 22 })`. */
export interface ModelFactory<N extends ModelName> {
  (options?: ModelOptions<N>): Model<N>
  /** The registry's name of what it makes. */
  readonly modelName: N
}

/** What is known of a model without making one. */
export interface ModelDescription {
  name: ModelName
  /** Paper or reference. */
  citation: string
  inputs: readonly string[]
  /** A `?` marks those of some options only; `eeg*` stands for `eeg0`, `eeg1`, … as options say. */
  outputs: readonly string[]
  options: readonly OptionDescription[]
}

/** One option of a registered model. */
export interface OptionDescription {
  /** As options are written here: `nChans`. */
  name: string
  /** As the reference and checkpoints write it: `n_chans`. */
  referenceName: string
  /** `integer`, `number`, `boolean`, `string` or the names it may take; with `[]` for a list, ` | null` where it may be absent. */
  type: string
  doc: string
  default: unknown
}

type FactoryNames = typeof modelFactoryNames
type Factories = { readonly [F in keyof FactoryNames]: ModelFactory<FactoryNames[F]> }

/** What a checkpoint does not say of itself. */
export interface LoadModelOptions<N extends ModelName = ModelName> extends LoadWeightsOptions {
  /** The registry's name; default: the checkpoint's, else the model whose names fit. */
  model?: N
  /** Options that replace those of the checkpoint, in our spelling or the reference's. */
  config?: Readonly<Record<string, unknown>>
  /** The key of a state dict in a `torch.save` file that holds several, such as `ema`. */
  key?: string | undefined
  /** Which weights of a folder that holds several, such as `fp16`. */
  variant?: string | undefined
}

/** The networks of the registry. */
export interface Models extends Factories {
  /**
   * Makes a model by the registry's name. Options may be in our spelling or the reference's.
   *
   * @throws EegTorchError `UNKNOWN_NAME` with the nearest name; `INVALID_OPTION` naming the option
   */
  create<N extends ModelName>(name: N, options?: ModelOptions<N> | Readonly<Record<string, unknown>>): Model<N>
  /**
   * Makes the model that a checkpoint holds, with its weights: eegtorch's own files, folders of braindecode, diffusers and transformers (shards and
   * variants too), files of CSBrain and eeg2image, and plain state dicts (safetensors or `torch.save`). What neither the file nor the shapes of its tensors say, `options` do; else defaults hold.
   * Large weights are mapped, not read, straight to `device` and `dtype` (default: float32 on the CPU); the model is in evaluation mode.
   *
   * @throws EegTorchError `CHECKPOINT_MISMATCH` that lists what does not fit; `FILE_NOT_FOUND`, `FILE_INVALID`, `FILE_UNSAFE`
   */
  load<N extends ModelName = ModelName>(path: string, options?: LoadModelOptions<N>): Promise<Model<N>>
  /** Every model with its options. */
  list(): ModelDescription[]
}

function makeFactory<N extends ModelName>(name: N): ModelFactory<N> {
  return Object.assign((options?: ModelOptions<N>) => create(name, options), { modelName: name })
}

function create<N extends ModelName>(
  name: N,
  options: ModelOptions<N> | Readonly<Record<string, unknown>> = {},
): Model<N> {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw new EegTorchError('INVALID_OPTION', `${name}: options are not an object`, { received: String(options) })
  }
  return new Model(name, options as Record<string, unknown>)
}

function list(): ModelDescription[] {
  return [...describeModels().values()].map(({ name, citation, inputs, outputs, fields }) => ({
    name: name as ModelName,
    citation,
    inputs: inputs.map(camelCase),
    outputs: outputs.map(camelCase),
    options: fields.map((field) => ({ ...field, name: camelCase(field.name), referenceName: field.name })),
  }))
}

async function load<N extends ModelName>(path: string, options: LoadModelOptions<N> = {}): Promise<Model<N>> {
  // imported here: it compares checkpoints with the models of this file
  const { loadModel } = await import('./load.ts')
  return (await loadModel(path, options)) as Model<N>
}

const factories = Object.fromEntries(
  Object.entries(modelFactoryNames).map(([factory, name]) => [factory, makeFactory(name)]),
) as unknown as Factories

/** Makes networks: `models.eegnet({ nChans: 22, nOutputs: 4, nTimes: 1000 })`, `models.create('eegnet', { … })`. */
export const models: Models = Object.freeze({ ...factories, create, load, list })
