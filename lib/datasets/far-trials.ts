import { EegTorchError } from '../errors.ts'
import { readAt, stateOf } from '../files/read-at.ts'
import { withFile } from '../files/with-file.ts'
import { FarArray, unpickleFar } from '../pickle/far-arrays.ts'
import { FarBytes } from '../pickle/file-bytes.ts'
import type { SampleType } from '../recordings/binary/sample-types.ts'

const TYPES: Readonly<Record<string, SampleType>> = {
  f8: 'float64',
  f4: 'float32',
  i2: 'int16',
  i4: 'int32',
  i8: 'int64',
}

/** Where the numbers of a pickled array are: in its file, or (where the pickle holds them as text) only in memory. */
export interface FarNumbers {
  at: { position: number } | { bytes: () => Uint8Array }
  type: SampleType
  littleEndian: boolean
  shape: readonly number[]
}

/** A dictionary that was saved with `numpy.save`: an array of one object. @throws EegTorchError `FILE_INVALID`, `FILE_UNSAFE` */
export function readPickledNpy(file: string): Map<unknown, unknown> {
  const head = withFile(file, (descriptor) => readAt(descriptor, 0, 12, 'its header', file))
  const begin = head[6] === 1 ? 10 : 12
  const length = head[6] === 1 ? head.readUInt16LE(8) : head.readUInt32LE(8)
  const isNpy = head.toString('latin1', 0, 6) === '\x93NUMPY'
  const value = isNpy ? unpickleFar(file, begin + length) : undefined
  const dictionary = value instanceof FarArray && Array.isArray(value.data) ? value.data[0] : value
  if (dictionary instanceof Map) return dictionary
  throw new EegTorchError('FILE_INVALID', 'is no dictionary in a NumPy file', { file })
}

/**
 * The numbers of a pickled array. They stay in the file where they lie there as they are; else they are unpickled anew when they are asked for, and those
 * of one file are kept by `last`.
 *
 * @param load gives the array
 * @param last of the data set: one for all its files
 * @param axes what its axes are, for errors: `(trials, channels, samples)`
 * @throws EegTorchError `FILE_INVALID` for other axes, `FILE_UNSUPPORTED` for types and orders that no release has
 */
export function farNumbers(load: () => unknown, axes: string, file: string, last: LastArray): FarNumbers {
  const value = load()
  if (!(value instanceof FarArray && value.shape.length === axes.split(',').length)) {
    throw new EegTorchError('FILE_INVALID', 'does not hold the array of the data set', {
      file,
      expected: axes,
      received: value instanceof FarArray ? `(${value.shape.join(', ')})` : typeof value,
    })
  }
  const { data, shape, bigEndian } = value
  const type = TYPES[`${value.kind}${value.itemSize}`]
  if (type === undefined || value.columnMajor || !(data instanceof Uint8Array)) throw unknownStorage(axes, file)
  const rest = { type, littleEndian: !bigEndian, shape }
  if (data instanceof FarBytes) return { at: { position: data.position }, ...rest }
  return { at: { bytes: () => last.bytesOf(file, load) }, ...rest }
}

/** The error of an array that no release of a data set has. */
export function unknownStorage(axes: string, file: string): EegTorchError {
  return new EegTorchError('FILE_UNSUPPORTED', 'the array of the data set is stored in an unknown way', {
    file,
    expected: `${axes} of ${Object.keys(TYPES).join(', ')}, rows first`,
  })
}

/** The array of a data set that was unpickled last: as long as somebody may read it again, and while its file is the same. */
export class LastArray {
  #last: { key: string; bytes: Uint8Array } | undefined

  bytesOf(file: string, load: () => unknown): Uint8Array {
    const { size, mtimeMs } = withFile(file, stateOf)
    const key = `${size} ${mtimeMs} ${file}`
    if (this.#last?.key !== key) this.#last = { key, bytes: (load() as FarArray).data as Uint8Array }
    return this.#last.bytes
  }
}

/** Texts of a list or of an array. */
export function textsOf(value: unknown): string[] {
  const items = value instanceof FarArray ? value.data : value
  if (Array.isArray(items)) return items.map(String)
  if (!(value instanceof FarArray) || value.kind !== 'U' || !(items instanceof Uint8Array)) return []
  const view = new DataView(items.buffer, items.byteOffset, items.byteLength)
  return Array.from({ length: items.length / value.itemSize }, (_, i) => {
    const codes = Array.from({ length: value.itemSize / 4 }, (_, k) => view.getUint32(i * value.itemSize + 4 * k, true))
    return String.fromCodePoint(...codes.filter((code) => code > 0 && code <= 0x10ffff))
  })
}

/** Numbers of a short list or array. */
export function valuesOf(value: unknown): number[] {
  if (Array.isArray(value)) return value.map(Number)
  if (!(value instanceof FarArray) || value.kind !== 'f' || value.itemSize !== 8) return []
  const bytes = value.data as Uint8Array
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return Array.from({ length: bytes.length / 8 }, (_, i) => view.getFloat64(8 * i, !value.bigEndian))
}

/** @throws EegTorchError `FILE_INVALID` where sizes are others than those of the data set */
export function requireSizes(found: readonly number[], expected: readonly number[], what: string, file: string): void {
  if (found.every((size, i) => size === expected[i])) return
  const words = { expected: `${expected.join(', ')} for ${what}`, received: found.join(', ') }
  throw new EegTorchError('FILE_INVALID', 'has not the sizes of the data set', { file, ...words })
}
