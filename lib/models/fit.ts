import type { Checkpoint } from '../checkpoints/checkpoint.ts'
import type { StoredTensor } from '../checkpoints/stored-tensor.ts'
import type { Model } from './model.ts'
import { models } from './models.ts'

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

/** A model with as much of the checkpoint's config as it understands. */
export function buildFor(name: string, { metadata }: Checkpoint): Model {
  const description = models.list().find((model) => model.name === name)
  const known = new Set(description?.options.flatMap((option) => [option.name, option.referenceName]))
  const config = Object.entries(metadata.config ?? {}).filter(([key, value]) => known.has(key) && value !== undefined)
  try {
    return models.create(name as never, Object.fromEntries(config))
  } catch {
    return models.create(name as never)
  }
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
