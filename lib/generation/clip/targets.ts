import { createHash } from 'node:crypto'
import { createReadStream, existsSync } from 'node:fs'
import { mkdir, readdir } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { pipeline as pipe } from 'node:stream/promises'
import { type Checkpoint, openCheckpoint } from '../../checkpoints/checkpoint.ts'
import { readSafetensors, writeSafetensors } from '../../checkpoints/safetensors.ts'
import { EegTorchError } from '../../errors.ts'
import { scope } from '../../memory.ts'
import type { LoadWeightsOptions } from '../../models/load-weights.ts'
import type { MapperTargets } from '../../regimes/mapper.ts'
import type { Tensor } from '../../tensor.ts'
import { Clip } from './clip.ts'
import { encodeConditions, openPipelineEncoder } from './text-conditions.ts'

/** Changes with whatever changes the numbers for the same files: older targets are then computed again. */
const FORMAT = 2

/** What a mapper's targets are made of. */
export interface TargetOptions extends LoadWeightsOptions {
  /** A picture for each class. */
  stimuli: readonly string[]
  /** A text for each class, in the same order. */
  prompts: readonly string[]
  /** What the classes are called; told in the file. */
  classNames?: readonly string[] | undefined
  /** The CLIP that sees the pictures: a folder or file, as {@link Clip.load} takes it. */
  clip: string
  /** The diffusers folder whose text encoder reads the prompts: the pipeline that the mapper is to serve. */
  pipeline: string
  /** Where targets are kept: the folder of a store. */
  store: string
}

/** Targets of a mapper, and how alike they are. */
export interface ClipTargets extends MapperTargets {
  /** Pooled rows of the prompts (classes, dim). */
  textPooled: Tensor
  /** Mean cosine of two classes: near 1, targets hardly tell classes apart. */
  cosines: { images: number; texts: number }
  /** Names weights, pictures and prompts by their content, and the type that was computed in. */
  key: string
  file: string
  /** Whether they were there already. */
  cached: boolean
  /** What they were made of; undefined where the file does not say. */
  made: TargetDescription | undefined
}

/** What a file of targets says that it was made of. */
export interface TargetDescription {
  classNames?: string[]
  prompts: string[]
  /** Names of the pictures. */
  stimuli: string[]
  /** Names of the CLIP and of the pipeline. */
  clip: string
  pipeline: string
}

/** Where a store keeps the pictures of its classes. */
export const STIMULI_FOLDER = 'stimuli'
const FOLDER = 'targets'
const FILE_NAME = /^clip-([0-9a-f]{32})\.safetensors$/
/** Under which safetensors metadata {@link TargetDescription} stands. */
const MADE_OF = 'eegtorch_targets'

/**
 * CLIP targets of classes: pictures by CLIP's image network, texts by the encoder of the pipeline that is to draw. They are computed once for the
 * same weights, type, pictures and prompts, and kept in the store's folder under `targets/`.
 *
 * @throws EegTorchError `INVALID_OPTION` unless there is a picture and a text for each class; as {@link Clip.load} and `encodeImages`
 */
export async function clipTargets(options: TargetOptions): Promise<ClipTargets> {
  const { stimuli, prompts, classNames, clip, pipeline, store, ...placement } = options
  if (stimuli.length === 0 || stimuli.length !== prompts.length) {
    throw new EegTorchError('INVALID_OPTION', 'each class needs a picture and a text', {
      option: 'stimuli',
      expected: `${prompts.length} pictures, one for each text`,
      received: String(stimuli.length),
    })
  }
  const encoder = openPipelineEncoder(pipeline)
  const key = await hash(
    [
      ...(await filesOf(openCheckpoint(clip))),
      ...(await filesOf(encoder.checkpoint)),
      ...(await filesIn(encoder.tokenizer)),
      ...stimuli,
    ],
    JSON.stringify({ format: FORMAT, prompts, dtype: placement.dtype ?? 'as stored' }),
  )
  const folder = join(store, FOLDER)
  const file = join(folder, `clip-${key}.safetensors`)
  if (existsSync(file)) return read(file, key, true)
  const seen = await Clip.load(clip, placement)
  let images: Tensor
  try {
    images = await seen.encodeImages(stimuli)
  } finally {
    seen.dispose()
  }
  const { hidden, pooled } = await encodeConditions(encoder, prompts, placement)
  await mkdir(folder, { recursive: true })
  const made: TargetDescription = {
    ...(classNames && { classNames: [...classNames] }),
    prompts: [...prompts],
    ...{ stimuli: stimuli.map((path) => basename(path)), clip: basename(clip), pipeline: basename(pipeline) },
  }
  const tensors = new Map(Object.entries({ images, text_hidden: hidden, text_pooled: pooled }))
  await writeSafetensors(file, tensors, { format: 'pt', [MADE_OF]: JSON.stringify(made) })
  for (const each of [images, hidden, pooled]) each.dispose()
  return read(file, key, false)
}

