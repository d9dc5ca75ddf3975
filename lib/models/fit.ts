import type { Checkpoint } from '../checkpoints/checkpoint.ts'
import type { StoredTensor } from '../checkpoints/stored-tensor.ts'
import { EegTorchError } from '../errors.ts'
import type { ModelName } from './configs.generated.ts'
import { Model } from './model.ts'
import { models } from './models.ts'
import { describeModels, toReferenceNames } from './option-names.ts'

/** How well a checkpoint's tensors fit a registered model. */
export interface ModelFit {
  model: string
  /** Names that the model has and the checkpoint lacks. */
  missing: string[]
  /** Names that the checkpoint has and the model lacks. */
  extra: string[]
  /** Tensors of one name and two shapes, `name: [found] instead of [expected]`. */
  reshaped: string[]
  /** Everything fits: `models.load` takes it. */
  exact: boolean
}

/**
 * Compares a checkpoint with every registered model that has weights, best first. The checkpoint's own config is used where the model takes it, its
 * defaults otherwise; then shapes may differ where names agree.
 */
export function fitModels(checkpoint: Checkpoint): ModelFit[] {
  const stored = checkpoint.tensors.tensors
  const fits = models.list().flatMap(({ name }) => {
    const model = buildFor(name, checkpoint)
    if (model === undefined) return []
    try {
      return hasWeights(model) ? [compare(name, model, stored)] : []
    } finally {
      model.dispose()
    }
  })
  return fits.sort((a, b) => distance(a) - distance(b))
}

/** A model without any, such as `eeg_token_reducer`, would fit whatever there is. */
function hasWeights(model: Model): boolean {
  return model.parameterCount() > 0
}

/** The model of the checkpoint's config, else of its defaults; none where either is far larger than the checkpoint. */
function buildFor(name: ModelName, checkpoint: Checkpoint): Model | undefined {
  for (const config of [storedConfig(name, checkpoint), {}]) {
    try {
      return new Model(name, config, weightBudget(checkpoint))
    } catch (error) {
      if (!(error instanceof EegTorchError)) throw error
    }
  }
  return undefined
}

/** What tensors of unknown use, and a network of a few weights, may take. */
const FREE_BYTES = 16 * 2 ** 20
/** Float32 for 8-bit floats, twice, as setting up weights may need memory besides. */
const BYTES_PER_STORED = 8

/** How many bytes a network may take whose config comes from a file: no more than follows from the weights that are there. */
export function weightBudget({ tensors }: Checkpoint): number {
  const storages = new Set([...tensors.tensors.values()].map(({ storage }) => storage))
  return FREE_BYTES + [...storages].reduce((sum, { bytes }) => sum + BYTES_PER_STORED * bytes, 0)
}

/**
 * The checkpoint's config, as far as the model has such options, in the reference's spelling. braindecode's `config.json` also holds what
 * its models do not use (`chs_info`), null for what was not given, and classes by their path in Python.
 */
export function storedConfig(name: string, { metadata }: Checkpoint): Record<string, unknown> {
  const types = new Map(
    describeModels()
      .get(name)
      ?.fields.map((field) => [field.name, field.type]),
  )
  const isGiven = ([key, value]: [string, unknown]) =>
    types.has(key) && (value !== null || types.get(key)!.includes('null'))
  const stored = Object.entries(toReferenceNames(name, asRecord(metadata.config))).filter(isGiven)
  return Object.fromEntries(stored.map(([key, value]) => [key, className(value)]))
}

function asRecord(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {}
}

/** `torch.nn.modules.activation.GELU` is GELU. */
function className(value: unknown): unknown {
  return typeof value === 'string' ? value.replace(/^torch\.nn\.(?:\w+\.)*(\w+)$/, '$1') : value
}

function compare(name: string, model: Model, stored: ReadonlyMap<string, StoredTensor>): ModelFit {
  const state = model.stateDict()
  const missing: string[] = []
  const reshaped: string[] = []
  for (const [key, tensor] of Object.entries(state)) {
    const found = stored.get(key)
    const shape = [...tensor.shape]
    if (found === undefined) missing.push(key)
    else if (found.shape.join() !== shape.join()) reshaped.push(`${key}: [${found.shape}] instead of [${shape}]`)
    tensor.dispose()
  }
  const extra = [...stored.keys()].filter((key) => !Object.hasOwn(state, key))
  return { model: name, missing, extra, reshaped, exact: missing.length + extra.length + reshaped.length === 0 }
}

// Names tell more than shapes, which follow from the options.
function distance({ missing, extra, reshaped }: ModelFit): number {
  return missing.length + extra.length + reshaped.length / 1000
}
