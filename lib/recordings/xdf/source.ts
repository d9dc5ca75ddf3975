import { withFile } from '../../files/with-file.ts'
import { type Job, readJobs } from '../binary/jobs.ts'
import { getterOf, SAMPLE_BYTES, type SampleType } from '../binary/sample-types.ts'
import type { StridedChannel } from '../binary/strided-source.ts'
import type { ChannelRange, SignalSource } from '../source.ts'
import { Cursor, FileWindow } from './cursor.ts'

/** Where a stream's numbers lie: time stamps stand between samples, so each stretch of a chunk is walked from its beginning. */
export interface XdfSamples {
  readonly file: string
  readonly type: SampleType
  readonly nChannels: number
  /** For each stretch, the byte at which it begins and the number of its first sample. */
  readonly positions: readonly number[]
  readonly firsts: readonly number[]
  readonly nSamples: number
}

/** Samples of one stream of an XDF file, read when asked for. */
export class XdfSource implements SignalSource {
  readonly readsWhole = false

  constructor(
    private readonly samples: XdfSamples,
    private readonly channels: readonly StridedChannel[],
  ) {}

  read(ranges: readonly ChannelRange[]): Float64Array[] {
    return readJobs(ranges, this.channels, (jobs) => {
      const start = Math.min(...jobs.map((job) => job.start))
      const stop = Math.max(...jobs.map((job) => job.stop))
      withFile(this.samples.file, (descriptor) => this.#readStretches(descriptor, start, stop, jobs))
    })
  }

  #readStretches(descriptor: number, start: number, stop: number, jobs: readonly Job<StridedChannel>[]): void {
    const { file, type, nChannels, positions, firsts, nSamples } = this.samples
    const first = lastAtMost(firsts, start)
    const last = lastAtMost(firsts, stop - 1)
    const reach = (positions[last + 1] ?? Number.POSITIVE_INFINITY) - positions[first]!
    const window = new FileWindow(descriptor, file, reach)
    const size = SAMPLE_BYTES[type]
    const bytes = nChannels * size
    const get = getterOf(type, true)
    const copy = (sample: number, at: number) => {
      for (const { start: from, stop: to, slot, gain, offset = 0, out } of jobs) {
        if (sample >= from && sample < to) out[sample - from] = get(window.view, at + slot * size) * gain + offset
      }
    }
    for (let stretch = first; stretch <= last; stretch++) {
      const cursor = new Cursor(window, positions[stretch]!)
      const end = Math.min(stop, firsts[stretch + 1] ?? nSamples)
      for (let sample = firsts[stretch]!; sample < end; sample++) {
        if (cursor.uint8() !== 0) cursor.skip(8)
        if (sample < start) cursor.skip(bytes)
        else copy(sample, cursor.take(bytes))
      }
    }
  }
}

/** The last place of a rising list whose value is at most `limit`. */
function lastAtMost(list: readonly number[], limit: number): number {
  let [low, high] = [0, list.length - 1]
  while (low < high) {
    const middle = Math.ceil((low + high) / 2)
    if (list[middle]! <= limit) low = middle
    else high = middle - 1
  }
  return low
}
