import { EegTorchError } from '../errors.ts'
import { NumpyArray } from '../pickle/numpy-names.ts'
import { KnownName, type NameTable, wrongArguments } from '../pickle/values.ts'
import { DTYPE_BYTES } from './dtypes.ts'
import { countElements, type StorageRange, type StoredTensor } from './stored-tensor.ts'

/** What a storage class says: the type of its elements. An untyped one counts bytes. */
export class StorageType {
  readonly dtype: string
  readonly itemSize: number

  constructor(dtype: string) {
    this.dtype = dtype
    this.itemSize = DTYPE_BYTES.get(dtype)!
  }
}

/** A storage that the file holds, as its tensors refer to it. */
export class TorchStorage {
  readonly type: StorageType
  readonly range: StorageRange

  constructor(type: StorageType, range: StorageRange) {
    this.type = type
    this.range = range
  }
}

/** A tensor of a torch file: a view of a storage. */
export class TorchTensor implements StoredTensor {
  readonly dtype: string
  readonly storedType: string
  readonly shape: readonly number[]
  readonly strides: readonly number[]
  readonly storageOffset: number
  readonly storage: StorageRange
  readonly bytes: number

  /** @throws EegTorchError `FILE_INVALID`, `FILE_TRUNCATED`, `FILE_UNSAFE` when it does not lie in its storage */
  constructor(dtype: string, storage: StorageRange, offset: number, shape: number[], strides: number[]) {
    const itemSize = DTYPE_BYTES.get(dtype)
    if (itemSize === undefined) throw unsupported(`tensors of dtype ${dtype}`)
    this.dtype = dtype
    this.storedType = dtype
    this.shape = shape
    this.strides = strides
    this.storageOffset = offset
    this.storage = storage
    this.bytes = countElements(shape) * itemSize
    checkExtent(this, itemSize)
  }
}

const MAX_DIMENSIONS = 64
/** A tensor may repeat its elements (stride 0), but a few bytes that claim to be gigabytes are an attack. */
const MAX_REPEATED_BYTES = 2 ** 30

function checkExtent({ shape, strides, storageOffset, storage, bytes }: TorchTensor, itemSize: number): void {
  const isWhole = (value: number) => Number.isSafeInteger(value) && value >= 0
  const sizes = [...shape, ...strides, storageOffset]
  const largest = shape.reduce((product, length) => product * Math.max(length, 1), itemSize)
  if (shape.length !== strides.length || shape.length > MAX_DIMENSIONS || !sizes.every(isWhole) || !isWhole(largest)) {
    throw new EegTorchError('FILE_INVALID', 'the shape or the strides of a tensor make no sense', {
      received: `shape (${shape.slice(0, 8).join(', ')}), strides (${strides.slice(0, 8).join(', ')}), offset ${storageOffset}`,
    })
  }
  const last = shape.reduce((sum, length, axis) => sum + (length - 1) * strides[axis]!, storageOffset)
  const needed = bytes === 0 ? 0 : (last + 1) * itemSize
  if (needed > storage.bytes) {
    throw new EegTorchError('FILE_TRUNCATED', 'a tensor is larger than its storage', {
      expected: `${needed} bytes for shape (${shape.join(', ')})`,
      received: String(storage.bytes),
    })
  }
  if (bytes > Math.max(storage.bytes, MAX_REPEATED_BYTES)) {
    throw new EegTorchError('FILE_UNSAFE', `a tensor of shape (${shape.join(', ')}) repeats ${storage.bytes} bytes`)
  }
}

/** Names of PyTorch that tensors, dtypes, devices and sizes use. */
export const torchNames: NameTable = (name) => NAMES.get(name)

function isIntegers(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'number')
}

function rebuild(
  name: string,
  storage: unknown,
  offset: unknown,
  shape: unknown,
  strides: unknown,
  dtype?: unknown,
): TorchTensor {
  const isPlaced = storage instanceof TorchStorage && typeof offset === 'number'
  if (!isPlaced || !isIntegers(shape) || !isIntegers(strides)) throw wrongArguments(name)
  if (dtype !== undefined && typeof dtype !== 'string') throw wrongArguments(name)
  return new TorchTensor(dtype ?? storage.type.dtype, storage.range, offset, shape, strides)
}

/** Conjugate and negative views are flags beside the data. */
function refuseFlags(name: string, flags: unknown): void {
  if (flags === undefined || flags === null || (flags instanceof Map && flags.size === 0)) return
  throw unsupported(`${name} with a lazily conjugated or negated tensor`)
}

function parameter(name: string, tensor: unknown): TorchTensor {
  if (!(tensor instanceof TorchTensor)) throw wrongArguments(name)
  return tensor
}

/** How tensors of devices without storages of their own are written: as a numpy array. */
function fromNumpy(name: string, array: unknown, dtype: unknown): TorchTensor {
  if (!(array instanceof NumpyArray) || typeof dtype !== 'string') throw wrongArguments(name)
  const { values } = array
  if (Array.isArray(values) || array.dtype !== dtype) throw unsupported(`${name} of ${array.dtype} as ${dtype}`)
  const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength)
  const range = { offset: 0, bytes: bytes.length, unpack: () => Promise.resolve(bytes) }
  const strides = array.shape.map((_, axis) => countElements(array.shape.slice(axis + 1)))
  return new TorchTensor(dtype, range, 0, [...array.shape], strides)
}

