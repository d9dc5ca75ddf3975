import { EegTorchError } from '../../errors.ts'
import { NumpyArray, numpyNames } from '../../pickle/numpy-names.ts'
import { unpickle } from '../../pickle/unpickle.ts'
import { type NumberArray, stridesOf } from '../arrays/named-arrays.ts'
import { numbersOf, SAMPLE_BYTES, type SampleType } from '../binary/sample-types.ts'
import { invalid } from '../invalid.ts'

/** An array of numbers, or the texts of an array of strings. */
export type NpyArray = { readonly numbers: NumberArray } | { readonly texts: readonly string[] }

const MAGIC = '\x93NUMPY'
/** A longer header describes fields, which are no samples. */
const LONGEST_HEADER = 2 ** 16
const TYPES: Readonly<Record<string, SampleType>> = {
  b1: 'uint8',
  i1: 'int8',
  u1: 'uint8',
  i2: 'int16',
  u2: 'uint16',
  i4: 'int32',
  u4: 'uint32',
  i8: 'int64',
  u8: 'uint64',
  f2: 'float16',
  f4: 'float32',
  f8: 'float64',
}

/** Whether a file that begins like this is a NumPy array. */
export const isNpy = (start: Buffer): boolean => start.toString('latin1', 0, 6) === MAGIC

/** Whether it is an archive of NumPy arrays: a zip file whose first entry is one. */
export function isNpz(start: Buffer): boolean {
  if (start.length < 30 || start.readUInt32LE(0) !== 0x04034b50) return false
  return start.toString('latin1', 30, 30 + start.readUInt16LE(26)).endsWith('.npy')
}

/** What a header says, before it is held against the bytes that follow it. */
export interface NpyHeader {
  /** Where the numbers begin. */
  readonly position: number
  readonly dims: readonly number[]
  readonly firstFastest: boolean
  /** `<f4`, ... */
  readonly descr: string
}

/**
 * Reads the header at the start of some bytes (NumPy Enhancement Proposal 1, versions 1 to 3).
 *
 * @throws EegTorchError `FILE_INVALID`, `FILE_TRUNCATED`; `FILE_UNSUPPORTED` for fields and for a pickled array
 */
export function parseNpyHeader(start: Buffer, file: string, what = 'the array'): NpyHeader {
  if (!isNpy(start))
    throw invalid(file, `${what} is no NumPy array`, "'\\x93NUMPY'", JSON.stringify(start.toString('latin1', 0, 6)))
  if (start.length < 12) throw short(file, what, 12, start.length)
  const isFirst = start[6] === 1
  const [length, begin] = isFirst ? [start.readUInt16LE(8), 10] : [start.readUInt32LE(8), 12]
  if (length > LONGEST_HEADER)
    throw invalid(file, `the header of ${what} is too long`, `at most ${LONGEST_HEADER} bytes`, `${length}`)
  if (begin + length > start.length) throw short(file, what, begin + length, start.length)
  const text = start.toString('latin1', begin, begin + length)
  const descr = /'descr':\s*'([^']*)'/.exec(text)?.[1]
  const order = /'fortran_order':\s*(True|False)/.exec(text)?.[1]
  const shape = /'shape':\s*\(([\d,\sL]*)\)/.exec(text)?.[1]
  if (/'descr':\s*\[/.test(text) || /^[|<>=]?[OVcmM]/.test(descr ?? '')) {
    throw new EegTorchError('FILE_UNSUPPORTED', `${what} holds no plain numbers`, {
      file,
      expected: 'integers, floats or strings',
      received: descr ?? 'fields',
    })
  }
  if (descr === undefined || order === undefined || shape === undefined || !/\}\s*$/.test(text)) {
    throw invalid(
      file,
      `the header of ${what} is not readable`,
      'descr, fortran_order, shape',
      JSON.stringify(text.trim().slice(0, 80)),
    )
  }
  const dims = shape
    .split(/[,\s]+/)
    .filter(Boolean)
    .map((part) => Number(part.replace('L', '')))
  const count = dims.reduce((product, dim) => product * dim, 1)
  if (!Number.isSafeInteger(count))
    throw invalid(file, `the shape of ${what} is not usable`, 'sizes whose product is a whole number', `(${shape})`)
  return { position: begin + length, dims, firstFastest: order === 'True', descr }
}

