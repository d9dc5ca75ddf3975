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
/** Bytes that are gone through at once, channel by channel: they stay in the processor's cache. */
const RUN_BYTES = 1 << 16

/** Samples of one stream of an XDF file, read when asked for. */
export class XdfSource implements SignalSource {
  /** Of a sample of all channels, with a time stamp. */
  readonly #mostBytes: number

  constructor(
    private readonly samples: XdfSamples,
    private readonly channels: readonly StridedChannel[],
  ) {
    this.#mostBytes = MOST_STAMP + samples.nChannels * SAMPLE_BYTES[samples.type]
  }

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
    for (let stretch = first; stretch <= last; ) {
      const next = this.#endOfRun(stretch, last + 1)
      const places = this.#placesOf(stretch, next, Math.min(stop, firsts[next] ?? nSamples), window)
      for (const job of jobs) this.#copy(window.view, places, firsts[stretch]!, job)
      stretch = next
    }
  }

  /** The stretch before which those from `first` on lie close together: recorders write a few samples at a time. */
  #endOfRun(first: number, limit: number): number {
    const { positions, firsts, nSamples } = this.samples
    let next = first + 1
    while (next < limit) {
      const end = positions[next]! + ((firsts[next + 1] ?? nSamples) - firsts[next]!) * this.#mostBytes
      if (end - positions[first]! > RUN_BYTES) break
      next++
    }
    return next
  }

  /** Where in the window the samples of stretches `first` to `next` begin, each behind its time stamp. */
  #placesOf(first: number, next: number, stop: number, window: FileWindow): Int32Array {
    const { positions, firsts, file } = this.samples
    const [start, firstSample] = [positions[first]!, firsts[first]!]
    const end = Math.min(window.size, positions[next - 1]! + (stop - firsts[next - 1]!) * this.#mostBytes)
    const begin = window.locate(start, Math.max(0, end - start))
    const { view } = window
    const places = new Int32Array(stop - firstSample)
    const limit = begin + end - start
    let [at, stretch] = [begin, first]
    for (let i = 0; i < places.length; i++) {
      if (firstSample + i === firsts[stretch]) at = begin + positions[stretch++]! - start
      const place = at + (at < limit && view.getUint8(at) !== 0 ? MOST_STAMP : 1)
      at = place + this.#mostBytes - MOST_STAMP
      if (at > limit) throw changed(file)
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
