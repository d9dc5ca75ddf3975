import { type Checkpoint, type OpenCheckpointOptions, openCheckpoint } from '../../checkpoints/checkpoint.ts'
import { type SelectedTensor, SelectedTensors } from '../../checkpoints/selected-tensors.ts'
import { EegTorchError } from '../../errors.ts'
import { type LdmFamily, schedulerConfig, textConfig, unetConfig, vaeConfig } from './ldm-configs.ts'
import { LDM_PREFIXES, selectClip, selectOpenClip, selectUnet, selectVae } from './ldm-names.ts'

type Config = Readonly<Record<string, unknown>>
type Part = 'unet' | 'vae' | 'text_encoder'

/** What a file does not tell, such as heads of a network that is no published size. */
export interface SingleFileOptions extends OpenCheckpointOptions {
  /** Options that replace those read from the tensors, by part, in the reference's spelling. */
  config?: Partial<Record<Part, Config>>
}

/** A checkpoint in one file, as Stable Diffusion was first published, taken apart. */
export interface SingleFile {
  readonly path: string
  /** Undefined for an autoencoder alone. */
  readonly family?: LdmFamily
  /** What there is of `unet`, `vae` and `text_encoder`: each can be loaded as a folder of diffusers is, by `loadCheckpoint`. */
  readonly parts: ReadonlyMap<Part, Checkpoint>
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
    name: Part,
    model: string,
    selection: Map<string, SelectedTensor>,
    configOf: (tensors: SelectedTensors) => Config,
  ): [Part, Checkpoint] => {
    const tensors = new SelectedTensors(checkpoint.tensors, selection)
    const described = { model, config: { ...configOf(tensors), ...config[name] } }
    return [name, { path, format: checkpoint.format, metadata: described, tensors, keys: [] }]
  }
  if (family === undefined)
    return { path, parts: new Map([part('vae', 'autoencoder_kl', selectVae(stored, ''), vaeConfig)]) }
  const { unet, vae, clip, openClip } = LDM_PREFIXES
  const isFirst = family === 'stable-diffusion-1'
  const text = isFirst ? selectClip(stored, clip) : selectOpenClip(stored, openClip)
  return {
    path,
    family,
    parts: new Map([
      part('unet', 'unet2d_condition', selectUnet(stored, unet), (tensors) => unetConfig(tensors, family)),
      part('vae', 'autoencoder_kl', selectVae(stored, vae), vaeConfig),
      part('text_encoder', 'clip_text', text, (tensors) => textConfig(tensors, family)),
    ]),
    scheduler: schedulerConfig(family),
  }
}

/** The family; undefined for an autoencoder alone. */
function familyOf({ path, tensors: { names } }: Checkpoint): LdmFamily | undefined {
  const has = (prefix: string) => names.some((name) => name.startsWith(prefix))
  const { unet, clip, openClip } = LDM_PREFIXES
  if (has(unet) && has(clip)) return 'stable-diffusion-1'
  if (has(unet) && has(openClip)) return 'stable-diffusion-2'
  if (has('decoder.up.0.block.0.')) return undefined
  throw new EegTorchError('FILE_UNSUPPORTED', 'holds no Stable Diffusion of a family that can be read from one file', {
    file: path,
    expected: `tensors under ${unet} and ${clip} (1.x) or ${openClip} (2.x), or an autoencoder of latent diffusion`,
    received: has('conditioner.embedders.')
      ? 'Stable Diffusion XL'
      : `tensors such as ${names.slice(0, 3).join(', ').slice(0, 200)}`,
  })
}
