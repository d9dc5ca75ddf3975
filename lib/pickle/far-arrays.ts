import { fstatSync } from 'node:fs'
import { EegTorchError } from '../errors.ts'
import { withFile } from '../files/with-file.ts'
import { FarBytes, FileBytes } from './file-bytes.ts'
import { numpyNames } from './numpy-names.ts'
import { pythonNames } from './python-names.ts'
import { unpickle } from './unpickle.ts'
import { KnownName, type NameTable, wrongArguments } from './values.ts'

/** A numpy array of a pickle, as it stands there; the bytes of a large one stay in the file. */
export class FarArray {
  shape: readonly number[] = []
  /** Kind and width, such as `f` and 8; `O` for objects. */
  kind = 'f'
  itemSize = 8
  bigEndian = false
  columnMajor = false
  /** Objects, bytes, or where they are. */
  data: readonly unknown[] | Uint8Array | FarBytes = []
}

interface Dtype {
  kind: string
  itemSize: number
  bigEndian: boolean
}

const arrayMaker = new KnownName(
  'numpy.core.multiarray._reconstruct',
  () => new FarArray(),
  (array, state) => {
    if (!(array instanceof FarArray) || !Array.isArray(state)) throw wrongArguments('numpy.ndarray')
    const [shape, dtype, columnMajor, data] = state.slice(-4)
    fill(array, shape, dtype, columnMajor === true, data)
  },
)
const bufferMaker = new KnownName('numpy.core.numeric._frombuffer', ([buffer, dtype, shape, order]) =>
  fill(new FarArray(), shape, dtype, order === 'F', buffer),
)

const names: NameTable = (name) => {
  if (name === arrayMaker.name) return arrayMaker
  return name === bufferMaker.name ? bufferMaker : (numpyNames(name) ?? pythonNames(name))
}

/**
 * Reads a pickle of plain data and numpy arrays, and leaves what is long in the file. Nothing of Python runs; see {@link unpickle}.
 *
 * @param start byte of the file at which it begins
 * @throws EegTorchError what {@link unpickle} throws
 */
export function unpickleFar(file: string, start = 0): unknown {
  return withFile(file, (descriptor) => {
    const { size } = fstatSync(descriptor)
    const bytes = new FileBytes(descriptor, size, start, file)
    return unpickle(bytes, { names, file, purpose: 'a data set' }).value
  })
}

function fill(array: FarArray, shape: unknown, dtype: unknown, columnMajor: boolean, data: unknown): FarArray {
  const isShape = Array.isArray(shape) && shape.every((length) => Number.isSafeInteger(length) && length >= 0)
  if (!isShape || !isDtype(dtype)) throw wrongArguments('numpy.ndarray')
  const { kind, itemSize, bigEndian } = dtype
  const content = typeof data === 'string' ? Uint8Array.from(Buffer.from(data, 'latin1')) : data
  if (!(Array.isArray(content) || content instanceof Uint8Array)) throw wrongArguments('numpy.ndarray')
  const count = shape.reduce((product: number, length: number) => product * length, 1)
  const size = Array.isArray(content) ? content.length : sizeOf(content)
  const needed = Array.isArray(content) ? count : count * itemSize
  if (size !== needed) {
    throw new EegTorchError('FILE_INVALID', 'a numpy array has not the numbers that its shape says', {
      expected: String(needed),
      received: String(size),
    })
  }
  return Object.assign(array, { shape, kind, itemSize, bigEndian, columnMajor, data: content })
}

const sizeOf = (bytes: Uint8Array) => (bytes instanceof FarBytes ? bytes.size : bytes.length)

function isDtype(value: unknown): value is Dtype {
  const { kind, itemSize, bigEndian } = (value ?? {}) as Partial<Dtype>
  return typeof kind === 'string' && typeof itemSize === 'number' && typeof bigEndian === 'boolean'
}
