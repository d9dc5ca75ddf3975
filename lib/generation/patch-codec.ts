import { noGrad } from '../autograd.ts'
import { EegTorchError } from '../errors.ts'
import { scope } from '../memory.ts'
import { asyncOps, ops } from '../ops/index.ts'
import type { Tensor } from '../tensor.ts'
import { type PictureCodec, toNetwork, toPictures } from './picture-codec.ts'

/** How a {@link PatchCodec} is fitted. */
export interface PatchCodecOptions {
  /** Pixels along a side of a patch; default 4. */
  patch?: number
  /** Numbers that are kept of a patch; default 8. */
  channels?: number
}

/**
 * How far the variances of the components are evened out, from 0 to 1. At 0, noise hides texture long before contours; at 1, what is wrong about
 * texture counts as much as what is wrong about contours.
 */
const WHITENING = 0.5
/** Least share of the largest variance that a component is taken to have: grey pictures have no colour. */
const LEAST = 1e-4

/**
 * A linear autoencoder: the first principal components of each patch of a picture. It is fitted in closed form, and makes diffusion over few pictures
 * many times cheaper than diffusion over their pixels.
 */
export class PatchCodec implements PictureCodec {
  readonly channels: number
  readonly factor: number
  /** The mean patch (values), and components that take a patch apart (channels, values) and put it together (values, channels). */
  readonly #mean: Tensor
  readonly #take: Tensor
  readonly #put: Tensor

  private constructor(factor: number, [mean, take, put]: readonly [Tensor, Tensor, Tensor]) {
    this.channels = take.shape[0]!
    this.factor = factor
    this.#mean = mean
    this.#take = take
    this.#put = put
  }

  /**
   * Learns the components from pictures.
   *
   * @param pictures (pictures, height, width, 3) in 0 to 1, height and width multiples of `patch`
   * @throws EegTorchError `SHAPE_MISMATCH` for other pictures, `INVALID_OPTION` for more channels than a patch has values
   */
  static async fit(pictures: Tensor, { patch = 4, channels = 8 }: PatchCodecOptions = {}): Promise<PatchCodec> {
    requireChannels(channels, 3 * patch ** 2)
    requireMultiple(pictures, patch)
    using images = await toNetwork(pictures)
    using rows = noGrad(() => scope(() => rowsOf(images, patch)))
    using covariance = await noGrad(() => asyncOps.aten.cov(rows.t()))
    const [values, vectors] = await noGrad(() => asyncOps.aten.linalg_eigh(covariance))
    const parts = noGrad(() =>
      scope(() => {
        // Eigenvalues ascend.
        const components = vectors.flip([1]).narrow(1, 0, channels)
        const variances = values.flip([0]).narrow(0, 0, channels)
        const deviations = variances.clamp_min(variances.select(0, 0).mul(LEAST)).sqrt()
        const scale = deviations.pow(WHITENING)
        // What is encoded has unit variance, all channels taken together.
        const even = scale.mul(variances.div(scale.pow(2)).mean().sqrt())
        return [rows.mean([0]), components.div(even).t().contiguous(), components.mul(even)] as const
      }),
    )
    for (const tensor of [values, vectors]) tensor.dispose()
    return new PatchCodec(patch, parts)
  }

  async encode(pictures: Tensor): Promise<Tensor> {
    requireMultiple(pictures, this.factor)
    using images = await toNetwork(pictures)
    const [batch, height, width] = pictures.shape as [number, number, number]
    const grid = [batch, height / this.factor, width / this.factor, this.channels]
    return noGrad(() =>
      scope(() =>
        rowsOf(images, this.factor)
          .sub(this.#mean)
          .matmul(this.#take.t())
          .reshape(grid)
          .permute([0, 3, 1, 2])
          .contiguous(),
      ),
    )
  }

  async decode(latents: Tensor): Promise<Tensor> {
    using images = noGrad(() =>
      scope(() => {
        const patches = latents.to('float32').permute([0, 2, 3, 1]).matmul(this.#put.t()).add(this.#mean)
        return ops.aten.pixel_shuffle(patches.permute([0, 3, 1, 2]), this.factor)
      }),
    )
    return toPictures(images)
  }

  [Symbol.dispose](): void {
    for (const tensor of [this.#mean, this.#take, this.#put]) tensor.dispose()
  }
}

/** The patches of images (batch, 3, height, width), one a row (batch * patches, 3 * patch^2). */
function rowsOf(images: Tensor, patch: number): Tensor {
  return ops.aten.pixel_unshuffle(images, patch).permute([0, 2, 3, 1]).flatten(0, 2)
}

function requireMultiple({ shape }: Tensor, patch: number): void {
  const [, height = 0, width = 0, channels] = shape
  if (shape.length === 4 && channels === 3 && height % patch === 0 && width % patch === 0) return
  throw new EegTorchError('SHAPE_MISMATCH', 'these pictures cannot be cut into patches', {
    expected: `(pictures, height, width, 3) with sides that are multiples of ${patch}`,
    received: `(${shape.join(', ')})`,
  })
}

function requireChannels(channels: number, most: number): void {
  if (Number.isInteger(channels) && channels >= 1 && channels <= most) return
  throw new EegTorchError('INVALID_OPTION', 'a patch does not have so many components', {
    option: 'channels',
    expected: `a whole number from 1 to ${most}`,
    received: String(channels),
  })
}
