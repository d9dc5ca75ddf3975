import { noGrad } from '../../autograd.ts'
import { arange, cat } from '../../creation.ts'
import { scope } from '../../memory.ts'
import type { Model } from '../../models/model.ts'
import { asyncOps, ops } from '../../ops/index.ts'
import type { Tensor } from '../../tensor.ts'
import type { FitResult } from '../../training/fit.ts'
import type { TensorSet } from '../../training/tensor-set.ts'
import { type ControlNetFitOptions, fitControlNet } from '../controlnet/fit-controlnet.ts'
import type { PictureCodec } from '../picture-codec.ts'
import type { Stimuli } from './fit-sgdm.ts'
import type { Sgdm } from './sgdm.ts'

/** Windows of EEG that are read at a time. */
const WINDOWS = 64

/**
 * Pictures of rough latents as a ControlNet sees them: (pictures, channels, side, side) -> (pictures, 3, height, width), 0 to 1.
 *
 * @param size rows and columns of the latents that are to be drawn
 */
export async function structurePictures(
  codec: PictureCodec,
  rough: Tensor,
  size: readonly [number, number],
  signal?: AbortSignal,
): Promise<Tensor> {
  using wide = await noGrad(() => asyncOps.aten.upsample_bilinear2d(rough, [...size], false))
  using pictures = await codec.decode(wide, { signal })
  return noGrad(() => scope(() => pictures.permute([0, 3, 1, 2]).contiguous()))
}

/**
 * Trains a ControlNet of trained networks' UNet, all of which stay as they are: it is told the rough structure of each stimulus, as in drawing it is told
 * the one that is read from the EEG, beside what the UNet is told.
 *
 * @param controlNet such as `controlNetOf(networks.unet)` makes it; its pictures are as much larger than latents as the codec's
 * @param eeg inputs (windows, channels, samples), targets the stimulus of each window: a row of `stimuli`, int64
 * @throws EegTorchError as `fitControlNet`
 */
export async function fitSgdmControlNet(
  controlNet: Model<'controlnet'>,
  networks: Sgdm,
  codec: PictureCodec,
  eeg: TensorSet,
  { latents, semantics }: Stimuli,
  options: ControlNetFitOptions,
): Promise<FitResult> {
  const { structureSize: side } = networks.config
  const [, , height = 0, width = 0] = latents.shape
  using rough = noGrad(() => ops.aten.adaptive_avg_pool2d(latents, [side, side]))
  using structures = await structurePictures(codec, rough, [height, width], options.signal)
  using latent = await readLatents(networks.eval(), eeg.inputs)
  using semantic = noGrad(() => semantics.index_select(0, eeg.targets))
  using nothing = noGrad(() => scope(() => networks.nullLatent.detach().unsqueeze(0).clone()))
  using rows = arange(0, latent.shape[0]!, 1, { dtype: 'int64', device: latent.device })
  return await fitControlNet(
    controlNet,
    { model: networks.unet, conditions: { latent, semantic }, without: { latent: nothing } },
    { latents, structures },
    { inputs: rows, targets: eeg.targets },
    { conditionDropout: 0.1, ...options },
  )
}

async function readLatents(networks: Sgdm, windows: Tensor): Promise<Tensor> {
  const count = windows.shape[0]!
  const parts: Tensor[] = []
  for (let from = 0; from < count; from += WINDOWS) {
    using some = noGrad(() => windows.narrow(0, from, Math.min(WINDOWS, count - from)))
    const [latent, ...others] = await noGrad(() => networks.runAsync(some))
    parts.push(latent!)
    for (const other of others) other.dispose()
  }
  const all = noGrad(() => cat(parts, 0))
  for (const part of parts) part.dispose()
  return all
}
