import { crc32 } from 'node:zlib'
import { allocate, type WindowSource } from '../datasets/windows.ts'
import { readAt, readAtAsync } from '../files/read-at.ts'
import { withFile, withFileAsync } from '../files/with-file.ts'
import { decodeWindow, type RecordShape, recordBytes } from './samples.ts'
import { damaged } from './store-format.ts'

/** Where the records of a store lie. */
export interface StoreLayout {
  readonly path: string
  /** Bytes of the file that the places were checked against. */
  readonly fileSize: number
  readonly shape: RecordShape
  /** Where each window's record begins, in bytes. */
  readonly offsets: Float64Array
  /** CRC-32 of each record. */
  readonly checksums: Uint32Array
  /** Class of each window. */
  readonly labels: Int32Array
}

/** What is made of the samples of a channel: `(sample - mean) * factor`. */
export interface ChannelScale {
  readonly mean: Float64Array
  readonly factor: Float64Array
}

/** Records that are read at a time. */
const AT_ONCE = 8

/** Windows of a store, read one by one when they are asked for. */
export class StoredSamples implements WindowSource {
  readonly layout: StoreLayout
  /** Which windows of the store. */
  readonly rows: Int32Array
  readonly scale: ChannelScale | undefined

  constructor(layout: StoreLayout, rows: Int32Array, scale?: ChannelScale) {
    this.layout = layout
    this.rows = rows
    this.scale = scale
  }

  get length(): number {
    return this.rows.length
  }

  /** @throws EegTorchError `FILE_INVALID` for a record that is damaged, `FILE_TRUNCATED`, `FILE_NOT_FOUND` */
  read(index: number): Float32Array {
    const { path, offsets, shape } = this.layout
    const row = this.rows[index]!
    return this.#decode(
      row,
      withFile(path, (file) => readAt(file, offsets[row]!, recordBytes(shape), `window ${row}`, path)),
    )
  }

  /** @throws EegTorchError as {@link read} */
  async load(indices: ArrayLike<number>): Promise<Float32Array> {
    const { path, offsets, shape } = this.layout
    const size = shape.nChannels * shape.nSamples
    const out = allocate(indices.length * size)
    await withFileAsync(path, async (file) => {
      const load = async (i: number) => {
        const row = this.rows[indices[i]!]!
        const record = await readAtAsync(file, offsets[row]!, recordBytes(shape), `window ${row}`, path)
        out.set(this.#decode(row, record), i * size)
      }
      let next = 0
      const reader = async () => {
        while (next < indices.length) await load(next++)
      }
      await Promise.all(Array.from({ length: AT_ONCE }, reader))
    })
    return out
  }

  /** The checksum of the window's record. */
  fingerprint(index: number): number {
    return this.layout.checksums[this.rows[index]!]!
  }

  subset(indices: ArrayLike<number>): StoredSamples {
    const rows = Int32Array.from(indices, (index) => this.rows[index]!)
    return new StoredSamples(this.layout, rows, this.scale)
  }

  scaled(mean: Float64Array, factor: Float64Array): StoredSamples {
    const { scale: before } = this
    if (before === undefined) return new StoredSamples(this.layout, this.rows, { mean, factor })
    // ((sample - a) * f - b) * g as one scale
    const both = before.factor.map((first, i) => first * factor[i]!)
    const from = before.mean.map((first, i) => first + mean[i]! / before.factor[i]!)
    return new StoredSamples(this.layout, this.rows, { mean: from, factor: both })
  }

  #decode(row: number, record: Buffer): Float32Array {
    const { path, checksums, shape } = this.layout
    if (crc32(record) !== checksums[row]) throw damaged(`the samples of window ${row} have another checksum`, path)
    const window = decodeWindow(record, shape)
    if (this.scale !== undefined) rescale(window, this.scale, shape.nSamples)
    return window
  }
}

function rescale(window: Float32Array, { mean, factor }: ChannelScale, nSamples: number): void {
  for (let i = 0, channel = 0; channel < mean.length; channel++) {
    const [from, by] = [mean[channel]!, factor[channel]!]
    for (const end = i + nSamples; i < end; i++) window[i] = (window[i]! - from) * by
  }
}