/** `_rebuild_from_type_v2(function, class, arguments, state)`: tensors with attributes of their own. */
function fromType(name: string, rebuilder: unknown, args: unknown): unknown {
  const isKnown = rebuilder instanceof KnownName && rebuilder.name.startsWith('torch._utils._rebuild')
  if (!isKnown || !Array.isArray(args)) throw wrongArguments(name)
  return rebuilder.call(args)
}

function device(name: string, type: unknown, index: unknown): string {
  if (typeof type !== 'string') throw wrongArguments(name)
  return typeof index === 'number' ? `${type}:${index}` : type
}

function size(name: string, lengths: unknown = []): number[] {
  if (!isIntegers(lengths)) throw wrongArguments(name)
  return lengths
}

function unsupported(what: string): EegTorchError {
  return new EegTorchError('FILE_UNSUPPORTED', `${what} cannot be read`)
}

/** Kinds of tensors that a file may hold and that are refused in a sentence rather than as a danger. */
const UNSUPPORTED = {
  'torch._utils._rebuild_qtensor': 'quantised tensors',
  'torch._utils._rebuild_sparse_tensor': 'sparse tensors',
  'torch._utils._rebuild_sparse_csr_tensor': 'sparse tensors',
  'torch._utils._rebuild_nested_tensor': 'nested tensors',
  'torch._utils._rebuild_meta_tensor_no_storage': 'tensors without data (device meta)',
  'torch._utils._rebuild_wrapper_subclass': 'tensors of a class of their own',
}

const STORAGES: Readonly<Record<string, string>> = {
  Float: 'float32',
  Double: 'float64',
  Half: 'float16',
  BFloat16: 'bfloat16',
  Long: 'int64',
  Int: 'int32',
  Short: 'int16',
  Char: 'int8',
  Byte: 'uint8',
  Bool: 'bool',
  ComplexFloat: 'complex64',
  ComplexDouble: 'complex128',
}

/** The storage class of each dtype that has one: `FloatStorage` of float32. */
export const STORAGE_CLASSES: ReadonlyMap<string, string> = new Map(
  Object.entries(STORAGES).map(([stem, dtype]) => [dtype, `${stem}Storage`]),
)

const FUNCTIONS: Readonly<Record<string, (name: string, args: readonly unknown[]) => unknown>> = {
  'torch._utils._rebuild_tensor': (name, [storage, offset, shape, strides]) =>
    rebuild(name, storage, offset, shape, strides),
  // (storage, offset, shape, strides, requires_grad, hooks, flags)
  'torch._utils._rebuild_tensor_v2': (name, [storage, offset, shape, strides, , , flags]) => {
    refuseFlags(name, flags)
    return rebuild(name, storage, offset, shape, strides)
  },
  // (storage, offset, shape, strides, requires_grad, hooks, dtype, flags)
  'torch._utils._rebuild_tensor_v3': (name, [storage, offset, shape, strides, , , dtype, flags]) => {
    refuseFlags(name, flags)
    return rebuild(name, storage, offset, shape, strides, dtype ?? null)
  },
  'torch._utils._rebuild_parameter': (name, [tensor]) => parameter(name, tensor),
  'torch._utils._rebuild_parameter_with_state': (name, [tensor]) => parameter(name, tensor),
  'torch._utils._rebuild_device_tensor_from_numpy': (name, [array, dtype]) => fromNumpy(name, array, dtype),
  'torch._utils._rebuild_device_tensor_from_cpu_tensor': (name, [tensor]) => parameter(name, tensor),
  'torch._tensor._rebuild_from_type_v2': (name, [rebuilder, , args]) => fromType(name, rebuilder, args),
  'torch.Size': (name, [lengths]) => size(name, lengths),
  'torch.device': (name, [type, index]) => device(name, type, index),
  'torch.serialization._get_layout': (_, [layout]) => String(layout),
}

const NAMES: ReadonlyMap<string, unknown> = new Map<string, unknown>([
  ...Object.entries(FUNCTIONS).map(([name, call]) => [name, new KnownName(name, (args) => call(name, args))] as const),
  ...Object.entries(UNSUPPORTED).map(([name, what]) => {
    const refuse = () => {
      throw unsupported(what)
    }
    return [name, new KnownName(name, refuse)] as const
  }),
  ...Object.entries(STORAGES).flatMap(([stem, dtype]) =>
    ['torch', 'torch.cuda'].map((module) => [`${module}.${stem}Storage`, new StorageType(dtype)] as const),
  ),
  ['torch.storage.UntypedStorage', new StorageType('uint8')],
  ['torch.storage._UntypedStorage', new StorageType('uint8')],
  // a dtype is its name
  ...[...DTYPE_BYTES.keys()].map((dtype) => [`torch.${dtype}`, dtype] as const),
  // classes that stand beside data and are never called
  ...['torch.Tensor', 'torch.nn.parameter.Parameter', 'torch.nn.parameter.Buffer'].map(
    (name) =>
      [
        name,
        new KnownName(name, () => {
          throw wrongArguments(name)
        }),
      ] as const,
  ),
])
