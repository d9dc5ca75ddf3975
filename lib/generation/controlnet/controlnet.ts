import { noGrad } from '../../autograd.ts'
import { EegTorchError } from '../../errors.ts'
import { scope } from '../../memory.ts'
import type { Model } from '../../models/model.ts'
import { type ModelOptions, models } from '../../models/models.ts'
import { describeModels } from '../../models/option-names.ts'
import { camelCase } from '../../names.ts'
import type { Tensor } from '../../tensor.ts'
import type { PictureCodec } from '../picture-codec.ts'

/** A UNet that takes what a ControlNet says. */
export type ControllableUnet = Model<'unet2d_condition'> | Model<'sgdm_unet'>

/** Options of a ControlNet that its UNet does not decide. */
export type ControlNetOptions = Pick<
  ModelOptions<'controlnet'>,
  'conditioningChannels' | 'conditioningEmbeddingOutChannels' | 'controlnetConditioningChannelOrder'
>

/** Where sgdm's network keeps its UNet. */
const WRAPPED = 'unet.'

/**
 * A ControlNet for a UNet (Zhang et al. 2023, ICCV, arXiv 2302.05543): a copy of its way down and its middle, beside new layers for the picture of the
 * structure and convolutions that start at zero, so that the UNet begins as it was. diffusers' `ControlNetModel.from_unet`.
 *
 * @param options by default pictures of 3 channels, 8 times as large as latents along each side
 * @throws EegTorchError `CHECKPOINT_MISMATCH` for a UNet whose way down has other tensors
 */
export function controlNetOf(unet: ControllableUnet, options: ControlNetOptions = {}): Model<'controlnet'> {
  const config = unet.config as unknown as Record<string, unknown>
  const names = describeModels()
    .get('controlnet')!
    .fields.map(({ name }) => camelCase(name))
  const shared = Object.fromEntries(names.filter((name) => name in config).map((name) => [name, config[name]]))
  const controlNet = models.create('controlnet', {
    ...shared,
    crossAttentionDim: contextWidthOf(unet),
    ...options,
  } as never)
  scope(() => copyWayDown(unet, controlNet))
  return controlNet
}

/** Widths of the layers that read a picture of the structure; each further one halves it (Zhang et al. 2023 have four, for latents an eighth as large). */
const WIDTHS = [16, 32, 96, 256]

/** What a ControlNet needs to bring pictures down to the size of a codec's latents. */
export function structureLayers({ factor }: Pick<PictureCodec, 'factor'>): ControlNetOptions {
  const count = Math.log2(factor) + 1
  return { conditioningEmbeddingOutChannels: Array.from({ length: count }, (_, i) => WIDTHS[i] ?? WIDTHS.at(-1)!) }
}

/** Width of what a UNet is told, as its ControlNet is told it: sgdm's two vectors one behind the other. */
export function contextWidthOf({ config }: ControllableUnet): unknown {
  return 'crossAttentionDim' in config ? config.crossAttentionDim : config.latentDim + config.semanticDim
}

function copyWayDown(unet: ControllableUnet, controlNet: Model<'controlnet'>): void {
  const [given, own] = [unet.stateDict(), controlNet.stateDict()]
  for (const [name, weight] of Object.entries(own)) {
    if (/^controlnet_/.test(name)) continue
    const found = given[name] ?? given[WRAPPED + name]
    if (found === undefined || found.shape.join() !== weight.shape.join()) {
      controlNet.dispose()
      throw new EegTorchError('CHECKPOINT_MISMATCH', 'the UNet has no such tensor for its ControlNet', {
        expected: `${name} (${weight.shape.join(', ')})`,
        received: found === undefined ? 'none' : `(${found.shape.join(', ')})`,
      })
    }
    noGrad(() => weight.copy_(found))
  }
}

/** What a ControlNet said, by the names of the inputs under which a UNet takes it. */
export function residualsOf(said: Readonly<Record<string, Tensor>>): Record<string, Tensor> {
  return Object.fromEntries(
    Object.entries(said).map(([name, residual]) => [name.replace('ResSample', 'AdditionalResidual'), residual]),
  )
}
