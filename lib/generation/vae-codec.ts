import { noGrad } from '../autograd.ts'
import { cat, zeros } from '../creation.ts'
import { EegTorchError } from '../errors.ts'
import type { AsyncOptions, Model } from '../models/model.ts'
import { type Placement, placementOf } from '../models/placement.ts'
import type { Tensor } from '../tensor.ts'
import { type PictureCodec, toNetwork, toPictures } from './picture-codec.ts'

/** Latents of a variational autoencoder, such as that of Stable Diffusion. It owns the network. */
export class VaeCodec implements PictureCodec {
  readonly channels: number
  readonly factor: number
  readonly usualSize: readonly [number, number]
  readonly #vae: Model<'autoencoder_kl'>
  readonly #oneByOne: boolean
  readonly #place: Placement

  /** @param oneByOne decode one picture after the other, which needs the memory of one */
  constructor(vae: Model<'autoencoder_kl'>, { oneByOne = false }: { oneByOne?: boolean } = {}) {
    const { latentChannels, blockOutChannels, sampleSize } = vae.config
    this.#vae = vae.eval()
    this.#oneByOne = oneByOne
    this.#place = placementOf(vae)
    this.channels = latentChannels
    this.factor = 2 ** (blockOutChannels.length - 1)
    const size = sampleSize as number | readonly number[]
    this.usualSize = typeof size === 'number' ? [size, size] : [size[0]!, size[1]!]
  }

  async encode(pictures: Tensor, options: AsyncOptions = {}): Promise<Tensor> {
    const [batch, height, width] = pictures.shape as [number, number, number]
    requireMultiple({ height, width }, this.factor)
    using scaled = await toNetwork(pictures)
    using images = noGrad(() => scaled.to(this.#place.device).to(this.#place.dtype))
    const shape = [batch, this.channels, height / this.factor, width / this.factor]
    // Without noise the most likely latents come out.
    using none = noGrad(() => zeros(shape).to(this.#place.device).to(this.#place.dtype))
    const [mean, logvar, encoded] = await noGrad(() => this.#vae.callAsync('encode', [images, none], options))
    mean!.dispose()
    logvar!.dispose()
    return encoded!
  }

  async decode(latents: Tensor, options: AsyncOptions = {}): Promise<Tensor> {
    const parts = this.#oneByOne ? noGrad(() => latents.split(1, 0)) : [latents]
    const pictures: Tensor[] = []
    try {
      for (const part of parts) {
        const [decoded] = await noGrad(() => this.#vae.callAsync('decode', [part], options))
        using images = decoded!
        pictures.push(await toPictures(images))
      }
      return pictures.length === 1 ? pictures.pop()! : noGrad(() => cat(pictures, 0))
    } finally {
      for (const picture of pictures) picture.dispose()
      if (this.#oneByOne) for (const part of parts) part.dispose()
    }
  }

  [Symbol.dispose](): void {
    this.#vae.dispose()
  }
}

function requireMultiple(sides: { height: number; width: number }, factor: number): void {
  for (const [name, value] of Object.entries(sides)) {
    if (value % factor === 0) continue
    throw new EegTorchError('SHAPE_MISMATCH', `the ${name} of these pictures does not fit the autoencoder`, {
      expected: `a multiple of ${factor}`,
      received: String(value),
    })
  }
}
