import { readInto, requireSize } from '../../files/read-at.ts'
import { withFile } from '../../files/with-file.ts'
import type { ChannelRange, SignalSource } from '../source.ts'
import { type Job, readJobs } from './jobs.ts'
import { getterOf, SAMPLE_BYTES, type SampleType } from './sample-types.ts'

/** One channel in records: where its block of samples starts in each, how it is stored, and what the numbers mean. */
export interface RecordChannel {
  /** Byte of its first sample in a record. */
  readonly position: number
  readonly samplesPerRecord: number
  readonly type: SampleType
  /** A sample is `(stored * gain + offset) * unitScale`. */
  readonly gain: number
  readonly offset: number
  readonly unitScale: number
  /** Bits of the stored integer that count; all, where absent. */
  readonly mask?: number
}

/** Where the records lie in the file. */
export interface RecordLayout {
  readonly headerBytes: number
  readonly recordBytes: number
  readonly nRecords: number
}

const CHUNK_BYTES = 1 << 22

/** Samples of a file made of equal records (EDF, BDF, GDF; little end first), read when asked for; the file is open only while it is read. */
export class RecordSource implements SignalSource {
  constructor(
    private readonly file: string,
    private readonly layout: RecordLayout,
    private readonly channels: readonly RecordChannel[],
  ) {}

  read(ranges: readonly ChannelRange[]): Float64Array[] {
    return readJobs(ranges, this.channels, (jobs) => {
      const first = Math.min(...jobs.map(({ start, samplesPerRecord }) => Math.floor(start / samplesPerRecord)))
      const last = Math.max(...jobs.map(({ stop, samplesPerRecord }) => Math.ceil(stop / samplesPerRecord)))
      const { headerBytes, recordBytes, nRecords } = this.layout
      withFile(this.file, (descriptor) => {
        requireSize(descriptor, headerBytes + recordBytes * nRecords, this.file)
        this.#eachRecord(descriptor, first, last, (record, samples) => {
          for (const job of jobs) copyRecord(samples, record, job)
        })
      })
    })
  }

  #eachRecord(descriptor: number, first: number, last: number, use: (record: number, samples: DataView) => void): void {
    const { headerBytes, recordBytes } = this.layout
    const perChunk = Math.max(1, Math.floor(CHUNK_BYTES / recordBytes))
    const chunk = Buffer.alloc(recordBytes * Math.min(perChunk, last - first))
    for (let record = first; record < last; record += perChunk) {
      const n = Math.min(perChunk, last - record)
      const bytes = chunk.subarray(0, n * recordBytes)
      readInto(descriptor, bytes, headerBytes + record * recordBytes, 'its records', this.file)
      for (let i = 0; i < n; i++) {
        use(record + i, new DataView(chunk.buffer, chunk.byteOffset + i * recordBytes, recordBytes))
      }
    }
  }
}

/** Copies what one record holds of a range: stored values to physical ones to the channel's unit. */
function copyRecord(samples: DataView, record: number, job: Job<RecordChannel>): void {
  const { start, stop, out, samplesPerRecord, position, type, gain, offset, unitScale, mask } = job
  const base = record * samplesPerRecord
  const from = Math.max(start, base)
  const to = Math.min(stop, base + samplesPerRecord)
  const size = SAMPLE_BYTES[type]
  const get = getterOf(type, true)
  for (let sample = from; sample < to; sample++) {
    const stored = get(samples, position + size * (sample - base))
    out[sample - start] = ((mask === undefined ? stored : stored & mask) * gain + offset) * unitScale
  }
}
