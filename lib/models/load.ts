import { type Checkpoint, openCheckpoint } from '../checkpoints/checkpoint.ts'
import { EegTorchError } from '../errors.ts'
import { type FittedModel, fitModel, modelIn, requireFit } from './fit.ts'
import type { Model } from './model.ts'
import type { LoadModelOptions } from './models.ts'

/** Builds the model of a checkpoint and copies its weights in; see `models.load`. */
export async function loadModel(path: string, { model: wanted, config = {}, key }: LoadModelOptions): Promise<Model> {
  const checkpoint = openCheckpoint(path, { key })
  const name = wanted ?? modelIn(checkpoint, config)
  const fitted = namingFile(path, () => fitModel(name, checkpoint, config))
  try {
    requireFit(fitted.fit, path)
    return await copyIn(fitted, checkpoint)
  } catch (error) {
    fitted.model.dispose()
    throw error
  }
}

async function copyIn({ model, names }: FittedModel, { path, tensors: file }: Checkpoint): Promise<Model> {
  const tensors = await file.loadAll()
  try {
    const state = new Map([...tensors].map(([name, tensor]) => [names.get(name)!, tensor]))
    return namingFile(path, () => model.loadStateDict(state).eval())
  } finally {
    for (const tensor of tensors.values()) tensor.dispose()
  }
}

/** Runs `body`; what it throws names the file. */
export function namingFile<T>(file: string, body: () => T): T {
  try {
    return body()
  } catch (error) {
    if (!(error instanceof EegTorchError) || error.file !== undefined) throw error
    const { code, message, option } = error
    throw new EegTorchError(code, message, { file, cause: error, ...(option !== undefined && { option }) })
  }
}
