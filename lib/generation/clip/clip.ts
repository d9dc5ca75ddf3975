import { existsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { noGrad } from '../../autograd.ts'
import { type Checkpoint, openCheckpoint } from '../../checkpoints/checkpoint.ts'
import { readJsonObject } from '../../checkpoints/json-file.ts'
import { cat, tensor } from '../../creation.ts'
import { EegTorchError } from '../../errors.ts'
import { scope } from '../../memory.ts'
import { loadCheckpoint } from '../../models/load.ts'
import type { LoadWeightsOptions } from '../../models/load-weights.ts'
import type { Model } from '../../models/model.ts'
import { placementOf } from '../../models/placement.ts'
import { asRegistered } from '../../models/published.ts'
import type { Tensor } from '../../tensor.ts'
import { loadTokenizer } from '../../tokenizers/load.ts'
import type { Tokenizer } from '../../tokenizers/tokenizer.ts'
import { type Picture, readPicture } from '../pictures/picture.ts'
import { isOpenAiClip, openAiParts } from './openai.ts'
import { type ClipPreprocessing, preprocessImages, readPreprocessing } from './preprocess.ts'

/** How to load a CLIP. */
export interface ClipOptions extends LoadWeightsOptions {
  /** The folder of the tokenizer; default: the weights' own, if they come in a folder. */
  tokenizer?: string
}

/** How to encode. */
export interface ClipEncodeOptions {
  /** Texts or images at a time; default 16. */
  batchSize?: number
  /** Whether embeddings have length 1, as CLIP compares them; default true. */
  normalise?: boolean
  signal?: AbortSignal | undefined
}

/** CLIP (Radford et al. 2021): texts and images in one space. {@link Clip.load} makes one. */
export class Clip {
  readonly text: Model<'clip_text_with_projection'>
  readonly vision: Model<'clip_vision'>
  readonly preprocessing: ClipPreprocessing
  /** What similarities are multiplied by. */
  readonly logitScale: number
  private readonly tokenizer: Tokenizer | undefined

  private constructor(parts: Pick<Clip, 'text' | 'vision' | 'preprocessing' | 'logitScale'>, tokenizer?: Tokenizer) {
    this.text = parts.text
    this.vision = parts.vision
    this.preprocessing = parts.preprocessing
    this.logitScale = parts.logitScale
    this.tokenizer = tokenizer
  }

  /**
   * Loads a folder of transformers (`CLIPModel` with tokenizer and `preprocessor_config.json`) or a file as OpenAI published it (a TorchScript
   * archive or its state dict; nothing in it is run).
   *
   * @throws EegTorchError as `models.load` and {@link loadTokenizer}; `CHECKPOINT_MISMATCH` for weights that are no CLIP
   */
  static async load(path: string, { tokenizer, ...options }: ClipOptions = {}): Promise<Clip> {
    const checkpoint = openCheckpoint(path)
    const parts = isOpenAiClip(checkpoint) ? openAiParts(checkpoint) : foldersParts(checkpoint)
    const isFolder = existsSync(path) && statSync(path).isDirectory()
    const words = tokenizer ?? (isFolder && hasTokenizer(path) ? path : undefined)
    const loaded = words === undefined ? undefined : await loadTokenizer(words)
    const logitScale = await readScale(checkpoint)
    const vision = await loadCheckpoint<'clip_vision'>(parts.vision, { ...options, model: 'clip_vision' })
    try {
      const preprocessing = preprocessingOf(isFolder ? path : undefined, vision)
      const text = await loadCheckpoint<'clip_text_with_projection'>(parts.text, {
        ...options,
        model: 'clip_text_with_projection',
      })
      return new Clip({ text, vision, preprocessing, logitScale }, loaded)
    } catch (error) {
      vision.dispose()
      throw error
    }
  }

  /**
   * @param texts of at most 77 tokens each, or their ids, int64 (texts, tokens)
   * @returns (texts, dim)
   * @throws EegTorchError `INVALID_OPTION` for a text that is too long unless `truncate`, or texts without a tokenizer
   */
  async encodeText(
    texts: readonly string[] | Tensor,
    { truncate = false, ...options }: ClipEncodeOptions & { truncate?: boolean } = {},
  ): Promise<Tensor> {
    if (!Array.isArray(texts)) return this.encodeIds(texts as Tensor, options)
    using ids = this.idsOf(texts, truncate)
    return await this.encodeIds(ids, options)
  }

  /**
   * @param images files, pictures, or what preprocessing gives, (images, 3, size, size)
   * @returns (images, dim)
   * @throws EegTorchError `FILE_NOT_FOUND`, `FILE_INVALID` for a stimulus that is no image
   */
  async encodeImages(images: readonly (string | Picture)[] | Tensor, options: ClipEncodeOptions = {}): Promise<Tensor> {
    if (!Array.isArray(images)) {
      const pixels = images as Tensor
      return this.encode(pixels.shape[0] ?? 0, (from, count) => pixels.narrow(0, from, count), this.vision, options)
    }
    const prepare = async (from: number, count: number): Promise<Tensor> => {
      const some = images.slice(from, from + count) as (string | Picture)[]
      const pictures = await Promise.all(some.map((image) => (typeof image === 'string' ? readPicture(image) : image)))
      return preprocessImages(pictures, this.preprocessing)
    }
    return this.encode(images.length, prepare, this.vision, options)
  }

  /** Scaled cosines of normalised embeddings: (images, dim) and (texts, dim) give (images, texts). */
  similarity(images: Tensor, texts: Tensor): Tensor {
    return scope((keep) => keep(images.matmul(texts.transpose(0, 1)).mul(this.logitScale)))
  }

  dispose(): void {
    this.text.dispose()
    this.vision.dispose()
  }

  private encodeIds(ids: Tensor, options: ClipEncodeOptions): Promise<Tensor> {
    return this.encode(ids.shape[0] ?? 0, (from, count) => ids.narrow(0, from, count), this.text, options)
  }

  private idsOf(texts: readonly string[], truncate: boolean): Tensor {
    if (this.tokenizer === undefined) {
      throw new EegTorchError('INVALID_OPTION', 'the weights came without a tokenizer', {
        option: 'tokenizer',
        expected: "the folder of CLIP's tokenizer",
      })
    }
    const maxLength = this.text.config.maxPositionEmbeddings
    const { ids } = this.tokenizer.encodeBatch(texts, { padTo: 'maxLength', maxLength, truncate })
    return tensor(BigInt64Array.from(ids.flat().map(BigInt)), { shape: [texts.length, maxLength] })
  }

  private async encode(
    count: number,
    inputs: (from: number, count: number) => Tensor | Promise<Tensor>,
    network: Model<'clip_text_with_projection'> | Model<'clip_vision'>,
    { batchSize = 16, normalise = true, signal }: ClipEncodeOptions,
  ): Promise<Tensor> {
    if (!Number.isInteger(batchSize) || batchSize < 1 || count < 1) {
      const option = count < 1 ? 'images or texts' : 'batchSize'
      throw new EegTorchError('INVALID_OPTION', 'there is nothing to encode', { option, expected: 'at least 1' })
    }
    const parts: Tensor[] = []
    try {
      for (let from = 0; from < count; from += batchSize) {
        using given = await inputs(from, Math.min(batchSize, count - from))
        using input = given.dtype === 'int64' ? given.to(this.placement.device) : given.to(this.placement)
        parts.push(await noGrad(() => network.forwardAsync(input, { signal })))
      }
      return scope((keep) => keep(finish(parts, normalise)))
    } finally {
      for (const part of parts) part.dispose()
    }
  }

  private get placement() {
    return placementOf(this.vision)
  }
}

function finish(parts: readonly Tensor[], normalise: boolean): Tensor {
  const whole = cat(parts, 0)
  return normalise ? whole.div(whole.norm(2, [1], true)) : whole
}

function foldersParts(checkpoint: Checkpoint): { text: Checkpoint; vision: Checkpoint } {
  return {
    text: asRegistered(checkpoint, 'clip_text_with_projection'),
    vision: asRegistered(checkpoint, 'clip_vision'),
  }
}

function hasTokenizer(folder: string): boolean {
  return ['tokenizer.json', 'vocab.json'].some((name) => existsSync(join(folder, name)))
}

/** Of the folder; without one, CLIP's own, at the network's size. */
function preprocessingOf(folder: string | undefined, vision: Model<'clip_vision'>): ClipPreprocessing {
  const file = folder === undefined ? undefined : join(folder, 'preprocessor_config.json')
  const { imageSize } = vision.config
  if (file === undefined || !existsSync(file)) return readPreprocessing({ size: imageSize, crop_size: imageSize })
  const how = readPreprocessing(readJsonObject(file), file)
  if (how.crop_size === imageSize) return how
  throw new EegTorchError('FILE_INVALID', 'the preprocessor cuts images that the network does not take', {
    file,
    expected: `crop_size ${imageSize}`,
    received: String(how.crop_size),
  })
}

/** Files hold the logarithm. */
async function readScale({ tensors, path }: Checkpoint): Promise<number> {
  if (!tensors.tensors.has('logit_scale')) {
    throw new EegTorchError('CHECKPOINT_MISMATCH', 'these weights are no CLIP of texts and images', {
      file: path,
      expected: 'a logit_scale',
    })
  }
  using scale = await tensors.load('logit_scale')
  using exponential = scale.to('float32').exp()
  return Number(exponential.item())
}
