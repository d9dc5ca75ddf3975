import type { Checkpoint } from '../checkpoints/checkpoint.ts'
import type { StoredTensor } from '../checkpoints/stored-tensor.ts'
import type { ModelName } from './configs.generated.ts'
import type { Model } from './model.ts'
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
 * Compares a checkpoint with every registered model, best first. The checkpoint's own config is used where the model takes it, its
 * defaults otherwise; then shapes may differ where names agree.
 */
export function fitModels(checkpoint: Checkpoint): ModelFit[] {
  const stored = checkpoint.tensors.tensors
  const fits = models.list().map(({ name }) => {
    const model = buildFor(name, checkpoint)
    try {
      return compare(name, model, stored)
    } finally {
      model.dispose()
    }
  })
  return fits.sort((a, b) => distance(a) - distance(b))
}

function buildFor(name: ModelName, checkpoint: Checkpoint): Model {
  try {
    return models.create(name, storedConfig(name, checkpoint))
  } catch {
    return models.create(name)
  }
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
