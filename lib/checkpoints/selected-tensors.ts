import { countElements, type StoredTensor } from './stored-tensor.ts'
import { type TensorRequest, TensorSource, unknownTensor } from './tensor-file.ts'

/** A tensor under another name than the file's, and perhaps some of its rows, all of it in another shape of as many elements, or transposed. */
export interface SelectedTensor {
  /** The file's name. */
  readonly from: string
  /** Along the first axis: from the first on, before the last. */
  readonly rows?: readonly [begin: number, end: number]
  readonly shape?: readonly number[]
  /** A matrix with its rows as columns. */
  readonly transposed?: boolean
}

/** Some tensors of a source, under names of one's own: a part of a larger file, or one that names its tensors otherwise. */
export class SelectedTensors extends TensorSource {
  readonly path: string
  readonly tensors: ReadonlyMap<string, StoredTensor>
  readonly #source: TensorSource
  readonly #selection: ReadonlyMap<string, SelectedTensor>

  /** @param selection new names, to what they stand for */
  constructor(source: TensorSource, selection: ReadonlyMap<string, SelectedTensor>) {
    super()
    this.path = source.path
    this.#source = source
    this.#selection = selection
    this.tensors = new Map([...selection].map(([name, selected]) => [name, describe(source, selected)]))
  }

  get files(): readonly string[] {
    return this.#source.files
  }

  /** @internal */
  async requests(names: readonly string[]): Promise<TensorRequest[]> {
    const byStored = new Map<string, string[]>()
    for (const name of names) {
      const from = this.#from(name)
      byStored.set(from, [...(byStored.get(from) ?? []), name])
    }
    const requests = await this.#source.requests([...byStored.keys()])
    return requests.map((request) => {
      const chosen = request.names.flatMap((stored, i) =>
        byStored.get(stored)!.map((name) => [name, this.#view(name, request.views[i]!)] as const),
      )
      return { ...request, names: chosen.map(([name]) => name), views: chosen.map(([, view]) => view) }
    })
  }

  #view(name: string, [storage, dtype]: TensorRequest['views'][number]): TensorRequest['views'][number] {
    const { shape, strides = null, storageOffset } = this.tensors.get(name)!
    return [storage, dtype, shape, strides, storageOffset]
  }

  #from(name: string): string {
    const selected = this.#selection.get(name)
    if (selected === undefined) throw unknownTensor(name, this.path)
    return selected.from
  }
}

function describe({ tensors, path }: TensorSource, { from, rows, shape, transposed }: SelectedTensor): StoredTensor {
  const stored = tensors.get(from)
  if (stored === undefined) throw unknownTensor(from, path)
  if (rows !== undefined) return withRows(stored, rows)
  if (transposed && stored.shape.length === 2) return transpose(stored)
  if (shape === undefined || !isInOneRow(stored) || countElements(shape) !== countElements(stored.shape)) return stored
  const { strides: _, ...rest } = stored
  return { ...rest, shape }
}

function transpose(stored: StoredTensor): StoredTensor {
  const [rows, columns] = stored.shape as readonly [number, number]
  const [down, along] = stored.strides ?? [columns, 1]
  return { ...stored, shape: [columns, rows], strides: [along!, down!] }
}

/** Fewer rows than asked for where there are fewer: the network's shapes then tell what is wrong. */
function withRows(stored: StoredTensor, [begin, end]: readonly [number, number]): StoredTensor {
  const [all = 0, ...others] = stored.shape
  const [from, to] = [Math.min(begin, all), Math.min(end, all)]
  const stride = stored.strides?.[0] ?? countElements(others)
  const bytes = all === 0 ? 0 : (stored.bytes / all) * (to - from)
  return { ...stored, shape: [to - from, ...others], storageOffset: stored.storageOffset + from * stride, bytes }
}

/** Whether elements lie one after another, the last axis first: such a tensor may be seen in another shape. */
function isInOneRow({ shape, strides }: StoredTensor): boolean {
  if (strides === undefined) return true
  return shape.every((length, axis) => length === 1 || strides[axis] === countElements(shape.slice(axis + 1)))
}
