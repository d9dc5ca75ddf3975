import { type Checkpoint, type OpenCheckpointOptions, openCheckpoint } from '../../checkpoints/checkpoint.ts'
import { selectByRules } from '../../checkpoints/name-rules.ts'
import { type SelectedTensor, SelectedTensors } from '../../checkpoints/selected-tensors.ts'
import type { StoredTensor } from '../../checkpoints/stored-tensor.ts'
import { EegTorchError } from '../../errors.ts'
import { type LdmFamily, schedulerConfig, textConfig, unetConfig, vaeConfig } from './ldm-configs.ts'
import { LDM_PARTS, type LdmPart } from './ldm-names.ts'
import { STABLE_DIFFUSION_PARTS, type StableDiffusionPart } from './stable-diffusion-parts.ts'

type Config = Readonly<Record<string, unknown>>

/** What training and older releases leave beside the weights. */
const UNUSED = /^loss\.|\.position_ids$|^(?:text_projection|logit_scale|attn_mask)$/

/** What a file does not tell, such as heads of a network that is no published size. */
export interface SingleFileOptions extends OpenCheckpointOptions {
  /** Options that replace those read from the tensors, and the family's scheduler's, by part, in the reference's spelling. */
  config?: Partial<Record<StableDiffusionPart | 'scheduler', Config>>
}

/** A checkpoint in one file, as Stable Diffusion was first published, taken apart. */
export interface SingleFile {
  readonly path: string
  /** Undefined for an autoencoder alone. */
  readonly family?: LdmFamily
  /** What there is of `unet`, `vae` and `text_encoder`: each can be loaded as a folder of diffusers is, by `loadCheckpoint`. */
  readonly parts: ReadonlyMap<StableDiffusionPart, Checkpoint>
  /** The family's scheduler, as `scheduler_config.json` would tell it; the file itself says nothing of it. */
  readonly scheduler?: Config
}

/**
 * Opens a `.ckpt` or `.safetensors` file with the names of latent diffusion: Stable Diffusion 1 or 2 whole, or an autoencoder alone. Tensors are
 * listed by diffusers' names, not read. Averaged copies (`model_ema.`) are left out. The file holds no tokeniser.
 *
 * @throws EegTorchError `FILE_UNSUPPORTED` for another family, such as XL; and as {@link openCheckpoint}
 */
export function openSingleFile(path: string, { config = {}, ...options }: SingleFileOptions = {}): SingleFile {
  const checkpoint = openCheckpoint(path, options)
  const stored = checkpoint.tensors.tensors
  const family = familyOf(checkpoint)
  const part = (
    name: StableDiffusionPart,
    selection: Map<string, SelectedTensor>,
    configOf: (tensors: SelectedTensors) => Config,
  ): [StableDiffusionPart, Checkpoint] => {
    const tensors = new SelectedTensors(checkpoint.tensors, selection)
    const described = { model: STABLE_DIFFUSION_PARTS[name].network, config: { ...configOf(tensors), ...config[name] } }
    return [name, { path, format: checkpoint.format, metadata: described, tensors, keys: [] }]
  }
  if (family === undefined)
    return {
      path,
      parts: new Map([part('vae', selectPart(stored, LDM_PARTS.vae, ''), (tensors) => vaeConfig(tensors))]),
    }
  const { unet, vae, clip, openClip } = LDM_PARTS
  const text = selectPart(stored, family === 'stable-diffusion-1' ? clip : openClip)
  return {
    path,
    family,
    parts: new Map([
      part('unet', selectPart(stored, unet), (tensors) => unetConfig(tensors, family)),
      part('vae', selectPart(stored, vae), (tensors) => vaeConfig(tensors, family)),
      part('text_encoder', text, (tensors) => textConfig(tensors, family)),
    ]),
    scheduler: { ...schedulerConfig(family), ...config.scheduler },
  }
}

function selectPart(
  stored: ReadonlyMap<string, StoredTensor>,
  part: LdmPart,
  prefix: string = part.prefix,
): Map<string, SelectedTensor> {
  const own = new Map<string, StoredTensor>()
  for (const [name, tensor] of stored) {
    const rest = name.slice(prefix.length)
    if (name.startsWith(prefix) && !UNUSED.test(rest)) own.set(rest, tensor)
  }
  const selection = selectByRules(own, part.rulesOfFile([...own.keys()]))
  return new Map([...selection].map(([name, selected]) => [name, { ...selected, from: prefix + selected.from }]))
}

/** The family; undefined for an autoencoder alone. */
function familyOf({ path, tensors: { names } }: Checkpoint): LdmFamily | undefined {
  const has = (prefix: string) => names.some((name) => name.startsWith(prefix))
  const { unet, clip, openClip } = LDM_PARTS
  if (has(unet.prefix) && has(clip.prefix)) return 'stable-diffusion-1'
  if (has(unet.prefix) && has(openClip.prefix)) return 'stable-diffusion-2'
  if (has('decoder.up.0.block.0.')) return undefined
  throw new EegTorchError('FILE_UNSUPPORTED', 'holds no Stable Diffusion of a family that can be read from one file', {
    file: path,
    expected: `tensors under ${unet.prefix} and ${clip.prefix} (1.x) or ${openClip.prefix} (2.x), or an autoencoder of latent diffusion`,
    received: has('conditioner.embedders.')
      ? 'Stable Diffusion XL'
      : `tensors such as ${names.slice(0, 3).join(', ').slice(0, 200)}`,
  })
}