/** Header bytes that are always enough. */
export const NPY_HEADER_BYTES: number = LONGEST_HEADER + 12

/**
 * The array that a header describes; `at` says where its bytes are.
 *
 * @param available bytes after the header
 * @throws EegTorchError `FILE_TRUNCATED` or `FILE_INVALID` if their number is another than the shape needs
 */
export function npyNumbers(header: NpyHeader, at: NumberArray['at'], available: number, file: string): NumberArray {
  const { dims, firstFastest, descr } = header
  const type = TYPES[descr.slice(1)]
  if (type === undefined) {
    throw new EegTorchError('FILE_UNSUPPORTED', 'its numbers are of a type that is not known', {
      file,
      expected: Object.keys(TYPES).join(', '),
      received: descr,
    })
  }
  const needed = dims.reduce((product, dim) => product * dim, 1) * SAMPLE_BYTES[type]
  if (available < needed) throw short(file, 'its numbers', needed, available)
  if (available > needed)
    throw invalid(file, 'the file is longer than its header says', `${needed} bytes`, `${available}`)
  return { dims, strides: stridesOf(dims, type, firstFastest), type, littleEndian: !descr.startsWith('>'), at }
}

/** Reads a whole array from memory. */
export function parseNpy(bytes: Buffer, file: string, name: string): NpyArray {
  const header = parseNpyHeader(bytes, file, name)
  const body = bytes.subarray(header.position)
  const text = /^([<>|=])([US])(\d+)$/.exec(header.descr)
  if (text === null) return { numbers: npyNumbers(header, { bytes: body }, body.length, file) }
  const count = header.dims.reduce((product, dim) => product * dim, 1)
  const width = Number(text[3]) * (text[2] === 'U' ? 4 : 1)
  if (body.length !== count * width) throw short(file, name, count * width, body.length)
  if (width === 0) return { texts: Array.from({ length: Math.min(count, LONGEST_HEADER) }, () => '') }
  return {
    texts: Array.from({ length: count }, (_, i) => {
      const item = body.subarray(i * width, (i + 1) * width)
      return text[2] === 'U' ? wideText(item, text[1] !== '>') : item.toString('latin1').replace(/\0+$/, '')
    }),
  }
}

/**
 * Texts and numbers of an array of Python objects, as texts: what becomes of a list of names in pandas. Its pickle is read as data, and nothing in it
 * is run.
 *
 * @returns undefined for an array that holds anything else
 */
export function parseNpyObjects(bytes: Buffer, file: string): readonly string[] | undefined {
  const start = bytes[6] === 1 ? 10 + bytes.readUInt16LE(8) : 12 + bytes.readUInt32LE(8)
  let items: unknown
  try {
    const { value } = unpickle(bytes, { names: numpyNames, file, purpose: 'a recording', start })
    items = value instanceof NumpyArray && value.dtype === 'object' ? value.values : undefined
  } catch (error) {
    if (error instanceof EegTorchError) return undefined
    throw error
  }
  const isPlain = (item: unknown) => typeof item === 'string' || typeof item === 'number'
  return Array.isArray(items) && items.length > 0 && items.every(isPlain) ? items.map(String) : undefined
}

/** Strings are UCS-4, filled up with zeros. */
function wideText(bytes: Buffer, littleEndian: boolean): string {
  const codes = numbersOf(bytes, 'uint32', littleEndian)
  return Array.from(codes, (code) => (code <= 0x10ffff ? String.fromCodePoint(code) : '\ufffd'))
    .join('')
    .replace(/\0+$/, '')
}

function short(file: string, what: string, needed: number, received: number): EegTorchError {
  return new EegTorchError('FILE_TRUNCATED', `the file ends inside ${what}`, {
    file,
    expected: `${needed} bytes`,
    received: `${received}`,
  })
}
