import { join as joinPath } from 'node:path'
import { type Checkpoint, type OpenCheckpointOptions, openCheckpoint } from '../../checkpoints/checkpoint.ts'
import { DTYPE_BYTES } from '../../checkpoints/dtypes.ts'
import { readJsonObject } from '../../checkpoints/json-file.ts'
import { type JoinedTensor, joinByRules } from '../../checkpoints/name-rules.ts'
import { writeSafetensors } from '../../checkpoints/safetensors.ts'
import { SelectedTensors } from '../../checkpoints/selected-tensors.ts'
import { EegTorchError } from '../../errors.ts'
import { createAtomically } from '../../files/atomic.ts'
import { namingFile } from '../../models/load.ts'
import { fitModel, requireFit, storedNames } from '../../models/model-fit.ts'
import { namingTarget } from '../../models/naming-target.ts'
import { describeModels } from '../../models/option-names.ts'
import { asRegistered } from '../../models/published.ts'
import { asyncOps } from '../../ops/index.ts'
import type { Tensor } from '../../tensor.ts'
import { inDtype } from './in-dtype.ts'
import { isPipelineFolder } from './inspect-pipeline.ts'
import { type LdmFamily, schedulerConfig, textConfig, unetConfig, vaeConfig } from './ldm-configs.ts'
import { LDM_PARTS, type LdmPart } from './ldm-names.ts'
import { openPipelineFolder, type PipelineFolder } from './pipeline-folder.ts'
import { STABLE_DIFFUSION_PARTS, type StableDiffusionPart } from './stable-diffusion-parts.ts'

type Config = Readonly<Record<string, unknown>>

/** How to write the file. */
export interface WriteSingleFileOptions extends Pick<OpenCheckpointOptions, 'variant'> {
  /** Of the weights; default: as they are stored. */
  dtype?: 'float32' | 'float16' | 'bfloat16' | undefined
}

/** What was written. */
export interface WrittenSingleFile {
  target: string
  /** Undefined for an autoencoder alone. */
  family: LdmFamily | undefined
  /** Tensors of each part, in the file. */
  parts: Record<string, number>
  bytes: number
  /**
   * What the folder's configs say and the file cannot, by part: readers take the family's usual values. `openSingleFile` takes it as `config`; empty
   * for the published sizes.
   */
  untold: Partial<Record<StableDiffusionPart | 'scheduler', Config>>
}

/** A network as it is to be written. */
interface Part {
  readonly name: StableDiffusionPart
  /** By the network's own names. */
  readonly tensors: SelectedTensors
  /** All its options. */
  readonly config: Config
  readonly path: string
}

/**
 * Writes a folder of Stable Diffusion 1 or 2, or of its autoencoder alone, as one safetensors file with the names of latent diffusion: what
 * `convertSingleFile` does, by the same rules the other way. Scheduler, tokenizer and safety checker have no place in it. The file appears whole or not
 * at all.
 *
 * @throws EegTorchError `CHECKPOINT_MISMATCH` for tensors that do not fit their config, or that the format has no names for; `FILE_WRITE_FAILED`, also
 *   where the target exists; and as {@link openPipelineFolder} and {@link openCheckpoint}
 */
export async function writeSingleFile(
  source: string,
  target: string,
  { dtype, variant }: WriteSingleFileOptions = {},
): Promise<WrittenSingleFile> {
  const folder = isPipelineFolder(source) ? openPipelineFolder(source) : undefined
  const parts = folder === undefined ? [readPart('vae', source, variant)] : readParts(folder, variant)
  const family = folder === undefined ? undefined : familyOf(parts)
  const written: WrittenSingleFile = { target, family, parts: {}, bytes: 0, untold: findUntold(parts, folder, family) }
  const content = new Map<string, Tensor>()
  const opened: Tensor[] = []
  try {
    for (const part of parts) {
      const layout = layOut(part, family)
      const loaded = await part.tensors.loadAll()
      opened.push(...loaded.values())
      for (const [name, how] of layout) content.set(name, await join(how, loaded, dtype))
      written.parts[part.name] = layout.size
    }
    for (const { length, dtype: stored } of content.values()) written.bytes += length * DTYPE_BYTES.get(stored)!
    await createAtomically(target, (temporary) =>
      namingTarget(target, temporary, () => writeSafetensors(temporary, content)),
    )
  } finally {
    for (const tensor of [...content.values(), ...opened]) tensor.dispose()
  }
  return written
}

function readParts(folder: PipelineFolder, variant: string | undefined): Part[] {
  return (['unet', 'vae', 'text_encoder'] as const).map((name) =>
    readPart(name, folder.component(name, STABLE_DIFFUSION_PARTS[name].className).path, variant),
  )
}

