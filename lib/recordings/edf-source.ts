import { fstatSync, readSync } from 'node:fs'
import { EegTorchError } from '../errors.ts'
import { withFile } from '../files/with-file.ts'
import type { EdfHeader, EdfSignal } from './edf-header.ts'
import type { ChannelRange, SignalSource } from './source.ts'

/** A signal, and what its physical values are multiplied by to give the channel's unit. */
export interface EdfChannel extends EdfSignal {
  readonly unitScale: number
}

const CHUNK_BYTES = 1 << 22

/** Samples of an EDF file, read when asked for; the file is open only while it is read. */
export class EdfSource implements SignalSource {
  readonly readsWhole = false

  constructor(
    private readonly file: string,
    private readonly header: EdfHeader,
    private readonly channels: readonly EdfChannel[],
  ) {}

  read(ranges: readonly ChannelRange[]): Float64Array[] {
    const jobs = ranges.map((range) => ({
      ...range,
      signal: this.channels[range.channel]!,
      out: new Float64Array(range.stop - range.start),
    }))
    const wanted = jobs.filter(({ start, stop }) => stop > start)
    if (wanted.length > 0) {
      const first = Math.min(...wanted.map(({ start, signal }) => Math.floor(start / signal.samplesPerRecord)))
      const last = Math.max(...wanted.map(({ stop, signal }) => Math.ceil(stop / signal.samplesPerRecord)))
      withFile(this.file, (descriptor) => {
        this.#checkSize(descriptor)
        this.#eachRecord(descriptor, first, last, (record, samples) => {
          for (const job of wanted) copyRecord(samples, record, job)
        })
      })
    }
    return jobs.map(({ out }) => out)
  }

  #checkSize(descriptor: number): void {
    const { headerBytes, recordBytes, nRecords } = this.header
    const size = fstatSync(descriptor).size
    if (size >= headerBytes + recordBytes * nRecords) return
    throw new EegTorchError('FILE_TRUNCATED', 'the file has become shorter since it was opened', {
      file: this.file,
      expected: `${headerBytes + recordBytes * nRecords} bytes`,
      received: String(size),
    })
  }

  #eachRecord(descriptor: number, first: number, last: number, use: (record: number, samples: DataView) => void): void {
    const { headerBytes, recordBytes } = this.header
    const perChunk = Math.max(1, Math.floor(CHUNK_BYTES / recordBytes))
    const chunk = Buffer.alloc(recordBytes * Math.min(perChunk, last - first))
    for (let record = first; record < last; record += perChunk) {
      const n = Math.min(perChunk, last - record)
      readSync(descriptor, chunk, 0, n * recordBytes, headerBytes + record * recordBytes)
      for (let i = 0; i < n; i++) {
        use(record + i, new DataView(chunk.buffer, chunk.byteOffset + i * recordBytes, recordBytes))
      }
    }
  }
}

interface Job {
  signal: EdfChannel
  start: number
  stop: number
  out: Float64Array
}

/** Copies what one record holds of a range: digital values (16 bits, little end first) to physical ones to the channel's unit. */
function copyRecord(samples: DataView, record: number, { signal, start, stop, out }: Job): void {
  const { samplesPerRecord, position, gain, offset, unitScale } = signal
  const base = record * samplesPerRecord
  const from = Math.max(start, base)
  const to = Math.min(stop, base + samplesPerRecord)
  for (let sample = from; sample < to; sample++) {
    const digital = samples.getInt16(2 * (position + sample - base), true)
    out[sample - start] = (digital * gain + offset) * unitScale
  }
}