/**
 * The targets that a store was given, by `eegtorch prepare --targets` or {@link clipTargets}.
 *
 * @throws EegTorchError `FILE_NOT_FOUND` for a store without targets, `INVALID_OPTION` for one with several
 */
export async function storedTargets(store: string): Promise<ClipTargets> {
  const folder = join(store, FOLDER)
  const files = existsSync(folder) ? (await readdir(folder)).filter((name) => FILE_NAME.test(name)).sort() : []
  const [only] = files
  if (files.length === 1) return read(join(folder, only!), FILE_NAME.exec(only!)![1]!, true)
  if (files.length === 0) {
    throw new EegTorchError('FILE_NOT_FOUND', 'the store has no CLIP targets', {
      file: folder,
      expected: 'a store of eegtorch prepare --stimuli --targets, or stimuli, CLIP and pipeline by name',
    })
  }
  throw new EegTorchError(
    'INVALID_OPTION',
    'the store has several CLIP targets, so stimuli, CLIP and pipeline must be named',
    {
      file: folder,
      received: files.join(', '),
    },
  )
}

/** The pictures that a store was given, by `eegtorch prepare --stimuli`; undefined for none. */
export function storedStimuli(store: string): string | undefined {
  const folder = join(store, STIMULI_FOLDER)
  return existsSync(folder) ? folder : undefined
}

/** What a class is called in words, where nobody says. */
export function promptOfClass(name: string): string {
  return `a photo of a ${name}`
}

/** @param rows (classes, dim) @returns the mean cosine of two different rows; 1 for a single one */
export function meanPairwiseCosine(rows: Tensor): number {
  const count = rows.shape[0]!
  if (count < 2) return 1
  return scope(() => {
    const unit = rows.div(rows.norm(2, [1], true))
    const total = unit.matmul(unit.transpose(0, 1)).sum().item() as number
    return (total - count) / (count * (count - 1))
  })
}

async function read(file: string, key: string, cached: boolean): Promise<ClipTargets> {
  const stored = readSafetensors(file)
  const tensors = await stored.loadAll({ copy: true })
  const [images, hidden, pooled] = ['images', 'text_hidden', 'text_pooled'].map((name) => tensors.get(name))
  if (images === undefined || hidden === undefined || pooled === undefined) {
    throw new EegTorchError('FILE_INVALID', 'these are no CLIP targets; delete the file to compute them again', {
      file,
    })
  }
  const cosines = { images: meanPairwiseCosine(images), texts: meanPairwiseCosine(pooled) }
  const told = stored.metadata.get(MADE_OF)
  const made = told === undefined ? undefined : (JSON.parse(told) as TargetDescription)
  return { imagePrototypes: images, textHidden: hidden, textPooled: pooled, cosines, key, file, cached, made }
}

/** What decides the outputs of a network: its weights, and the descriptions beside them. */
async function filesOf({ path, tensors, format }: Checkpoint): Promise<string[]> {
  const beside = format === 'folder' ? (await filesIn(path)).filter((name) => name.endsWith('.json')) : []
  return [...new Set([...tensors.files, ...beside])].sort()
}

async function filesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true })
  return entries
    .filter((entry) => entry.isFile())
    .map(({ name }) => join(folder, name))
    .sort()
}

async function hash(files: readonly string[], text: string): Promise<string> {
  const whole = createHash('sha256').update(text)
  for (const file of files) {
    const one = createHash('sha256')
    try {
      await pipe(createReadStream(file), one)
    } catch (cause) {
      throw new EegTorchError('FILE_NOT_FOUND', 'this file cannot be read', { file, cause })
    }
    whole.update(one.digest())
  }
  return whole.digest('hex').slice(0, 32)
}
