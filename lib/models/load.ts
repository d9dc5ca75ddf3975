import { type Checkpoint, openCheckpointInPieces } from '../checkpoints/checkpoint.ts'
import { EegTorchError } from '../errors.ts'
import { inPieces } from '../files/in-pieces.ts'
import type { ModelName } from './configs.generated.ts'
import { loadWeights } from './load-weights.ts'
import type { Model } from './model.ts'
import { type FittedModel, fitting, modelIn, requireFit } from './model-fit.ts'
import type { LoadModelOptions } from './models.ts'
import { asRegistered } from './published.ts'

/** Opens a checkpoint, builds its model and gives it its weights; see `models.load`. */
export async function loadModel(path: string, { key, variant, ...options }: LoadModelOptions): Promise<Model> {
  const checkpoint = await openCheckpointInPieces(path, { key, variant })
  return loadCheckpoint(asRegistered(checkpoint, options.model), options)
}

/**
 * Builds the model of a checkpoint that is open, and gives it its weights: `models.load` for a part of a larger file.
 *
 * @throws EegTorchError as `models.load`
 */
export async function loadCheckpoint<N extends ModelName>(
  checkpoint: Checkpoint,
  { model: wanted, config = {}, ...placement }: Omit<LoadModelOptions<N>, 'key' | 'variant'> = {},
): Promise<Model<N>> {
  const { path } = checkpoint
  const { model, names, fit } = await fitted(checkpoint, wanted, config)
  try {
    requireFit(fit, path, model)
    await loadWeights(model, checkpoint.tensors, names, placement)
    return model.eval() as Model<N>
  } catch (error) {
    model.dispose()
    throw naming(path, error)
  }
}

/** The model of a checkpoint, with the event loop free in between. */
async function fitted(
  checkpoint: Checkpoint,
  wanted: string | undefined,
  config: Readonly<Record<string, unknown>>,
): Promise<FittedModel> {
  try {
    return await inPieces(fitting(wanted ?? modelIn(checkpoint, config), checkpoint, config))
  } catch (error) {
    throw naming(checkpoint.path, error)
  }
}

/** Runs `body`; what it throws names the file. */
export function namingFile<T>(file: string, body: () => T): T {
  try {
    return body()
  } catch (error) {
    throw naming(file, error)
  }
}

/** The error naming the file, unless it names one. */
export function naming(file: string, error: unknown): unknown {
  if (!(error instanceof EegTorchError) || error.file !== undefined || error.message.includes(file)) return error
  const { code, message, option } = error
  return new EegTorchError(code, message, { file, cause: error, ...(option !== undefined && { option }) })
}
