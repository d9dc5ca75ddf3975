import { openCheckpoint } from '../../checkpoints/checkpoint.ts'
import { tensor } from '../../creation.ts'
import { EegTorchError } from '../../errors.ts'
import { scope } from '../../memory.ts'
import { Model } from '../../models/model.ts'
import { models } from '../../models/models.ts'
import { asyncOps } from '../../ops/index.ts'
import type { Tensor } from '../../tensor.ts'
import { Clip } from '../clip/clip.ts'
import { picturesOf } from '../pictures/picture.ts'

/** Files of the networks that look at pictures: eegtorch's own, or torchvision's and lpips' `.pth`. */
export interface ImageNetworkFiles {
  /** AlexNet of torchvision: layers 2 and 5 for two-way identification. */
  alexnet?: string | undefined
  /** Inception-v3 of torchvision: features and classes. */
  inception?: string | undefined
  /** LPIPS over AlexNet. A file that holds the heads alone, as lpips publishes it, takes the trunk from `alexnet`. */
  lpips?: string | undefined
  /** CLIP, of transformers or OpenAI: its embeddings of pictures. */
  clip?: string | undefined
}

/** What networks see in pictures, by the name of the place: (pictures, features) each. */
export type SeenFeatures = Readonly<Record<string, Tensor>>

const MEAN = [0.485, 0.456, 0.406]
const DEVIATION = [0.229, 0.224, 0.225]
/** Sides to which pictures are scaled, as torchvision's own transforms of these networks do. */
const [ALEXNET_SIDE, INCEPTION_SIDE] = [256, 342]
const LPIPS_LEAST = 63

/** Networks that look at pictures, with their weights. */
export class ImageNetworks implements Disposable {
  readonly #alexnet: Model<'alexnet'> | undefined
  readonly #inception: Model<'inception_v3'> | undefined
  readonly #lpips: Model<'lpips_alex'> | undefined
  readonly #clip: Clip | undefined

  private constructor(
    alexnet: Model<'alexnet'> | undefined,
    inception: Model<'inception_v3'> | undefined,
    lpips: Model<'lpips_alex'> | undefined,
    clip: Clip | undefined,
  ) {
    this.#alexnet = alexnet?.eval()
    this.#inception = inception?.eval()
    this.#lpips = lpips?.eval()
    this.#clip = clip
  }

  /** Opens those whose files are given. @throws EegTorchError as `models.load` and `Clip.load` do */
  static async open({ alexnet, inception, lpips, clip }: ImageNetworkFiles): Promise<ImageNetworks> {
    const opened: { dispose(): void }[] = []
    const own = async <T extends { dispose(): void }>(file: string | undefined, open: (file: string) => Promise<T>) => {
      if (file === undefined) return undefined
      const network = await open(file)
      opened.push(network)
      return network
    }
    try {
      return new ImageNetworks(
        await own(alexnet, (file) => models.load<'alexnet'>(file, { model: 'alexnet' })),
        await own(inception, openInception),
        await own(lpips, (file) => openLpips(file, alexnet)),
        await own(clip, (file) => Clip.load(file)),
      )
    } catch (error) {
      for (const network of opened) network.dispose()
      throw error
    }
  }

