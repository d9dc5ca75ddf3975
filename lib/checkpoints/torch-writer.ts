import { EegTorchError } from '../errors.ts'
import { streamFileAtomically } from '../files/atomic.ts'
import { ZipWriter } from '../files/zip-writer.ts'
import { nativeFunctions, type TensorId } from '../native.ts'
import { type Picklable, PickledCall, PickledName, PickledReference, PickledTuple, pickle } from '../pickle/pickle.ts'
import type { PlainValue } from '../pickle/to-plain.ts'
import { Tensor } from '../tensor.ts'
import { DTYPE_BYTES } from './dtypes.ts'
import { STORAGE_CLASSES } from './torch-names.ts'

const native = nativeFunctions<{ toBuffer(id: TensorId, share: boolean): ArrayBuffer }>()

/** What {@link writeTorch} writes: tensors, plain values, and these by name. A Map is an OrderedDict, as state dicts are; an object a dict. */
export type TorchValue =
  | Tensor
  | PlainValue
  | ReadonlyMap<string, TorchValue>
  | readonly TorchValue[]
  | { readonly [key: string]: TorchValue }

/** Less than an array of bytes may hold. */
const MAX_PART_BYTES = 2 ** 30
/** The folder in the archive. */
const ROOT = 'archive'

/**
 * Writes what `torch.load` reads, `weights_only` or not: the zip format of PyTorch 1.6 and later. Tensors on a GPU are copied, views made
 * contiguous; tensors that share memory are each written in full.
 *
 * @throws EegTorchError `FILE_WRITE_FAILED`, and the old file stays as it was; `DTYPE_MISMATCH` for quantised tensors
 */
export async function writeTorch(path: string, value: TorchValue): Promise<void> {
  const tensors: Tensor[] = []
  const data = pickle(toPicklable(value, tensors, path))
  await streamFileAtomically(path, async (file) => {
    const zip = new ZipWriter(file)
    await zip.add(`${ROOT}/data.pkl`, data)
    await zip.add(`${ROOT}/byteorder`, Buffer.from('little'))
    for (const [key, tensor] of tensors.entries()) {
      await zip.add(`${ROOT}/data/${key}`, ...partsOf(native.toBuffer(tensor.id, true)))
    }
    await zip.add(`${ROOT}/version`, Buffer.from('3\n'))
    await zip.end()
  })
}

function partsOf(buffer: ArrayBuffer): Uint8Array[] {
  const count = Math.ceil(buffer.byteLength / MAX_PART_BYTES)
  return Array.from({ length: count }, (_, i) => {
    const start = i * MAX_PART_BYTES
    return new Uint8Array(buffer, start, Math.min(MAX_PART_BYTES, buffer.byteLength - start))
  })
}

function toPicklable(value: TorchValue, tensors: Tensor[], file: string): Picklable {
  const convert = (item: TorchValue) => toPicklable(item, tensors, file)
  if (value instanceof Tensor) return pickledTensor(value, tensors.push(value) - 1, file)
  if (value instanceof Map) return new Map([...value].map(([name, item]) => [name, convert(item)]))
  if (Array.isArray(value)) return value.map(convert)
  if (value === null || typeof value !== 'object') return value
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, convert(item)]))
}

/** A contiguous tensor over storage `key`. Types without a storage class of their own are a view of bytes. */
function pickledTensor({ dtype, shape, length }: Tensor, key: number, file: string): PickledCall {
  const itemSize = DTYPE_BYTES.get(dtype)
  if (itemSize === undefined) {
    throw new EegTorchError('DTYPE_MISMATCH', 'a torch file cannot hold such a tensor', { file, received: dtype })
  }
  const typed = STORAGE_CLASSES.get(dtype)
  const place = [
    0,
    new PickledTuple(...shape),
    new PickledTuple(...contiguousStrides(shape)),
    false,
    new Map(),
  ] as const
  const reference = (type: PickledName, elements: number) =>
    new PickledReference('storage', type, String(key), 'cpu', elements)
  if (typed !== undefined) {
    const storage = reference(new PickledName('torch', typed), length)
    return new PickledCall('torch._utils', '_rebuild_tensor_v2', storage, ...place)
  }
  const storage = reference(new PickledName('torch.storage', 'UntypedStorage'), length * itemSize)
  return new PickledCall('torch._utils', '_rebuild_tensor_v3', storage, ...place, new PickledName('torch', dtype))
}

function contiguousStrides(shape: readonly number[]): number[] {
  const strides: number[] = []
  let stride = 1
  for (const length of shape.toReversed()) {
    strides.unshift(stride)
    stride *= Math.max(length, 1)
  }
  return strides
}
