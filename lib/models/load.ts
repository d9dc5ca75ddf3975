import { openCheckpoint } from '../checkpoints/checkpoint.ts'
import { EegTorchError } from '../errors.ts'
import { fitModel, modelIn, requireFit } from './fit.ts'
import { loadWeights } from './load-weights.ts'
import type { Model } from './model.ts'
import type { LoadModelOptions } from './models.ts'

/** Builds the model of a checkpoint and gives it its weights; see `models.load`. */
export async function loadModel(
  path: string,
  { model: wanted, config = {}, key, ...placement }: LoadModelOptions,
): Promise<Model> {
  const checkpoint = openCheckpoint(path, { key })
  const { model, names, fit } = namingFile(path, () =>
    fitModel(wanted ?? modelIn(checkpoint, config), checkpoint, config),
  )
  try {
    requireFit(fit, path)
    await loadWeights(model, checkpoint.tensors, names, placement)
    return model.eval()
  } catch (error) {
    model.dispose()
    throw naming(path, error)
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

function naming(file: string, error: unknown): unknown {
  if (!(error instanceof EegTorchError) || error.file !== undefined || error.message.includes(file)) return error
  const { code, message, option } = error
  return new EegTorchError(code, message, { file, cause: error, ...(option !== undefined && { option }) })
}
