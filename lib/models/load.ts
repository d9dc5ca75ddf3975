import { type Checkpoint, openCheckpoint } from '../checkpoints/checkpoint.ts'
import { EegTorchError } from '../errors.ts'
import { buildFor, fitModels } from './fit.ts'
import type { Model } from './model.ts'
import type { LoadModelOptions } from './models.ts'

/** Builds the model of a checkpoint and copies its weights in; see `models.load`. */
export async function loadModel(path: string, options: LoadModelOptions): Promise<Model> {
  const opened = openCheckpoint(path)
  const config = { ...opened.metadata.config, ...options.config }
  const checkpoint: Checkpoint = { ...opened, metadata: { ...opened.metadata, config } }
  const name = options.model ?? checkpoint.metadata.model ?? guessModel(checkpoint)
  const model = buildFor(name, checkpoint)
  const tensors = await checkpoint.tensors.loadAll()
  try {
    return model.loadStateDict(tensors).eval()
  } catch (error) {
    model.dispose()
    throw error instanceof EegTorchError
      ? new EegTorchError(error.code, error.message, { file: path, cause: error })
      : error
  } finally {
    for (const tensor of tensors.values()) tensor.dispose()
  }
}

function guessModel(checkpoint: Checkpoint): string {
  const [best] = fitModels(checkpoint)
  if (best !== undefined && best.missing.length + best.extra.length === 0) return best.model
  throw new EegTorchError('CHECKPOINT_MISMATCH', 'the checkpoint does not say which model it holds, and none fits', {
    file: checkpoint.path,
    expected: 'a model by name: models.load(path, { model })',
    received: best ? `closest is ${best.model}, ${best.missing.length} missing, ${best.extra.length} extra` : 'nothing',
  })
}
