import { createHash } from 'node:crypto'
import { cat, tensor } from '../../creation.ts'
import type { Tensor } from '../../tensor.ts'
import type { ImageNetworks } from '../metrics/image-networks.ts'
import { type Picture, resizePicture, tensorOfPictures } from '../pictures/picture.ts'

/** Pictures that a network looks at together. */
const BATCH = 8
/** Side of the thumbnails that stand for whole pictures where their pixels are features. */
const THUMBNAIL = 32

/** One side of a comparison: pictures of one size, and what was seen in them, looked at once. */
export class PictureSide implements Disposable {
  readonly pictures: readonly Picture[]
  /** Class of each, where they are known. */
  readonly labels: readonly string[] | undefined
  readonly #networks: ImageNetworks
  #keys: readonly string[] | undefined
  #features: Promise<ReadonlyMap<string, Tensor>> | undefined

  constructor(pictures: readonly Picture[], networks: ImageNetworks, labels?: readonly string[]) {
    this.pictures = pictures
    this.labels = labels
    this.#networks = networks
  }

  /** What tells different pictures apart: equal for equal pixels at the size of this side. */
  get keys(): readonly string[] {
    this.#keys ??= this.pictures.map(keyOf)
    return this.#keys
  }

  /** Picture `index` as (1, height, width, 3). */
  one(index: number): Tensor {
    return tensorOfPictures([this.pictures[index]!])
  }

  /** (pictures, features) of `pixels` (of thumbnails of 32 x 32), or of a place in a network; this object's to dispose of. */
  async features(place: string): Promise<Tensor> {
    this.#features ??= this.#look()
    return (await this.#features).get(place)!
  }

  /** The same pictures in another order or selection, with what was seen in them. */
  async take(indices: readonly number[]): Promise<PictureSide> {
    const taken = new PictureSide(
      indices.map((index) => this.pictures[index]!),
      this.#networks,
      this.labels && indices.map((index) => this.labels![index]!),
    )
    this.#features ??= this.#look()
    const seen = await this.#features
    const rows = new Map([...seen].map(([place, values]) => [place, rowsOf(values, indices)]))
    taken.#features = Promise.resolve(rows)
    return taken
  }

  async #look(): Promise<ReadonlyMap<string, Tensor>> {
    const parts = new Map<string, Tensor[]>()
    const keep = (place: string, values: Tensor) => parts.set(place, [...(parts.get(place) ?? []), values])
    try {
      for (let start = 0; start < this.pictures.length; start += BATCH) {
        const batch = this.pictures.slice(start, start + BATCH)
        keep('pixels', await thumbnails(batch))
        using images = tensorOfPictures(batch)
        for (const [place, values] of Object.entries(await this.#networks.see(images))) keep(place, values)
      }
      return new Map([...parts].map(([place, values]) => [place, cat(values)]))
    } finally {
      for (const values of parts.values()) for (const part of values) part.dispose()
    }
  }

  [Symbol.dispose](): void {
    // whoever asked for features is told of an error; here there is then nothing to free
    this.#features?.then(freeAll, () => undefined)
  }
}

/** Sides that are disposed of together. */
export class PictureSides implements Disposable {
  readonly #sides: PictureSide[] = []

  /** @returns the side, which is this object's from now on */
  own(side: PictureSide): PictureSide {
    this.#sides.push(side)
    return side
  }

  [Symbol.dispose](): void {
    for (const side of this.#sides) side[Symbol.dispose]()
  }
}

/** Equal for pictures of equal pixels. */
export function keyOf({ width, pixels }: Picture): string {
  return `${width} ${createHash('sha1').update(pixels).digest('base64')}`
}

function rowsOf(values: Tensor, indices: readonly number[]): Tensor {
  using index = tensor(BigInt64Array.from(indices, BigInt))
  return values.index_select(0, index)
}

/** (pictures, features): the pixels of small copies */
async function thumbnails(pictures: readonly Picture[]): Promise<Tensor> {
  const size = { width: THUMBNAIL, height: THUMBNAIL }
  using small = tensorOfPictures(await Promise.all(pictures.map((one) => resizePicture(one, size))))
  return small.flatten(1)
}

function freeAll(seen: ReadonlyMap<string, Tensor>): void {
  for (const values of seen.values()) values.dispose()
}
