import { existsSync } from 'node:fs'
import { copyFile, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Checkpoint } from '../../checkpoints/checkpoint.ts'
import { readJsonObject } from '../../checkpoints/json-file.ts'
import type { DType } from '../../dtype.ts'
import { EegTorchError } from '../../errors.ts'
import { createAtomically } from '../../files/atomic.ts'
import { namingFile } from '../../models/load.ts'
import { fitModel, requireFit, storedNames } from '../../models/model-fit.ts'
import { loadTokenizer } from '../../tokenizers/load.ts'
import { STABLE_DIFFUSION_2_PAD } from './ldm-configs.ts'
import { openSingleFile, type SingleFile, type SingleFileOptions } from './single-file.ts'
import { STABLE_DIFFUSION_PARTS, type StableDiffusionPart } from './stable-diffusion-parts.ts'
import { DIFFUSERS_VERSION } from './write-network.ts'
import { writeShards } from './write-shards.ts'

/** How to write the folder. */
export interface ConvertSingleFileOptions extends SingleFileOptions {
  /** A folder with CLIP's tokenizer, such as that of a pipeline of the family: the file holds none. Needed but for an autoencoder alone. */
  tokenizer?: string | undefined
  /** Of the weights; default: as they are stored. */
  dtype?: 'float32' | 'float16' | 'bfloat16' | undefined
  /** Put into the names of the files, as diffusers does with `fp16`, which weights are then stored in unless `dtype` says otherwise. */
  variant?: string | undefined
  /** Files of more bytes are cut into several; default 10^10, as diffusers does. */
  maxShardBytes?: number | undefined
}

/** What was written. */
export interface ConvertedSingleFile {
  target: string
  family: SingleFile['family']
  /** Tensors of each part. */
  parts: Record<string, number>
  bytes: number
}

const SHARD_BYTES = 10 ** 10
const TOKENIZER_FILES = [
  'vocab.json',
  'merges.txt',
  'tokenizer.json',
  'tokenizer_config.json',
  'special_tokens_map.json',
]

/**
 * Writes a checkpoint in one file (Stable Diffusion 1 or 2, or an autoencoder alone) as the folder that diffusers reads: `model_index.json`, a folder
 * for each part, scheduler and tokenizer. Every tensor must fit its network; the folder appears whole or not at all.
 *
 * @throws EegTorchError `INVALID_OPTION` without a tokenizer, `CHECKPOINT_MISMATCH`, `FILE_WRITE_FAILED` also where the target exists; and as
 *   {@link openSingleFile}
 */
export async function convertSingleFile(
  source: string,
  target: string,
  options: ConvertSingleFileOptions = {},
): Promise<ConvertedSingleFile> {
  const single = openSingleFile(source, options)
  const { tokenizer, variant, maxShardBytes = SHARD_BYTES } = options
  const dtype = options.dtype ?? (variant === 'fp16' ? 'float16' : undefined)
  if (single.family !== undefined) await requireTokenizer(tokenizer, source)
  const written: ConvertedSingleFile = { target, family: single.family, parts: {}, bytes: 0 }
  await createAtomically(target, async (folder) => {
    await mkdir(folder)
    for (const [name, checkpoint] of single.parts) {
      const own = single.family === undefined ? folder : join(folder, name)
      const { tensors, bytes } = await writePart(name, checkpoint, own, { dtype, variant, maxShardBytes })
      written.parts[name] = tensors
      written.bytes += bytes
    }
    if (single.family === undefined) return
    await writeScheduler(single, join(folder, 'scheduler'))
    await copyTokenizer(tokenizer!, join(folder, 'tokenizer'), single.family)
    await writeJson(join(folder, 'model_index.json'), pipelineIndex(single))
  })
  return written
}

async function requireTokenizer(folder: string | undefined, source: string): Promise<void> {
  if (folder !== undefined) return void (await loadTokenizer(folder))
  throw new EegTorchError('INVALID_OPTION', 'a checkpoint in one file holds no tokenizer', {
    ...{ option: 'tokenizer', file: source },
    expected: 'a folder with vocab.json and merges.txt, or tokenizer.json: such as that of a pipeline of the family',
  })
}

interface PartOptions {
  dtype: DType | undefined
  variant: string | undefined
  maxShardBytes: number
}

async function writePart(name: StableDiffusionPart, checkpoint: Checkpoint, folder: string, options: PartOptions) {
  const { network, library, className, weights } = STABLE_DIFFUSION_PARTS[name]
  const fitted = namingFile(checkpoint.path, () => fitModel(network, checkpoint))
  try {
    requireFit(fitted.fit, checkpoint.path)
    await mkdir(folder, { recursive: true })
    const described =
      library === 'diffusers'
        ? { _class_name: className, _diffusers_version: DIFFUSERS_VERSION }
        : { architectures: [className], model_type: 'clip_text_model' }
    const dtype = library === 'diffusers' || options.dtype === undefined ? {} : { dtype: options.dtype }
    await writeJson(join(folder, 'config.json'), { ...described, ...fitted.model.referenceConfig, ...dtype })
    return await writeShards(folder, weights, { tensors: checkpoint.tensors, names: storedNames(fitted), ...options })
  } finally {
    fitted.model.dispose()
  }
}

async function writeScheduler({ scheduler }: SingleFile, folder: string): Promise<void> {
  await mkdir(folder)
  await writeJson(join(folder, 'scheduler_config.json'), { ...scheduler, _diffusers_version: DIFFUSERS_VERSION })
}

async function copyTokenizer(from: string, to: string, family: SingleFile['family']): Promise<void> {
  await mkdir(to)
  for (const name of TOKENIZER_FILES) {
    const file = join(from, name)
    if (!existsSync(file)) continue
    const isConfig = name === 'tokenizer_config.json' || name === 'special_tokens_map.json'
    if (!isConfig || family !== 'stable-diffusion-2') await copyFile(file, join(to, name))
    else await writeJson(join(to, name), { ...readJsonObject(file), pad_token: STABLE_DIFFUSION_2_PAD })
  }
}

function pipelineIndex({ parts, scheduler }: SingleFile): Record<string, unknown> {
  const components = [...parts.keys()].map((name) => {
    const { library, className } = STABLE_DIFFUSION_PARTS[name]
    return [name, [library, className]]
  })
  return {
    _class_name: 'StableDiffusionPipeline',
    _diffusers_version: DIFFUSERS_VERSION,
    feature_extractor: [null, null],
    image_encoder: [null, null],
    requires_safety_checker: false,
    safety_checker: [null, null],
    scheduler: ['diffusers', scheduler!._class_name],
    tokenizer: ['transformers', 'CLIPTokenizer'],
    ...Object.fromEntries(components),
  }
}

async function writeJson(file: string, content: object): Promise<void> {
  await writeFile(file, `${JSON.stringify(content, undefined, 2)}\n`)
}
