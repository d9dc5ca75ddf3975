import { DTYPE_BYTES } from '../checkpoints/dtypes.ts'
import type { EegWindows } from '../datasets/windows.ts'
import type { Device } from '../dtype.ts'
import { freeMemory } from '../runtime.ts'
import { StoredSamples } from '../store/stored-samples.ts'
import type { Tensor } from '../tensor.ts'
import { MovedRows, ResidentRows } from './placed-rows.ts'
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

/** Where batches are to be, and whether all of the set is held there. */
export interface RowPlacement {
  device: Device
  /** Default: on another device than the CPU, where the set takes at most half of the memory that is free there. */
  resident?: boolean | undefined
}

/** Windows of a store are read by threads of their own; others are copied from memory, or gathered on the device that holds them all. */
export function rowSource(data: EegWindows | TensorSet, { device, resident }: RowPlacement): RowSource {
  const rows = rowsInMemory(data)
  const stays = resident ?? (device !== 'cpu' && bytesOf(data) <= freeMemory(device) / 2)
  if (device === 'cpu' && !(stays && rows instanceof StoreRows)) return rows
  return stays ? new ResidentRows(rows, device) : new MovedRows(rows, device)
}

function rowsInMemory(data: EegWindows | TensorSet): RowSource {
  if (!('samplingRate' in data)) return new TensorRows(data, false)
  if (data.source instanceof StoredSamples) return new StoreRows(data.source, data.labels)
  return new TensorRows(windowTensors(data), true)
}

/** What a set takes as tensors. */
function bytesOf(data: EegWindows | TensorSet): number {
  if ('samplingRate' in data) return data.length * (4 * data.nChannels * data.nSamples + 8)
  return [data.inputs, data.targets].reduce(
    (sum, { shape, dtype }) => sum + shape.reduce((a, b) => a * b, DTYPE_BYTES.get(dtype) ?? 8),
    0,
  )
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
