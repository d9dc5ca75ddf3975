import { existsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { readJsonObject } from '../../checkpoints/json-file.ts'
import { defined } from '../../defined.ts'
import { EegTorchError } from '../../errors.ts'
import { loadCheckpoint } from '../../models/load.ts'
import type { LoadProgress } from '../../models/load-weights.ts'
import type { Model, ModelPlacement } from '../../models/model.ts'
import { models } from '../../models/models.ts'
import { loadTokenizer } from '../../tokenizers/load.ts'
import { STABLE_DIFFUSION_2_PAD } from '../checkpoints/ldm-configs.ts'
import { openPipelineFolder } from '../checkpoints/pipeline-folder.ts'
import { openSingleFile, type SingleFile } from '../checkpoints/single-file.ts'
import { STABLE_DIFFUSION_PARTS } from '../checkpoints/stable-diffusion-parts.ts'
import type { PredictionType } from '../schedulers/config.ts'
import { schedulerFromConfig } from '../schedulers/index.ts'
import { VaeCodec } from '../vae-codec.ts'
import type { StableDiffusionParts } from './stable-diffusion.ts'

/** How to read a folder of a diffusion model. */
export interface StableDiffusionLoadOptions extends ModelPlacement {
  /** diffusers' name of the scheduler class that reads the folder's `scheduler_config.json`; default: the class that `model_index.json` names. */
  scheduler?: string | undefined
  /** What the UNet predicts, in place of what `scheduler_config.json` says, or of what is assumed of a single file, which cannot say it. */
  predictionType?: PredictionType | undefined
  /** A folder with the tokenizer; default: the model's own. A single file has none. */
  tokenizer?: string | undefined
  /** A folder of a ControlNet in diffusers' layout, for pictures of a given structure. */
  controlNet?: string | undefined
  /** Decode one picture after the other, which needs the memory of one. */
  lowMemory?: boolean
  onProgress?: ((progress: LoadProgress) => void) | undefined
  signal?: AbortSignal | undefined
}

type Parts = typeof STABLE_DIFFUSION_PARTS

/** Where the parts of a diffusion model come from: a folder in diffusers' layout, or a single file. */
interface PartsSource {
  /** What `scheduler_config.json` says, or would. */
  scheduler: () => Readonly<Record<string, unknown>>
  /** Folder of the tokenizer. */
  tokenizer: () => string
  /** What its text encoder was trained to see behind a text, where the tokenizer's folder is not its own. */
  padToken?: string | undefined
  load<P extends keyof Parts>(part: P, options: StableDiffusionLoadOptions): Promise<Model<Parts[P]['network']>>
}

/** @internal The parts of a folder in diffusers' layout, or of a single file; none is left in memory where one does not load. */
export async function loadStableDiffusion(
  path: string,
  options: StableDiffusionLoadOptions,
): Promise<StableDiffusionParts> {
  const source = isFile(path) ? singleFileSource(path) : folderSource(path)
  const { predictionType, controlNet: structure } = options
  const config = structure === undefined ? mended(source.scheduler()) : source.scheduler()
  const scheduler = schedulerFromConfig({ ...config, ...defined({ predictionType }) }, options.scheduler)
  const tokenizer = await loadTokenizer(options.tokenizer ?? source.tokenizer(), { padToken: source.padToken })
  const loaded: Disposable[] = []
  const load = async <P extends keyof Parts>(part: P): Promise<Model<Parts[P]['network']>> => {
    const network = await source.load(part, options)
    loaded.push(network)
    return network
  }
  try {
    const textEncoder = await load('text_encoder')
    const unet = await load('unet')
    const codec = codecOf(await load('vae'), options)
    const { controlNet: folder } = options
    const controlNet = folder === undefined ? undefined : await loadControlNet(folder, options)
    return { tokenizer, textEncoder, unet, codec, scheduler, controlNet }
  } catch (error) {
    for (const network of loaded) network[Symbol.dispose]()
    throw error
  }
}

/** Latents are not clipped, and timesteps start at 1: diffusers' `StableDiffusionPipeline` says so whatever an old file says, that with a ControlNet does not. */
function mended(config: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return { ...config, steps_offset: 1, clip_sample: false }
}

/**
 * What the UNet of a single file is taken to predict: the file does not say, and of Stable Diffusion 2 there are both kinds. Undefined for a folder.
 *
 * @throws EegTorchError as {@link openSingleFile}
 */
export function assumedPrediction(path: string): PredictionType | undefined {
  return isFile(path) ? (openSingleFile(path).scheduler?.prediction_type as PredictionType | undefined) : undefined
}

/**
 * The autoencoder of a diffusion model (folder or single file), or a folder or file of an autoencoder alone, such as `sd-vae-ft-mse`.
 *
 * @throws EegTorchError `FILE_NOT_FOUND`, `CHECKPOINT_MISMATCH`
 */
export async function loadVae(path: string, options: StableDiffusionLoadOptions = {}): Promise<VaeCodec> {
  if (isFile(path)) return codecOf(await singleFileSource(path).load('vae', options), options)
  if (existsSync(join(path, 'model_index.json'))) return codecOf(await folderSource(path).load('vae', options), options)
  return codecOf(await models.load(path, { model: 'autoencoder_kl', ...loadOptions(options) }), options)
}

/**
 * A ControlNet in diffusers' layout.
 *
 * @throws EegTorchError `FILE_NOT_FOUND`, `CHECKPOINT_MISMATCH`
 */
export function loadControlNet(folder: string, options: StableDiffusionLoadOptions = {}): Promise<Model<'controlnet'>> {
  return models.load(folder, { model: 'controlnet', ...loadOptions(options) })
}

function codecOf(vae: Model<'autoencoder_kl'>, { lowMemory = false }: StableDiffusionLoadOptions): VaeCodec {
  return new VaeCodec(vae, { oneByOne: lowMemory })
}

function loadOptions({ device, dtype, onProgress, signal }: StableDiffusionLoadOptions) {
  return { ...(device && { device }), ...(dtype && { dtype }), onProgress, signal }
}

function isFile(path: string): boolean {
  return existsSync(path) && statSync(path).isFile()
}

function folderSource(path: string): PartsSource {
  const folder = openPipelineFolder(path)
  const parts = Object.entries(STABLE_DIFFUSION_PARTS)
  return {
    scheduler: () => {
      // A folder of another model is told by its networks, not by what else it has.
      for (const [part, { className }] of parts) if (folder.components.has(part)) folder.component(part, className)
      folder.component('unet')
      const { path, className } = folder.component('scheduler')
      // The index says which class reads the file, as in diffusers: whoever wrote the file may have been another.
      return { ...readJsonObject(join(path, 'scheduler_config.json')), _class_name: className }
    },
    tokenizer: () => folder.component('tokenizer').path,
    load: (part, options) => {
      const { className, network } = STABLE_DIFFUSION_PARTS[part]
      return models.load(folder.component(part, className).path, { model: network, ...loadOptions(options) })
    },
  }
}

function singleFileSource(path: string): PartsSource {
  const file = openSingleFile(path)
  return {
    scheduler: () => file.scheduler ?? notWhole(file, 'a whole model'),
    tokenizer: () => {
      throw new EegTorchError('INVALID_OPTION', 'a single file holds no tokenizer', {
        file: path,
        option: 'tokenizer',
        expected: 'a folder with vocab.json and merges.txt',
      })
    },
    padToken: file.family === 'stable-diffusion-2' ? STABLE_DIFFUSION_2_PAD : undefined,
    load: (part, options) => {
      const checkpoint = file.parts.get(part) ?? notWhole(file, part)
      return loadCheckpoint(checkpoint, { model: STABLE_DIFFUSION_PARTS[part].network, ...loadOptions(options) })
    },
  }
}

function notWhole({ path, parts }: SingleFile, expected: string): never {
  throw new EegTorchError('CHECKPOINT_MISMATCH', 'the file lacks a part of the diffusion model', {
    file: path,
    expected,
    received: [...parts.keys()].join(', '),
  })
}
