import { join } from 'node:path'
import { readJsonObject } from '../../checkpoints/json-file.ts'
import type { ModelName } from '../../models/configs.generated.ts'
import type { LoadProgress } from '../../models/load-weights.ts'
import type { Model, ModelPlacement } from '../../models/model.ts'
import { models } from '../../models/models.ts'
import { loadTokenizer } from '../../tokenizers/load.ts'
import { openPipelineFolder } from '../checkpoints/pipeline-folder.ts'
import { MaskedTokens } from '../schedulers/masked-tokens.ts'
import type { AmusedParts } from './amused.ts'

/** How to read a folder of aMUSEd. */
export interface AmusedLoadOptions extends ModelPlacement {
  /** Of one network after the other. */
  onProgress?: ((progress: LoadProgress) => void) | undefined
  signal?: AbortSignal | undefined
}

/** Everything that `model_index.json` names. What was loaded before an error is freed. */
export async function loadAmused(folder: string, options: AmusedLoadOptions): Promise<AmusedParts> {
  const index = openPipelineFolder(folder)
  const loaded: Model[] = []
  const load = async <N extends ModelName>(part: string, className: string): Promise<Model<N>> => {
    const network = await models.load<N>(index.component(part, className).path, options)
    loaded.push(network as unknown as Model)
    return network
  }
  try {
    const settings = join(index.component('scheduler', 'AmusedScheduler').path, 'scheduler_config.json')
    const { config: scheduler } = new MaskedTokens(readJsonObject(settings) as never)
    const tokenizer = await loadTokenizer(index.component('tokenizer', 'CLIPTokenizer', 'CLIPTokenizerFast').path)
    const textEncoder = await load<'clip_text_with_projection'>('text_encoder', 'CLIPTextModelWithProjection')
    const transformer = await load<'uvit2d'>('transformer', 'UVit2DModel')
    const codes = await load<'vq_model'>('vqvae', 'VQModel')
    // The published decoder overflows in float16.
    if (options.dtype === 'float16' && codes.config.forceUpcast) codes.to({ dtype: 'float32' })
    return { tokenizer, textEncoder, transformer, codes, scheduler }
  } catch (error) {
    for (const network of loaded) network.dispose()
    throw error
  }
}