function readPart(name: StableDiffusionPart, path: string, variant: string | undefined): Part {
  const { network } = STABLE_DIFFUSION_PARTS[name]
  const checkpoint: Checkpoint = asRegistered(openCheckpoint(path, { variant }), network)
  const fitted = namingFile(path, () => fitModel(network, checkpoint))
  try {
    requireFit(fitted.fit, path)
    const selection = new Map([...storedNames(fitted)].map(([own, from]) => [own, { from }]))
    return {
      name,
      path,
      config: fitted.model.referenceConfig,
      tensors: new SelectedTensors(checkpoint.tensors, selection),
    }
  } finally {
    fitted.model.dispose()
  }
}

/** OpenAI's CLIP has an activation of its own, OpenCLIP has not. */
function familyOf(parts: readonly Part[]): LdmFamily {
  const text = parts.find(({ name }) => name === 'text_encoder')
  return text?.config.hidden_act === 'quick_gelu' ? 'stable-diffusion-1' : 'stable-diffusion-2'
}

/** Which of the network's tensors make up the file's, by the file's names. */
function layOut({ name, tensors, path }: Part, family: LdmFamily | undefined): Map<string, JoinedTensor> {
  const layout = layoutOf(name, family)
  const { joined, unknown } = joinByRules(tensors.names, layout.rulesOfNetwork(tensors.names))
  if (unknown.length === 0) {
    return family === undefined ? joined : new Map([...joined].map(([inside, how]) => [layout.prefix + inside, how]))
  }
  throw new EegTorchError('CHECKPOINT_MISMATCH', `latent diffusion has no name for some of the ${name}`, {
    file: path,
    expected: 'a network of Stable Diffusion 1 or 2',
    received: unknown.slice(0, 3).join(', '),
  })
}

function layoutOf(name: StableDiffusionPart, family: LdmFamily | undefined): LdmPart {
  if (name !== 'text_encoder') return LDM_PARTS[name]
  return family === 'stable-diffusion-1' ? LDM_PARTS.clip : LDM_PARTS.openClip
}

async function join(
  { from, form }: JoinedTensor,
  loaded: ReadonlyMap<string, Tensor>,
  dtype: WriteSingleFileOptions['dtype'],
): Promise<Tensor> {
  const own = from.map((name) => loaded.get(name)!)
  const whole = own.length === 1 ? own[0]! : await asyncOps.aten.cat(own, 0)
  const tensor = await inDtype(whole, dtype)
  if (own.length > 1 && tensor !== whole) whole.dispose()
  if (form === 'transposed') return tensor.t()
  return form === 'kernel' && tensor.shape.length === 2 ? tensor.unsqueeze(-1).unsqueeze(-1) : tensor
}

/** Options without meaning for the network that has them. */
const MEANINGLESS: ReadonlySet<string> = new Set(['projection_dim'])

/** What the file's reader would take for granted, against what the configs say. */
function findUntold(parts: readonly Part[], folder: PipelineFolder | undefined, family: LdmFamily | undefined) {
  const untold: WrittenSingleFile['untold'] = {}
  for (const part of parts) {
    const own = differing(part.config, { ...defaultsOf(part.name), ...assumed(part, family) })
    if (Object.keys(own).length > 0) untold[part.name] = own
  }
  if (folder === undefined || family === undefined) return untold
  const { prediction_type: usual } = schedulerConfig(family)
  const file = joinPath(folder.component('scheduler').path, 'scheduler_config.json')
  const { prediction_type: own = 'epsilon' } = readJsonObject(file)
  if (own !== usual) untold.scheduler = { prediction_type: own }
  return untold
}

function assumed({ name, tensors }: Part, family: LdmFamily | undefined): Config {
  if (name === 'vae' || family === undefined) return vaeConfig(tensors, family)
  return name === 'unet' ? unetConfig(tensors, family) : textConfig(tensors, family)
}

function defaultsOf(name: StableDiffusionPart): Config {
  const fields = describeModels().get(STABLE_DIFFUSION_PARTS[name].network)!.fields
  return Object.fromEntries(fields.map((field) => [field.name, field.default]))
}

function differing(config: Config, other: Config): Config {
  return Object.fromEntries(
    Object.entries(config).filter(([name, value]) => !MEANINGLESS.has(name) && !isSame(value, other[name])),
  )
}

/** One number for all levels is the same as the number for each. */
function isSame(a: unknown, b: unknown): boolean {
  if (Array.isArray(a) && !Array.isArray(b)) return a.every((one) => one === b)
  return Array.isArray(b) && !Array.isArray(a) ? isSame(b, a) : JSON.stringify(a) === JSON.stringify(b)
}
