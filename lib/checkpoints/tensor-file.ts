import type { DType } from '../dtype.ts'
import { EegTorchError } from '../errors.ts'
import { nativeFunctions, type TensorId } from '../native.ts'
import { Tensor } from '../tensor.ts'
import type { StorageRange, StoredTensor } from './stored-tensor.ts'

type Range = [offset: number, bytes: number] | Uint8Array
type View = [
  storage: number,
  dtype: string,
  shape: readonly number[],
  strides: readonly number[] | null,
  offset: number,
]
type Load = (path: string, fileSize: number, ranges: Range[], tensors: View[]) => Promise<TensorId[]>

const native = nativeFunctions<{ mapTensors: Load; readTensors: Load }>()

/** How to load the tensors of a file. */
export interface LoadOptions {
  /**
   * Read the bytes into memory of their own (default: false, they are mapped: read when first touched, shared between
   * processes, never written back). A mapped file must not be shortened in place while its tensors live: the operating
   * system then ends the process. Replacing it by renaming, as every writer of eegtorch does, is harmless.
   */
  copy?: boolean
}

/** Tensors of one file, as the addon takes them: `names` and `views` are in the same order. */
export interface TensorRequest {
  readonly names: readonly string[]
  readonly path: string
  readonly size: number
  readonly ranges: Range[]
  readonly views: View[]
}

/** Named tensors in one file or several, listed but not read until they are asked for. */
export abstract class TensorSource {
  /** The file, or the folder or index of several. */
  abstract readonly path: string
  /** The files that hold the tensors. */
  abstract readonly files: readonly string[]
  abstract readonly tensors: ReadonlyMap<string, StoredTensor>

  get names(): string[] {
    return [...this.tensors.keys()]
  }

  /**
   * One tensor, on the CPU.
   *
   * @throws EegTorchError `UNKNOWN_NAME`; `FILE_UNSUPPORTED` for a type that LibTorch lacks; `FILE_TRUNCATED`, `FILE_INVALID`
   * or `FILE_NOT_FOUND` when the file changed
   */
  async load(name: string, options: LoadOptions = {}): Promise<Tensor> {
    const loaded = await this.loadAll({ ...options, names: [name] })
    return loaded.get(name)!
  }

  /** Several tensors (default: all) in one go, by name. Those that share a storage in the file share it in memory. */
  async loadAll({
    names = this.names,
    ...options
  }: LoadOptions & { names?: readonly string[] } = {}): Promise<Map<string, Tensor>> {
    return loadTogether(await this.requests(names), options)
  }

  /** @internal what the addon needs to load tensors, by file */
  abstract requests(names: readonly string[]): Promise<TensorRequest[]>
}

/** The tensors of a checkpoint file, listed but not read until they are asked for. */
export class TensorFile extends TensorSource {
  readonly path: string
  /** Size of the file in bytes when it was listed; loading refuses a file that changed since. */
  readonly size: number
  readonly tensors: ReadonlyMap<string, StoredTensor>

  constructor(path: string, size: number, tensors: ReadonlyMap<string, StoredTensor>) {
    super()
    this.path = path
    this.size = size
    this.tensors = tensors
  }

  get files(): readonly string[] {
    return [this.path]
  }

  /** @internal */
  async requests(names: readonly string[]): Promise<TensorRequest[]> {
    const storages = new Map<StorageRange, number>()
    const views = names.map((name) => this.#view(name, storages))
    const ranges = await Promise.all([...storages.keys()].map(toRange))
    return [{ names, path: this.path, size: this.size, ranges, views }]
  }

  #view(name: string, storages: Map<StorageRange, number>): View {
    const stored = this.tensors.get(name)
    if (stored === undefined) throw unknownTensor(name, this.path)
    const { dtype, storedType, storage, shape, strides = null, storageOffset } = stored
    if (dtype === undefined) {
      throw new EegTorchError(
        'FILE_UNSUPPORTED',
        `LibTorch has no type ${storedType} for tensor ${JSON.stringify(name)}`,
        {
          file: this.path,
        },
      )
    }
    if (!storages.has(storage)) storages.set(storage, storages.size)
    return [storages.get(storage)!, dtype, shape, strides, storageOffset]
  }
}

async function toRange({ offset, bytes, unpack }: StorageRange): Promise<Range> {
  return unpack ? unpack() : [offset, bytes]
}

/** Tensors of one file or several, by name. */
async function loadTogether(
  requests: readonly TensorRequest[],
  { copy = false }: LoadOptions,
): Promise<Map<string, Tensor>> {
  const load = copy ? native.readTensors : native.mapTensors
  const loaded = new Map<string, Tensor>()
  try {
    for (const { names, path, size, ranges, views } of requests) {
      const ids = await load(path, size, ranges, views)
      for (const [index, id] of ids.entries()) loaded.set(names[index]!, new Tensor<DType>(id))
    }
  } catch (error) {
    for (const tensor of loaded.values()) tensor.dispose()
    throw error
  }
  return loaded
}

/** The error for a tensor that a file does not hold. */
export function unknownTensor(name: string, file: string): EegTorchError {
  return new EegTorchError('UNKNOWN_NAME', `there is no tensor ${JSON.stringify(name.slice(0, 200))}`, { file })
}
