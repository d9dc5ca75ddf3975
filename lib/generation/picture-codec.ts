import { noGrad } from '../autograd.ts'
import { EegTorchError } from '../errors.ts'
import type { AsyncOptions } from '../models/model.ts'
import { asyncOps } from '../ops/index.ts'
import type { Tensor } from '../tensor.ts'

/** Between pictures (batch, height, width, 3) in 0 to 1 and what a diffusion model draws: (batch, channels, height / factor, width / factor). */
export interface PictureCodec extends Disposable {
  readonly channels: number
  /** Pixels along a side of one latent. */
  readonly factor: number
  /** Height and width that it was trained on, if it says so. */
  readonly usualSize?: readonly [number, number]
  /** The latents of pictures: their most likely ones, scaled to about unit variance. On the compute thread. */
  encode(pictures: Tensor, options?: AsyncOptions): Promise<Tensor>
  /** float32. On the compute thread. */
  decode(latents: Tensor, options?: AsyncOptions): Promise<Tensor>
}

/** @throws EegTorchError `CHECKPOINT_MISMATCH` for a UNet of other latents, as of inpainting, which would be found out when its pictures are decoded */
export function requireSameLatents(unet: { config: { inChannels: number } }, { channels }: PictureCodec): void {
  const { inChannels } = unet.config
  if (inChannels === channels) return
  throw new EegTorchError('CHECKPOINT_MISMATCH', 'the UNet does not draw what the autoencoder decodes', {
    expected: `${channels} channels of latents`,
    received: String(inChannels),
  })
}

/** The pixels themselves, in -1 to 1: for small pictures, which need no autoencoder. */
export class PixelCodec implements PictureCodec {
  readonly channels = 3
  readonly factor = 1

  encode(pictures: Tensor): Promise<Tensor> {
    return toNetwork(pictures)
  }

  decode(latents: Tensor): Promise<Tensor> {
    return toPictures(latents)
  }

  [Symbol.dispose](): void {}
}

/**
 * What an autoencoder decodes, in -1 to 1, as pictures: (batch, 3, height, width) -> (batch, height, width, 3) in 0 to 1, float32.
 * On the compute thread.
 */
export async function toPictures(decoded: Tensor): Promise<Tensor> {
  const { aten } = asyncOps
  const wide = await noGrad(() => aten.to(decoded, 'float32'))
  const shifted = await noGrad(() => aten.add(wide, 1))
  const halved = await noGrad(() => aten.mul_(shifted, 0.5))
  const clipped = await noGrad(() => aten.clamp_(halved, 0, 1))
  const pictures = noGrad(() => clipped.permute([0, 2, 3, 1]))
  for (const tensor of [wide, shifted, halved, clipped]) tensor.dispose()
  return pictures
}

/** The way back: (batch, height, width, 3) in 0 to 1 -> (batch, 3, height, width) in -1 to 1, float32. */
export async function toNetwork(pictures: Tensor): Promise<Tensor> {
  if (pictures.shape.length !== 4 || pictures.shape[3] !== 3) {
    throw new EegTorchError('SHAPE_MISMATCH', 'these are no pictures', {
      expected: '(batch, height, width, 3)',
      received: `(${pictures.shape.join(', ')})`,
    })
  }
  const { aten } = asyncOps
  const wide = await noGrad(() => aten.to(pictures, 'float32'))
  const doubled = await noGrad(() => aten.mul(wide, 2))
  const shifted = await noGrad(() => aten.sub_(doubled, 1))
  const images = noGrad(() => shifted.permute([0, 3, 1, 2]).contiguous())
  for (const tensor of [wide, doubled, shifted]) tensor.dispose()
  return images
}
