import { type Checkpoint, type OpenCheckpointOptions, openCheckpoint } from '../checkpoints/checkpoint.ts'
import { createAtomically } from '../files/atomic.ts'
import type { Tensor } from '../tensor.ts'
import type { ModelName } from './configs.generated.ts'
import { type CheckpointLayout, describesModel, layoutFor, writeLayout } from './layouts.ts'
import { namingFile } from './load.ts'
import { type FittedModel, fitModel, fitModels, hasEveryName, modelIn, requireFit } from './model-fit.ts'
import { namingTarget } from './naming-target.ts'

/** What a checkpoint does not say of itself, and how to write it. */
export interface ConvertOptions extends OpenCheckpointOptions {
  /** Default: by the ending of the target's name. */
  to?: CheckpointLayout | undefined
  /** The registry's name; default: the checkpoint's, else the model whose names fit. */
  model?: ModelName | undefined
  /** Options that replace those of the checkpoint, in our spelling or the reference's. */
  config?: Readonly<Record<string, unknown>> | undefined
}

/** What was written. */
export interface Conversion {
  target: string
  layout: CheckpointLayout
  /** The network, where it is known. */
  model: string | undefined
  tensors: number
  bytes: number
  /** Tensors that the source names otherwise. */
  renamed: number
}

/**
 * Writes a checkpoint in another layout. Where the network is known, every tensor must fit it by name and shape, and takes the network's name;
 * a plain state dict of an unknown network is copied as it is. Values and element types stay. The target appears whole or not at all.
 *
 * @throws EegTorchError `CHECKPOINT_MISMATCH` that lists what is missing, extra or of another shape; `FILE_WRITE_FAILED`, also where the target
 *   exists; `INVALID_OPTION` for a layout that cannot hold the network; and as {@link openCheckpoint}
 */
export async function convertCheckpoint(
  source: string,
  target: string,
  options: ConvertOptions = {},
): Promise<Conversion> {
  const layout = layoutFor(target, options.to)
  const checkpoint = openCheckpoint(source, options)
  const fitted = namingFile(source, () => findModel(checkpoint, layout, options))
  try {
    if (fitted !== undefined) requireFit(fitted.fit, source, fitted.model)
    return await writeConverted(checkpoint, target, layout, fitted, options)
  } finally {
    fitted?.model.dispose()
  }
}

/** The network, where it is named or the layout describes it; else where one fits in every name, and in shape unless options were said for it. */
function findModel(
  checkpoint: Checkpoint,
  layout: CheckpointLayout,
  { model, config = {} }: ConvertOptions,
): FittedModel | undefined {
  const named = model ?? checkpoint.metadata.model
  if (typeof named === 'string') return fitModel(named, checkpoint, config)
  if (describesModel(layout) && !isOfAnotherNetwork(checkpoint, layout, config)) {
    return fitModel(modelIn(checkpoint, config), checkpoint, config)
  }
  const [best] = fitModels(checkpoint, config)
  const isMeant = best !== undefined && Object.keys(config).length > 0 && hasEveryName(best)
  return best?.exact || isMeant ? fitModel(best.model, checkpoint, config) : undefined
}

/** braindecode has networks that are not registered here: a folder needs no more than their config. */
function isOfAnotherNetwork(checkpoint: Checkpoint, layout: CheckpointLayout, config: object): boolean {
  const isDescribed = checkpoint.metadata.config !== undefined || Object.keys(config).length > 0
  return layout === 'braindecode' && isDescribed && !fitModels(checkpoint).some(hasEveryName)
}

async function writeConverted(
  checkpoint: Checkpoint,
  target: string,
  layout: CheckpointLayout,
  fitted: FittedModel | undefined,
  { config }: ConvertOptions,
): Promise<Conversion> {
  const loaded = await checkpoint.tensors.loadAll()
  try {
    const tensors = fitted === undefined ? loaded : inOrderOf(fitted, loaded)
    const content = { tensors, model: fitted?.model, source: checkpoint, config }
    await createAtomically(target, (temporary) =>
      namingTarget(target, temporary, () => writeLayout(layout, temporary, content)),
    )
    const stored = [...checkpoint.tensors.tensors.values()]
    return {
      target,
      layout,
      model: fitted?.model.name,
      tensors: tensors.size,
      bytes: stored.reduce((sum, { bytes }) => sum + bytes, 0),
      renamed: fitted?.fit.renamed ?? 0,
    }
  } finally {
    for (const tensor of loaded.values()) tensor.dispose()
  }
}

/** The tensors under the network's names, in its order. */
function inOrderOf({ model, names }: FittedModel, loaded: ReadonlyMap<string, Tensor>): Map<string, Tensor> {
  const byName = new Map([...names].map(([name, own]) => [own, loaded.get(name)!]))
  return new Map(model.tensorNames().map((name) => [name, byName.get(name)!]))
}
