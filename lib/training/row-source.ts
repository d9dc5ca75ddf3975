import type { EegWindows } from '../datasets/windows.ts'
import { StoredSamples } from '../store/stored-samples.ts'
import type { Tensor } from '../tensor.ts'
import { StoreRows } from './store-rows.ts'
import { disposeSet, gatherRows, setLength, type TensorSet, windowTensors } from './tensor-set.ts'

/** Examples of one batch. */
export interface RowBatch {
  inputs: Tensor
  targets: Tensor
}

/** What a {@link DataLoader} draws its batches from. */
export interface RowSource {
  /** Number of examples. */
  readonly length: number
  /** Gathers batches of rows, in order and ahead of being taken. */
  stream(order: readonly (readonly number[])[]): BatchStream
  dispose(): void
}

/** Batches on their way. */
export interface BatchStream {
  /** The next batch; not to be asked for more often than there are batches. */
  next(): Promise<RowBatch>
  /** Frees what nobody took. */
  close(): Promise<void>
}

/** Windows of a store are read by threads of their own; others are copied from memory. */
export function rowSource(data: EegWindows | TensorSet): RowSource {
  if (!('samplingRate' in data)) return new TensorRows(data, false)
  if (data.source instanceof StoredSamples) return new StoreRows(data.source, data.labels)
  return new TensorRows(windowTensors(data), true)
}

/** Rows of tensors, copied on the compute thread, one batch ahead. */
class TensorRows implements RowSource {
  readonly length: number
  readonly #set: TensorSet
  readonly #owned: boolean

  constructor(set: TensorSet, owned: boolean) {
    this.length = setLength(set)
    this.#set = set
    this.#owned = owned
  }

  stream(order: readonly (readonly number[])[]): BatchStream {
    let at = 0
    const gather = () => {
      const rows = order[at++]
      if (rows === undefined) return undefined
      const batch = gatherRows(this.#set, rows) as Promise<RowBatch>
      batch.catch(() => undefined) // reported where it is awaited
      return batch
    }
    let ahead = gather()
    return {
      next: async () => {
        const batch = (await ahead)!
        ahead = gather()
        return batch
      },
      close: async () => {
        const left = await ahead?.catch(() => undefined)
        if (left !== undefined) disposeSet(left)
      },
    }
  }

  dispose(): void {
    if (this.#owned) disposeSet(this.#set)
  }
}
