import { type Checkpoint, openCheckpoint } from '../checkpoints/checkpoint.ts'
import { EegTorchError } from '../errors.ts'
import type { ModelName } from './configs.generated.ts'
import { fitModels, storedConfig, weightBudget } from './fit.ts'
import { Model } from './model.ts'
import type { LoadModelOptions } from './models.ts'
import { toReferenceNames } from './option-names.ts'

/** Builds the model of a checkpoint and copies its weights in; see `models.load`. */
export async function loadModel(path: string, options: LoadModelOptions): Promise<Model> {
  const checkpoint = openCheckpoint(path)
  const name = options.model ?? nameIn(checkpoint) ?? guessModel(withConfig(checkpoint, options))
  const model = naming(path, () => build(name, checkpoint, options))
  const tensors = await checkpoint.tensors.loadAll()
  try {
    return naming(path, () => model.loadStateDict(tensors).eval())
  } catch (error) {
    model.dispose()
    throw error
  } finally {
    for (const tensor of tensors.values()) tensor.dispose()
  }
}

/** The caller's options stand before the file's, and are held to be right: an unknown one is an error. */
function build(name: string, checkpoint: Checkpoint, { config = {} }: LoadModelOptions): Model {
  const options = { ...storedConfig(name, checkpoint), ...toReferenceNames(name, config) }
  return new Model(name as ModelName, options, weightBudget(checkpoint))
}

function nameIn({ metadata }: Checkpoint): string | undefined {
  return typeof metadata.model === 'string' ? metadata.model : undefined
}

function withConfig({ metadata, ...rest }: Checkpoint, { config }: LoadModelOptions): Checkpoint {
  return { ...rest, metadata: { ...metadata, config: { ...metadata.config, ...config } } }
}

/** Runs `body`; what it throws names the file. */
function naming<T>(file: string, body: () => T): T {
  try {
    return body()
  } catch (error) {
    if (!(error instanceof EegTorchError) || error.file !== undefined) throw error
    const { code, message, option } = error
    throw new EegTorchError(code, message, { file, cause: error, ...(option !== undefined && { option }) })
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
