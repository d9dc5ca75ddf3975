import { EegTorchError } from '../../errors.ts'
import { type FileState, requireUnchanged } from '../../files/read-at.ts'
import { withFile } from '../../files/with-file.ts'
import { type Job, readJobs, spanOf } from '../binary/jobs.ts'
import { getterOf, SAMPLE_BYTES, type SampleType } from '../binary/sample-types.ts'
import type { StridedChannel } from '../binary/strided-source.ts'
import { lastWhere } from '../last-where.ts'
import type { ChannelRange, SignalSource } from '../source.ts'
import { FileWindow } from './cursor.ts'

/** A file whose places were noted, and how it was then. */
export interface ScannedFile {
  readonly file: string
  readonly state: FileState
}

/** Where a stream's numbers lie: time stamps stand between samples, so each stretch of a chunk is walked from its beginning. */
export interface XdfSamples extends ScannedFile {
  readonly type: SampleType
  readonly nChannels: number
  /** For each stretch, the byte at which it begins and the number of its first sample. */
  readonly positions: readonly number[]
  readonly firsts: readonly number[]
  readonly nSamples: number
}

/** A byte that says whether there is a time stamp, and the stamp. */
const MOST_STAMP = 9

/** Samples of one stream of an XDF file, read when asked for. */
export class XdfSource implements SignalSource {
  constructor(
    private readonly samples: XdfSamples,
    private readonly channels: readonly StridedChannel[],
  ) {}

  read(ranges: readonly ChannelRange[]): Float64Array[] {
    return readJobs(ranges, this.channels, (jobs) => {
      const { start, stop } = spanOf(jobs)
      withFile(this.samples.file, (descriptor) => this.#readStretches(descriptor, start, stop, jobs))
    })
  }

  #readStretches(descriptor: number, start: number, stop: number, jobs: readonly Job<StridedChannel>[]): void {
    const { file, state, positions, firsts, nSamples } = this.samples
    requireUnchanged(descriptor, state, file)
    const first = lastWhere(firsts, (sample) => sample <= start)
    const last = lastWhere(firsts, (sample) => sample < stop)
    const reach = (positions[last + 1] ?? Number.POSITIVE_INFINITY) - positions[first]!
    const window = new FileWindow(descriptor, file, reach)
    for (let stretch = first; stretch <= last; stretch++) {
      const end = Math.min(stop, firsts[stretch + 1] ?? nSamples)
      const places = this.#placesOf(positions[stretch]!, end - firsts[stretch]!, window)
      for (const job of jobs) this.#copy(window.view, places, firsts[stretch]!, job)
    }
  }

  /** Where in the window the samples of a stretch begin, each behind its time stamp. */
  #placesOf(position: number, count: number, window: FileWindow): Int32Array {
    const bytes = this.samples.nChannels * SAMPLE_BYTES[this.samples.type]
    const length = Math.min(count * (MOST_STAMP + bytes), window.size - position)
    const begin = window.locate(position, Math.max(0, length))
    const places = new Int32Array(count)
    let at = begin
    for (let i = 0; i < count; i++) {
      const place = at + (at < begin + length && window.view.getUint8(at) !== 0 ? MOST_STAMP : 1)
      at = place + bytes
      if (at > begin + length) throw changed(this.samples.file)
      places[i] = place
    }
    return places
  }

  #copy(view: DataView, places: Int32Array, first: number, job: Job<StridedChannel>): void {
    const { start, stop, slot, gain, offset = 0, out } = job
    const get = getterOf(this.samples.type, true)
    const inSample = slot * SAMPLE_BYTES[this.samples.type]
    const end = Math.min(stop, first + places.length)
    for (let sample = Math.max(start, first); sample < end; sample++) {
      out[sample - start] = get(view, places[sample - first]! + inSample) * gain + offset
    }
  }
}

const changed = (file: string) =>
  new EegTorchError('FILE_TRUNCATED', 'the file has become shorter since it was opened', { file })