  /** Places whose features {@link see} gives. */
  get places(): readonly string[] {
    return [
      ...(this.#alexnet ? ['alexnet-2', 'alexnet-5'] : []),
      ...(this.#inception ? ['inception'] : []),
      ...(this.#clip ? ['clip'] : []),
    ]
  }

  get hasLpips(): boolean {
    return this.#lpips !== undefined
  }

  /** How many classes Inception-v3 tells; undefined without it. */
  get classes(): number | undefined {
    return this.#inception?.config.numClasses
  }

  /**
   * @param pictures (pictures, height, width, 3) from 0 to 1
   * @returns features by place, and `classes`: what Inception-v3 gives each class; the caller's to dispose of
   */
  async see(pictures: Tensor): Promise<SeenFeatures> {
    const seen: Record<string, Tensor> = {}
    if (this.#alexnet !== undefined) {
      using image = await normalised(pictures, ALEXNET_SIDE)
      const { layer2, layer5, logits } = await this.#alexnet.runAsync({ image })
      logits.dispose()
      for (const [name, layer] of Object.entries({ 'alexnet-2': layer2, 'alexnet-5': layer5 })) {
        seen[name] = scope(() => layer.detach().flatten(1))
        layer.dispose()
      }
    }
    if (this.#inception !== undefined) {
      using image = await normalised(pictures, INCEPTION_SIDE)
      const { features, logits } = await this.#inception.runAsync({ image })
      for (const [name, values] of Object.entries({ inception: features, classes: logits })) {
        seen[name] = values.detach()
        values.dispose()
      }
    }
    if (this.#clip !== undefined) seen.clip = await this.#clip.encodeImages(await picturesOf(pictures))
    return seen
  }

  /**
   * LPIPS of each picture and its counterpart: 0 for equal ones.
   *
   * @param real (pictures, height, width, 3) from 0 to 1
   * @param made of the same shape
   */
  async distances(real: Tensor, made: Tensor): Promise<Tensor> {
    if (this.#lpips === undefined)
      throw new EegTorchError('INVALID_OPTION', 'there are no weights of LPIPS', { option: 'lpips' })
    using image0 = await centred(real)
    using image1 = await centred(made)
    const { distance } = await this.#lpips.runAsync({ image0, image1 })
    const flat = scope(() => distance.detach().flatten())
    distance.dispose()
    return flat
  }

  dispose(): void {
    for (const network of [this.#alexnet, this.#inception, this.#lpips, this.#clip]) network?.dispose()
  }

  [Symbol.dispose](): void {
    this.dispose()
  }
}

/** torchvision's published files want their input brought to -1 .. 1; those that eegtorch wrote say what they want. */
async function openInception(file: string): Promise<Model<'inception_v3'>> {
  const known = openCheckpoint(file).metadata.config !== undefined
  return models.load(file, { model: 'inception_v3', ...(!known && { config: { transform_input: true } }) })
}

async function openLpips(file: string, trunk: string | undefined): Promise<Model<'lpips_alex'>> {
  const checkpoint = openCheckpoint(file)
  if (checkpoint.tensors.names.some((name) => name.startsWith('net.'))) {
    return models.load(file, { model: 'lpips_alex' })
  }
  if (trunk === undefined) {
    throw new EegTorchError('CHECKPOINT_MISMATCH', 'holds the heads of LPIPS alone, without the AlexNet below them', {
      file,
      option: 'alexnet',
      expected: "torchvision's AlexNet beside it",
    })
  }
  const heads = await checkpoint.tensors.loadAll({ copy: true })
  try {
    const below = await openCheckpoint(trunk).tensors.loadAll({ copy: true })
    try {
      return joinLpips(heads, below)
    } finally {
      for (const weight of below.values()) weight.dispose()
    }
  } finally {
    for (const weight of heads.values()) weight.dispose()
  }
}

/** LPIPS of published heads and a published trunk. */
function joinLpips(heads: ReadonlyMap<string, Tensor>, trunk: ReadonlyMap<string, Tensor>): Model<'lpips_alex'> {
  const net = new Model('lpips_alex')
  const own = net.stateDict()
  const given = Object.keys(own).map((name) => {
    const place = /^net\.slice\d\.(.*)$/.exec(name)?.[1]
    return [name, (place === undefined ? heads.get(name) : trunk.get(`features.${place}`)) ?? own[name]!] as const
  })
  try {
    return net.loadStateDict(new Map(given))
  } catch (error) {
    net.dispose()
    throw error
  } finally {
    for (const weight of Object.values(own)) weight.dispose()
  }
}

/** (pictures, height, width, 3) -> (pictures, 3, height, width) */
function channelsFirst(pictures: Tensor): Tensor {
  return scope(() => pictures.detach().permute([0, 3, 1, 2]).to('float32').contiguous())
}

/** (pictures, height, width, 3) -> (pictures, 3, side, side), normalised as ImageNet's */
async function normalised(pictures: Tensor, side: number): Promise<Tensor> {
  using image = channelsFirst(pictures)
  using scaled = await asyncOps.aten._upsample_bilinear2d_aa(image, [side, side], false)
  using mean = tensor(Float32Array.from(MEAN), { shape: [1, 3, 1, 1] })
  using deviation = tensor(Float32Array.from(DEVIATION), { shape: [1, 3, 1, 1] })
  using shifted = await asyncOps.aten.sub(scaled, mean)
  return asyncOps.aten.div(shifted, deviation)
}

/** (pictures, height, width, 3) from 0 to 1 -> (pictures, 3, height, width) from -1 to 1, small pictures scaled up */
async function centred(pictures: Tensor): Promise<Tensor> {
  using plain = channelsFirst(pictures)
  using image = scope(() => plain.mul(2).sub(1))
  const [height, width] = image.shape.slice(2) as [number, number]
  if (Math.min(height, width) >= LPIPS_LEAST) return image.clone()
  return asyncOps.aten._upsample_bilinear2d_aa(
    image,
    [Math.max(height, LPIPS_LEAST), Math.max(width, LPIPS_LEAST)],
    false,
  )
}
