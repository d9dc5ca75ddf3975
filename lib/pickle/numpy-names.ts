import { EegTorchError } from '../errors.ts'
import { fromHalf } from '../half-precision.ts'
import { narrow } from './bytes.ts'
import { KnownName, type NameTable, wrongArguments } from './values.ts'

/** The elements of a numpy array: numbers as a typed array, float16 as its bits, complex as pairs, texts and objects as a list. */
export type NumpyValues =
  | Float64Array
  | Float32Array
  | BigInt64Array
  | BigUint64Array
  | Int32Array
  | Uint32Array
  | Int16Array
  | Uint16Array
  | Int8Array
  | Uint8Array
  | unknown[]

/** A numpy array as plain data, row by row. */
export class NumpyArray {
  /** `'float64'`, `'int16'`, `'bool'`, `'float16'`, `'complex64'`, `'str'`, `'bytes'`, `'object'`. */
  dtype = 'float64'
  shape: readonly number[] = [0]
  values: NumpyValues = []
}

/** A numpy dtype: kind and width, such as `f` and 8. */
class NumpyDtype {
  readonly kind: string
  readonly itemSize: number
  bigEndian = false

  constructor(kind: string, itemSize: number) {
    this.kind = kind
    this.itemSize = itemSize
  }

  get name(): string {
    return ELEMENTS.get(`${this.kind}${this.itemSize}`)?.name ?? TEXT_KINDS.get(this.kind) ?? 'object'
  }
}

interface Element {
  readonly name: string
  /** Width of what is swapped between byte orders: half of a complex number. */
  readonly width: number
  readonly view: (bytes: ArrayBuffer) => NumpyValues
}

const ELEMENTS: ReadonlyMap<string, Element> = new Map<string, Element>([
  ['b1', { name: 'bool', width: 1, view: (bytes) => new Uint8Array(bytes) }],
  ['i1', { name: 'int8', width: 1, view: (bytes) => new Int8Array(bytes) }],
  ['u1', { name: 'uint8', width: 1, view: (bytes) => new Uint8Array(bytes) }],
  ['i2', { name: 'int16', width: 2, view: (bytes) => new Int16Array(bytes) }],
  ['u2', { name: 'uint16', width: 2, view: (bytes) => new Uint16Array(bytes) }],
  ['i4', { name: 'int32', width: 4, view: (bytes) => new Int32Array(bytes) }],
  ['u4', { name: 'uint32', width: 4, view: (bytes) => new Uint32Array(bytes) }],
  ['i8', { name: 'int64', width: 8, view: (bytes) => new BigInt64Array(bytes) }],
  ['u8', { name: 'uint64', width: 8, view: (bytes) => new BigUint64Array(bytes) }],
  ['f2', { name: 'float16', width: 2, view: (bytes) => new Uint16Array(bytes) }],
  ['f4', { name: 'float32', width: 4, view: (bytes) => new Float32Array(bytes) }],
  ['f8', { name: 'float64', width: 8, view: (bytes) => new Float64Array(bytes) }],
  ['c8', { name: 'complex64', width: 4, view: (bytes) => new Float32Array(bytes) }],
  ['c16', { name: 'complex128', width: 8, view: (bytes) => new Float64Array(bytes) }],
])
const TEXT_KINDS: ReadonlyMap<string, string> = new Map([
  ['U', 'str'],
  ['S', 'bytes'],
])
const MAX_DIMENSIONS = 64

/** Names that numpy's arrays, scalars and dtypes use. */
export const numpyNames: NameTable = (name) => NAMES.get(name)

const arrayClass = new KnownName('numpy.ndarray', () => {
  throw wrongArguments('numpy.ndarray')
})

const NAMES: ReadonlyMap<string, KnownName> = new Map(
  [
    arrayClass,
    new KnownName('numpy.dtype', ([spec]) => makeDtype(spec), setDtypeState),
    new KnownName('numpy.core.multiarray._reconstruct', ([type]) => makeArray(type), setArrayState),
    new KnownName('numpy.core.multiarray.scalar', ([dtype, bytes]) => readScalar(dtype, bytes)),
    new KnownName('numpy.core.numeric._frombuffer', ([buffer, dtype, shape, order]) =>
      fillArray(new NumpyArray(), shape, dtype, order === 'F', buffer),
    ),
  ].map((known) => [known.name, known]),
)

function makeDtype(spec: unknown): NumpyDtype {
  const [, kind, digits] = (typeof spec === 'string' && /^([a-zA-Z])([0-9]{1,6})$/.exec(spec)) || []
  if (kind === undefined || digits === undefined) throw unsupported(spec)
  // U5 is five characters of four bytes
  const dtype = new NumpyDtype(kind, Number(digits) * (kind === 'U' ? 4 : 1))
  if (!ELEMENTS.has(kind + digits) && !TEXT_KINDS.has(kind) && kind !== 'O') throw unsupported(spec)
  return dtype
}

function unsupported(spec: unknown): EegTorchError {
  return new EegTorchError(
    'FILE_UNSUPPORTED',
    `numpy arrays of dtype ${JSON.stringify(String(spec).slice(0, 40))} are not read`,
  )
}

