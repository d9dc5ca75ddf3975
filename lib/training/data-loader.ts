import type { EegWindows } from '../datasets/windows.ts'
import type { ProcessGroup } from '../distributed/process-group.ts'
import type { Device } from '../dtype.ts'
import { EegTorchError } from '../errors.ts'
import { Random } from '../random.ts'
import type { Tensor } from '../tensor.ts'
import { type RowSource, rowSource } from './row-source.ts'
import type { TensorSet } from './tensor-set.ts'

/** How a {@link DataLoader} draws batches. */
export interface DataLoaderOptions {
  /** Examples in a batch; with a group, of each process. */
  batchSize: number
  /** New order in every epoch; default false. */
  shuffle?: boolean
  /** Of the shuffling; default 0. The order of an epoch depends on this and on its number alone. */
  seed?: number
  /** Leave a last batch out that is not full; default false. */
  dropLast?: boolean
  /**
   * Processes that share the set: each draws its part of every batch, the same number of batches in all. The parts together are the batches of one
   * process with `worldSize` times the batch size.
   */
  group?: Pick<ProcessGroup, 'rank' | 'worldSize'> | undefined
  /** Where batches are; default `cpu`. A network wants them where it is itself. */
  device?: Device
  /**
   * Holds the whole set on the device as one tensor, filled in the first epoch's beginning, and gathers batches there; default: on another device than
   * the CPU, where the set takes at most half of the memory that is free. Windows in the CPU's memory are held there anyway; `true` reads a store into it.
   */
  resident?: boolean | undefined
  /** Gives a last batch of fewer examples than processes to all of them, repeating some; default true. Off, some have a batch less. */
  fillLast?: boolean
}

/** A batch of a {@link DataLoader}. */
export interface LoadedBatch {
  inputs: Tensor
  targets: Tensor
  /** Which rows of the set these are. */
  indices: readonly number[]
}

/** Streams of random numbers below this belong to others who share a seed. */
const FIRST_STREAM = 1000

const ALONE = { rank: 0, worldSize: 1 }

/**
 * Draws batches from windows or tensors. The next batch is gathered while the present one is trained on; windows of a store are read by threads of
 * their own, several batches ahead.
 *
 * A batch is freed when the loop asks for the next one; clone what is to live on.
 */
export class DataLoader implements AsyncIterable<LoadedBatch> {
  /** Number of examples, those of other processes included. */
  readonly length: number
  /** Batches in an epoch. */
  readonly batches: number
  readonly #options: Required<Omit<DataLoaderOptions, 'group' | 'device' | 'resident'>>
  readonly #place: { rank: number; worldSize: number }
  readonly #rows: RowSource
  #epoch = 0

  /** @throws EegTorchError `INVALID_OPTION`, `SHAPE_MISMATCH` */
  constructor(data: EegWindows | TensorSet, options: DataLoaderOptions) {
    const { batchSize, shuffle = false, seed = 0, dropLast = false, group = ALONE, fillLast = true } = options
    if (!(Number.isSafeInteger(batchSize) && batchSize >= 1)) {
      throw new EegTorchError('INVALID_OPTION', 'the batch size is not usable', {
        option: 'batchSize',
        expected: 'a whole number, 1 or more',
        received: String(batchSize),
      })
    }
    this.#rows = rowSource(data, { device: options.device ?? 'cpu', resident: options.resident })
    this.length = this.#rows.length
    this.#options = { batchSize, shuffle, seed, dropLast, fillLast }
    this.#place = group
    this.batches = this.#parts().length
  }

  /**
   * Closes the file of a store and frees the tensors that the loader made of windows; those of a {@link TensorSet} are its owner's. `using` does it at the
   * end of a block.
   */
  dispose(): void {
    this.#rows.dispose()
  }

  [Symbol.dispose](): void {
    this.dispose()
  }

  /** One epoch after the other: each loop over the loader is the next epoch. */
  [Symbol.asyncIterator](): AsyncGenerator<LoadedBatch> {
    return this.epoch(this.#epoch++)
  }

  /** The rows of each batch of an epoch. */
  order(epoch: number): number[][] {
    const { shuffle, seed } = this.#options
    const rows = Array.from({ length: this.length }, (_, i) => i)
    const ordered = shuffle ? new Random(seed, FIRST_STREAM + epoch).shuffle(rows) : rows
    return this.#parts().map(([from, to]) =>
      Array.from({ length: to - from }, (_, i) => ordered[(from + i) % ordered.length]!),
    )
  }

  /** Where this process's part of each batch is in the order of an epoch. */
  #parts(): [from: number, to: number][] {
    const { batchSize, dropLast, fillLast } = this.#options
    const { rank, worldSize } = this.#place
    const whole = batchSize * worldSize
    const batches = dropLast ? Math.floor(this.length / whole) : Math.ceil(this.length / whole)
    const parts = Array.from({ length: batches }, (_, i): [number, number] => {
      const start = i * whole
      const left = Math.min(whole, this.length - start)
      const size = fillLast ? Math.max(left, worldSize) : left
      return [start + Math.floor((size * rank) / worldSize), start + Math.floor((size * (rank + 1)) / worldSize)]
    })
    return parts.filter(([from, to]) => to > from)
  }

  /** The batches of an epoch, from one of them on. */
  async *epoch(epoch: number, from = 0): AsyncGenerator<LoadedBatch> {
    const order = this.order(epoch).slice(from)
    const stream = this.#rows.stream(order)
    try {
      for (const indices of order) {
        const batch = { ...(await stream.next()), indices }
        try {
          yield batch
        } finally {
          batch.inputs.dispose()
          batch.targets.dispose()
        }
      }
    } finally {
      await stream.close()
    }
  }
}
