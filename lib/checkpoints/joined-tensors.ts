import type { StoredTensor } from './stored-tensor.ts'
import { type TensorRequest, TensorSource, unknownTensor } from './tensor-file.ts'

/** Tensors of several sources as one. */
export class JoinedTensors extends TensorSource {
  readonly path: string
  readonly files: readonly string[]
  readonly tensors: ReadonlyMap<string, StoredTensor>
  readonly #sourceOf: ReadonlyMap<string, TensorSource>

  /** @param sourceOf where each tensor is, by name */
  constructor(path: string, sourceOf: ReadonlyMap<string, TensorSource>) {
    super()
    this.path = path
    this.files = [...new Set(sourceOf.values())].flatMap((source) => source.files)
    this.tensors = new Map([...sourceOf].map(([name, source]) => [name, source.tensors.get(name)!]))
    this.#sourceOf = sourceOf
  }

  /** @internal */
  async requests(names: readonly string[]): Promise<TensorRequest[]> {
    const bySource = new Map<TensorSource, string[]>()
    for (const name of names) {
      const source = this.#sourceOf.get(name)
      if (source === undefined) throw unknownTensor(name, this.path)
      bySource.set(source, [...(bySource.get(source) ?? []), name])
    }
    return (await Promise.all([...bySource].map(([source, its]) => source.requests(its)))).flat()
  }
}