/** State: (version, byte order, subarray, names, fields, item size, alignment, flags). */
function setDtypeState(dtype: unknown, state: unknown): void {
  if (!(dtype instanceof NumpyDtype) || !Array.isArray(state) || state.length < 7) throw wrongArguments('numpy.dtype')
  const [, order, subarray, names] = state
  if (subarray !== null || names !== null) throw unsupported('structured')
  dtype.bigEndian = order === '>'
}

function makeArray(type: unknown): NumpyArray {
  if (type !== arrayClass) throw wrongArguments('numpy.core.multiarray._reconstruct')
  return new NumpyArray()
}

/** State: (version, shape, dtype, column-major, data). */
function setArrayState(array: unknown, state: unknown): void {
  if (!(array instanceof NumpyArray) || !Array.isArray(state)) throw wrongArguments('numpy.ndarray')
  const [shape, dtype, columnMajor, data] = state.slice(-4)
  fillArray(array, shape, dtype, columnMajor === true, data)
}

function fillArray(array: NumpyArray, shape: unknown, dtype: unknown, columnMajor: boolean, data: unknown): NumpyArray {
  if (!isShape(shape) || !(dtype instanceof NumpyDtype)) throw wrongArguments('numpy.ndarray')
  const count = shape.reduce((product, length) => product * length, 1)
  const values = Array.isArray(data) ? data : readValues(dtype, asBytes(data))
  const perElement = dtype.kind === 'c' ? 2 : 1
  if (values.length !== count * perElement) {
    throw new EegTorchError('FILE_INVALID', 'a numpy array has the wrong number of elements', {
      expected: `${count} for shape [${shape.join(', ')}]`,
      received: String(values.length / perElement),
    })
  }
  array.dtype = dtype.name
  array.shape = shape
  array.values = columnMajor && shape.length > 1 ? toRowMajor(values, shape, perElement) : values
  return array
}

function isShape(shape: unknown): shape is number[] {
  const isLength = (length: unknown) => Number.isSafeInteger(length) && (length as number) >= 0
  return Array.isArray(shape) && shape.length <= MAX_DIMENSIONS && shape.every(isLength)
}

/** Bytes, also as Python 2's text of one character per byte. */
function asBytes(data: unknown): Uint8Array {
  if (data instanceof Uint8Array) return data
  if (typeof data === 'string') return Buffer.from(data, 'latin1')
  throw wrongArguments('numpy.ndarray')
}

function readValues(dtype: NumpyDtype, bytes: Uint8Array): NumpyValues {
  if (dtype.itemSize === 0 || bytes.length % dtype.itemSize !== 0 || dtype.kind === 'O')
    throw wrongArguments('numpy.ndarray')
  if (TEXT_KINDS.has(dtype.kind)) return readTexts(dtype, bytes)
  const element = ELEMENTS.get(`${dtype.kind}${dtype.itemSize}`)!
  const copy = Uint8Array.from(bytes)
  if (dtype.bigEndian && element.width > 1) swapBytes(copy, element.width)
  return element.view(copy.buffer)
}

function swapBytes(bytes: Uint8Array, width: number): void {
  for (let start = 0; start < bytes.length; start += width) bytes.subarray(start, start + width).reverse()
}

/** Fixed-width texts, padded with zeros: UCS-4 or bytes. */
function readTexts(dtype: NumpyDtype, bytes: Uint8Array): string[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const step = dtype.kind === 'U' ? 4 : 1
  return Array.from({ length: bytes.length / dtype.itemSize }, (_, index) => {
    let text = ''
    for (let at = index * dtype.itemSize; at < (index + 1) * dtype.itemSize; at += step) {
      const code = step === 4 ? view.getUint32(at, !dtype.bigEndian) : view.getUint8(at)
      text += code <= 0x10ffff ? String.fromCodePoint(code) : '\ufffd'
    }
    return text.replace(/\0+$/, '')
  })
}

function toRowMajor(values: NumpyValues, shape: readonly number[], perElement: number): NumpyValues {
  const result = values.slice() as unknown[]
  const source = values as unknown[]
  const strides = shape.map((_, axis) => shape.slice(0, axis).reduce((product, length) => product * length, 1))
  const index = shape.map(() => 0)
  for (let out = 0; out < values.length; out += perElement) {
    const from = index.reduce((sum, at, axis) => sum + at * strides[axis]!, 0) * perElement
    for (let part = 0; part < perElement; part++) result[out + part] = source[from + part]
    for (let axis = shape.length - 1; axis >= 0 && ++index[axis]! === shape[axis]; axis--) index[axis] = 0
  }
  return result as NumpyValues
}

function readScalar(dtype: unknown, data: unknown): unknown {
  if (!(dtype instanceof NumpyDtype)) throw wrongArguments('numpy.core.multiarray.scalar')
  const [value, more] = readValues(dtype, asBytes(data))
  if (value === undefined || (more !== undefined && dtype.kind !== 'c'))
    throw wrongArguments('numpy.core.multiarray.scalar')
  if (dtype.kind === 'b') return value !== 0
  if (dtype.name === 'float16') return fromHalf(value as number)
  return typeof value === 'bigint' ? narrow(value) : value
}
