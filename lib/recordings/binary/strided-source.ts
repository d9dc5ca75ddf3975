import { readInto, requireSize } from '../../files/read-at.ts'
import { withFile } from '../../files/with-file.ts'
import type { ChannelRange, SignalSource } from '../source.ts'
import { type Job, readJobs, spanOf } from './jobs.ts'
import { getterOf, SAMPLE_BYTES, type SampleType } from './sample-types.ts'

/** A stretch of samples in a file, all channels stored alike: frame by frame, or channel by channel. */
export interface StridedPiece {
  readonly file: string
  /** The file as it was unpacked, where it is compressed. */
  readonly unpacked?: Buffer | undefined
  /** Byte of the first sample of the first channel. */
  readonly position: number
  /** Number of its first sample among those of the recording. */
  readonly first: number
  readonly nSamples: number
  readonly type: SampleType
  readonly littleEndian: boolean
  /** Bytes from one sample of a channel to its next, and from one channel to the next. */
  readonly sampleStride: number
  readonly channelStride: number
}

/** Which of the stored channels it is, and what its numbers mean: a sample is `stored * gain + offset`. */
export interface StridedChannel {
  readonly slot: number
  readonly gain: number
  readonly offset?: number
}

const CHUNK_BYTES = 1 << 22

/** Samples of equal type in one or more stretches of one or more files, read when asked for. All channels have one rate. */
export class StridedSource implements SignalSource {
  constructor(
    private readonly pieces: readonly StridedPiece[],
    private readonly channels: readonly StridedChannel[],
  ) {}

  get files(): string[] {
    return this.pieces.map(({ file }) => file)
  }

  read(ranges: readonly ChannelRange[]): Float64Array[] {
    return readJobs(ranges, this.channels, (jobs) => {
      const { start, stop } = spanOf(jobs)
      const needed = this.pieces.filter(({ first, nSamples }) => first < stop && first + nSamples > start)
      for (const file of new Set(needed.map((piece) => piece.file))) {
        const pieces = needed.filter((piece) => piece.file === file)
        withBytes(pieces[0]!, (bytes) => {
          for (const piece of pieces) readPiece(bytes, piece, jobs, this.channels.length)
        })
      }
    })
  }
}

type Jobs = readonly Job<StridedChannel>[]

/** Where samples are read from. */
interface Bytes {
  /** @throws EegTorchError `FILE_TRUNCATED` where there are fewer bytes by now */
  require(needed: number): void
  fill(buffer: Buffer, position: number): void
}

function withBytes({ file, unpacked }: StridedPiece, use: (bytes: Bytes) => void): void {
  // What was unpacked does not change any more.
  if (unpacked !== undefined) use({ require() {}, fill: (buffer, position) => unpacked.copy(buffer, 0, position) })
  else {
    withFile(file, (descriptor) =>
      use({
        require: (needed) => requireSize(descriptor, needed, file),
        fill: (buffer, position) => readInto(descriptor, buffer, position, 'its samples', file),
      }),
    )
  }
}

function readPiece(source: Bytes, piece: StridedPiece, jobs: Jobs, nChannels: number): void {
  const size = SAMPLE_BYTES[piece.type]
  const slots = Math.max(...jobs.map(({ slot }) => slot), nChannels - 1)
  const end = piece.position + (piece.nSamples - 1) * piece.sampleStride + slots * piece.channelStride + size
  source.require(end)
  const isPlanar = piece.sampleStride === size
  if (isPlanar) for (const job of jobs) readRuns(source, piece, [job], job.slot * piece.channelStride, 0)
  else readRuns(source, piece, jobs, 0, piece.channelStride)
}

/** Reads the samples of some jobs chunk by chunk; `skip` bytes lie before them, and `perSlot` from one channel to the next. */
function readRuns(
  source: Bytes,
  { position, first, nSamples, type, littleEndian, sampleStride }: StridedPiece,
  jobs: Jobs,
  skip: number,
  perSlot: number,
): void {
  const span = spanOf(jobs)
  const from = Math.max(0, span.start - first)
  const to = Math.min(nSamples, span.stop - first)
  const perChunk = Math.max(1, Math.floor(CHUNK_BYTES / sampleStride))
  const get = getterOf(type, littleEndian)
  const tail = SAMPLE_BYTES[type] + perSlot * Math.max(...jobs.map(({ slot }) => slot))
  for (let at = from; at < to; at += perChunk) {
    const n = Math.min(perChunk, to - at)
    const bytes = Buffer.allocUnsafe((n - 1) * sampleStride + tail)
    source.fill(bytes, position + skip + at * sampleStride)
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
    for (const { start, stop, out, slot, gain, offset = 0 } of jobs) {
      const base = slot * perSlot
      const low = Math.max(start - first, at)
      const high = Math.min(stop - first, at + n)
      for (let i = low; i < high; i++) {
        out[i + first - start] = get(view, (i - at) * sampleStride + base) * gain + offset
      }
    }
  }
}
