import type { Axes } from '../arrays/axes.ts'
import { type Job, readJobs, spanOf } from '../binary/jobs.ts'
import { SAMPLE_BYTES } from '../binary/sample-types.ts'
import type { StridedChannel } from '../binary/strided-source.ts'
import type { MatStored } from '../matlab/values.ts'
import type { ChannelRange, SignalSource } from '../source.ts'
import { withBlocks } from './client.ts'
import type { Hdf5Block } from './protocol.ts'

/** Bytes that are read at once, where the file's chunks are no larger. */
const BLOCK_BYTES = 1 << 22

/** Samples of an array in an HDF5 file, read when asked for, each of the file's chunks once. */
export class Hdf5Source implements SignalSource {
  constructor(
    private readonly array: MatStored,
    private readonly axes: Axes,
    private readonly channels: readonly StridedChannel[],
    private readonly blockBytes: number = BLOCK_BYTES,
  ) {}

  read(ranges: readonly ChannelRange[]): Float64Array[] {
    return readJobs(ranges, this.channels, (jobs) => {
      const { file, path } = this.array
      const low = this.#boundsOf(jobs)
      withBlocks(file, (read) => {
        for (const box of boxesOf(low, this.#boxSize(low))) this.#scatter(box, read(path, box.start, box.count), jobs)
      })
    })
  }

  /** The part of the array that holds all jobs. */
  #boundsOf(jobs: readonly Job<StridedChannel>[]): Box {
    const { channels, samples, trials } = this.axes
    const perTrial = this.array.dims[samples]!
    const start = this.array.dims.map(() => 0)
    const count = [...this.array.dims]
    const bound = (axis: number, low: number, high: number) => {
      start[axis] = low
      count[axis] = high - low
    }
    const { start: from, stop: to } = spanOf(jobs)
    const [first, last] = [Math.floor(from / perTrial), Math.floor((to - 1) / perTrial)]
    if (trials !== undefined) bound(trials, first, last + 1)
    if (first === last) bound(samples, from - first * perTrial, to - first * perTrial)
    const slots = jobs.map(({ slot }) => slot)
    if (channels !== undefined) bound(channels, Math.min(...slots), Math.max(...slots) + 1)
    return { start, count }
  }

  /** Whole chunks, as many as fit: all channels first, then samples, then trials. */
  #boxSize({ count }: Box): number[] {
    const { dims, type, chunks } = this.array
    const size = dims.map((dim, axis) => Math.min(dim, chunks?.[axis] ?? 1))
    const { channels, samples, trials } = this.axes
    for (const axis of [channels, samples, trials]) {
      if (axis === undefined) continue
      const bytes = size.reduce((product, n) => product * n, SAMPLE_BYTES[type])
      const fit = Math.max(1, Math.floor(this.blockBytes / bytes))
      size[axis] = size[axis]! * Math.min(fit, Math.ceil((count[axis]! + size[axis]!) / size[axis]!))
    }
    return size
  }

  #scatter({ start, count }: Box, block: Hdf5Block, jobs: readonly Job<StridedChannel>[]): void {
    const { channels, samples, trials } = this.axes
    const strides = count.map((_, axis) => count.slice(0, axis).reduce((product, n) => product * n, 1))
    const perTrial = this.array.dims[samples]!
    const firstTrial = trials === undefined ? 0 : start[trials]!
    const nTrials = trials === undefined ? 1 : count[trials]!
    for (const { slot, gain, offset = 0, start: from, stop, out } of jobs) {
      const inBlock = channels === undefined ? 0 : slot - start[channels]!
      if (inBlock < 0 || (channels !== undefined && inBlock >= count[channels]!)) continue
      for (let trial = 0; trial < nTrials; trial++) {
        const first = (firstTrial + trial) * perTrial + start[samples]!
        const base =
          (channels === undefined ? 0 : inBlock * strides[channels]!) +
          trial * (strides[trials ?? 0] ?? 0) -
          first * strides[samples]!
        const end = Math.min(stop, first + count[samples]!)
        for (let at = Math.max(from, first); at < end; at++) {
          out[at - from] = Number(block[base + at * strides[samples]!]) * gain + offset
        }
      }
    }
  }
}

/** First element and number of elements along each axis. */
interface Box {
  readonly start: number[]
  readonly count: number[]
}

/** Cuts a part of an array into boxes whose edges are multiples of `size`. */
function boxesOf({ start, count }: Box, size: readonly number[]): Box[] {
  let boxes: Box[] = [{ start: [], count: [] }]
  for (const [axis, step] of size.entries()) {
    const [low, high] = [start[axis]!, start[axis]! + count[axis]!]
    const cuts: [number, number][] = []
    for (let at = low; at < high; ) {
      const next = Math.min(high, (Math.floor(at / step) + 1) * step)
      cuts.push([at, next - at])
      at = next
    }
    boxes = boxes.flatMap((box) => cuts.map(([at, n]) => ({ start: [...box.start, at], count: [...box.count, n] })))
  }
  return boxes
}
