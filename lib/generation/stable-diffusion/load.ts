import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { readJsonObject } from '../../checkpoints/json-file.ts'
import type { ModelName } from '../../models/configs.generated.ts'
import type { LoadProgress } from '../../models/load-weights.ts'
import type { Model, ModelPlacement } from '../../models/model.ts'
import { models } from '../../models/models.ts'
import { openPipelineFolder, type PipelineFolder } from '../checkpoints/pipeline-folder.ts'
import { type Scheduler, schedulerFromConfig } from '../schedulers/index.ts'
import { loadTokenizer } from '../tokenizers/load.ts'
import { VaeCodec } from '../vae-codec.ts'
import type { StableDiffusionParts } from './stable-diffusion.ts'

/** How to read a folder of a diffusion model. */
export interface StableDiffusionLoadOptions extends ModelPlacement {
  /** diffusers' name of the scheduler class that reads the folder's `scheduler_config.json`; default: the class that the file names. */
  scheduler?: string | undefined
  /** Decode one picture after the other, which needs the memory of one. */
  lowMemory?: boolean
  onProgress?: ((progress: LoadProgress) => void) | undefined
  signal?: AbortSignal | undefined
}

/** @internal The parts of a folder in diffusers' layout; none is left in memory where one does not load. */
export async function loadStableDiffusion(
  path: string,
  options: StableDiffusionLoadOptions,
): Promise<StableDiffusionParts> {
  const folder = openPipelineFolder(path)
  const scheduler = loadScheduler(folder, options.scheduler)
  const tokenizer = await loadTokenizer(folder.component('tokenizer').path)
  const loaded: Disposable[] = []
  const load = async <N extends ModelName>(part: string, className: string, model: N): Promise<Model<N>> => {
    const { device, dtype, onProgress, signal } = options
    const placement = { ...(device && { device }), ...(dtype && { dtype }) }
    const { path: own } = folder.component(part, className)
    const network = await models.load(own, { model, ...placement, onProgress, signal })
    loaded.push(network)
    return network
  }
  try {
    const textEncoder = await load('text_encoder', 'CLIPTextModel', 'clip_text')
    const unet = await load('unet', 'UNet2DConditionModel', 'unet2d_condition')
    const codec = await loadVae(path, options)
    return { tokenizer, textEncoder, unet, codec, scheduler }
  } catch (error) {
    for (const network of loaded) network[Symbol.dispose]()
    throw error
  }
}

/**
 * The autoencoder of a folder in diffusers' layout, or a folder of an autoencoder alone, such as `sd-vae-ft-mse`.
 *
 * @throws EegTorchError `FILE_NOT_FOUND`, `CHECKPOINT_MISMATCH`
 */
export async function loadVae(path: string, options: StableDiffusionLoadOptions = {}): Promise<VaeCodec> {
  const { device, dtype, lowMemory = false, onProgress, signal } = options
  const isPipeline = existsSync(join(path, 'model_index.json'))
  const folder = isPipeline ? openPipelineFolder(path).component('vae', 'AutoencoderKL').path : path
  const placement = { ...(device && { device }), ...(dtype && { dtype }) }
  const vae = await models.load(folder, { model: 'autoencoder_kl', ...placement, onProgress, signal })
  return new VaeCodec(vae, { oneByOne: lowMemory })
}

/** @throws EegTorchError `UNKNOWN_NAME` for a scheduler that is not there, naming those that are */
function loadScheduler(folder: PipelineFolder, name: string | undefined): Scheduler {
  return schedulerFromConfig(readJsonObject(join(folder.component('scheduler').path, 'scheduler_config.json')), name)
}
