import type { Device } from '../dtype.ts'
import { asyncOps } from '../ops/index.ts'
import type { Tensor } from '../tensor.ts'
import type { BatchStream, RowBatch, RowSource } from './row-source.ts'
import { disposeSet, gatherRows } from './tensor-set.ts'

/** Rows that are read into memory at a time on their way to a device. */
const PIECE = 256

/** Batches of another source, each copied to a device. */
export class MovedRows implements RowSource {
  readonly length: number

  constructor(
    private readonly source: RowSource,
    private readonly device: Device,
  ) {
    this.length = source.length
  }

  stream(order: readonly (readonly number[])[]): BatchStream {
    const stream = this.source.stream(order)
    return { next: async () => moved(await stream.next(), this.device), close: () => stream.close() }
  }

  dispose(): void {
    this.source.dispose()
  }
}

/** All rows of another source in one tensor on a device, which gathers batches itself. The source is freed once they are there. */
export class ResidentRows implements RowSource {
  readonly length: number
  #held: Promise<RowBatch> | undefined
  #disposed = false

  constructor(
    private readonly source: RowSource,
    private readonly device: Device,
  ) {
    this.length = source.length
  }

  stream(order: readonly (readonly number[])[]): BatchStream {
    this.#held ??= this.#load()
    const held = this.#held
    held.catch(() => undefined) // reported where it is awaited
    let at = 0
    return {
      next: async () => (await gatherRows(await held, order[at++]!)) as RowBatch,
      close: async () => undefined,
    }
  }

  dispose(): void {
    this.#disposed = true
    if (this.#held === undefined) this.source.dispose()
    else this.#held.then(disposeSet, () => undefined)
  }

  async #load(): Promise<RowBatch> {
    const pieces = Array.from({ length: Math.ceil(this.length / PIECE) }, (_, piece) =>
      Array.from({ length: Math.min(PIECE, this.length - piece * PIECE) }, (__, i) => piece * PIECE + i),
    )
    const stream = this.source.stream(pieces)
    let whole: RowBatch | undefined
    try {
      for (const rows of pieces) {
        const piece = await stream.next()
        try {
          whole ??= this.#room(piece)
          if (this.#disposed) break
          await put(whole, piece, rows[0]!)
        } finally {
          disposeSet(piece)
        }
      }
      return whole!
    } catch (error) {
      if (whole !== undefined) disposeSet(whole)
      throw error
    } finally {
      await stream.close()
      this.source.dispose()
    }
  }

  #room({ inputs, targets }: RowBatch): RowBatch {
    const like = (one: Tensor) => one.new_empty([this.length, ...one.shape.slice(1)], { device: this.device })
    return { inputs: like(inputs), targets: like(targets) }
  }
}

/** Copies rows into their place, on the compute thread. */
async function put(whole: RowBatch, piece: RowBatch, first: number): Promise<void> {
  for (const part of ['inputs', 'targets'] as const) {
    using place = whole[part].narrow(0, first, piece[part].shape[0]!)
    await asyncOps.aten.copy_(place, piece[part])
  }
}

/** A batch on a device; the one given is freed. */
async function moved(batch: RowBatch, device: Device): Promise<RowBatch> {
  try {
    const [inputs, targets] = await Promise.all([toDevice(batch.inputs, device), toDevice(batch.targets, device)])
    return { inputs: inputs!, targets: targets! }
  } finally {
    disposeSet(batch)
  }
}

/** Copies on the compute thread; from pinned memory beside the work of the device. */
async function toDevice(tensor: Tensor, device: Device): Promise<Tensor> {
  using target = tensor.new_empty(tensor.shape, { device })
  await asyncOps.aten.copy_(target, tensor, true)
  return target.detach()
}
