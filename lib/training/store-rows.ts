import { availableParallelism } from 'node:os'
import { native } from '../native.ts'
import type { StoredSamples } from '../store/stored-samples.ts'
import { Tensor } from '../tensor.ts'
import { nativeTraining } from './native.ts'
import type { BatchStream, RowSource } from './row-source.ts'

/** More threads than this wait for the disk or the memory, and not for the processor. */
const MOST_THREADS = 4
/** What batches that wait to be taken may hold, in bytes. */
const WAITING_BYTES = 512 * 2 ** 20

const registry = new FinalizationRegistry<number>((id) => native.removeObject(id))

/** Windows of a store as batches: read, checked and scaled by native threads, ahead of the network that takes them. */
export class StoreRows implements RowSource {
  readonly length: number
  readonly #samples: StoredSamples
  readonly #file: number

  /** @throws EegTorchError `FILE_NOT_FOUND`, `FILE_TRUNCATED` where the store has changed since it was opened */
  constructor(samples: StoredSamples, labels: Int32Array) {
    this.length = samples.length
    this.#samples = samples
    const { path, fileSize, shape, offsets, checksums } = samples.layout
    const own = (row: number) => samples.rows[row]!
    this.#file = nativeTraining.openWindowFile(
      path,
      fileSize,
      shape.type,
      shape.nChannels,
      shape.nSamples,
      Float64Array.from({ length: this.length }, (_, i) => offsets[own(i)]!),
      Uint32Array.from({ length: this.length }, (_, i) => checksums[own(i)]!),
      labels,
    )
    registry.register(this, this.#file, this)
  }

  stream(order: readonly (readonly number[])[]): BatchStream {
    const { scale, layout } = this.#samples
    const rows = Int32Array.from(order.flat())
    let end = 0
    const ends = Int32Array.from(order, ({ length }) => (end += length))
    const threads = Math.min(MOST_THREADS, availableParallelism())
    const batchBytes = 4 * layout.shape.nChannels * layout.shape.nSamples * Math.max(1, order[0]?.length ?? 1)
    const depth = Math.max(2, Math.min(2 * threads, Math.floor(WAITING_BYTES / batchBytes)))
    const pinned = native.version().cuda && native.version().devices > 0
    const loader = nativeTraining.startLoader(this.#file, rows, ends, { threads, depth, pinned, ...scale })
    const stream = {
      next: async () => {
        const [inputs, targets] = await nativeTraining.nextBatch(loader)
        return { inputs: new Tensor(inputs), targets: new Tensor(targets) }
      },
      close: async () => {
        native.removeObject(loader)
        registry.unregister(stream)
      },
    }
    registry.register(stream, loader, stream) // of a loop that nobody goes on with
    return stream
  }

  dispose(): void {
    native.removeObject(this.#file)
    registry.unregister(this)
  }
}
