import { withFile } from '../../files/with-file.ts'
import { type Job, readJobs } from '../binary/jobs.ts'
import { readInto, requireSize } from '../binary/read-at.ts'
import type { ChannelRange, SignalSource } from '../source.ts'
import type { Packing } from './packing.ts'

/** Signals that share a file: frames in which each has its samples. */
export interface WfdbGroup {
  readonly file: string
  readonly byteOffset: number
  readonly packing: Packing
  readonly samplesPerFrame: number
  readonly nFrames: number
}

/** Where a channel lies in its group's frames, and what its numbers mean: `(stored - baseline) * scale`. */
export interface WfdbChannel {
  readonly group: WfdbGroup
  readonly first: number
  readonly count: number
  readonly baseline: number
  readonly scale: number
}

const CHUNK_SAMPLES = 1 << 20

/** Samples of a WFDB record, read when asked for. */
export class WfdbSource implements SignalSource {
  readonly readsWhole = false

  constructor(private readonly channels: readonly WfdbChannel[]) {}

  read(ranges: readonly ChannelRange[]): Float64Array[] {
    return readJobs(ranges, this.channels, (jobs) => {
      for (const group of new Set(jobs.map((job) => job.group))) {
        readGroup(
          group,
          jobs.filter((job) => job.group === group),
        )
      }
    })
  }
}

function readGroup(
  { file, byteOffset, packing, samplesPerFrame, nFrames }: WfdbGroup,
  jobs: readonly Job<WfdbChannel>[],
): void {
  const from = Math.min(...jobs.map(({ start, count }) => Math.floor(start / count)))
  const to = Math.max(...jobs.map(({ stop, count }) => Math.ceil(stop / count)))
  // Chunks begin at even frames, so that no packed pair is cut.
  const perChunk = 2 * Math.max(1, Math.floor(CHUNK_SAMPLES / samplesPerFrame / 2))
  withFile(file, (descriptor) => {
    requireSize(descriptor, byteOffset + packing.bytesOf(nFrames * samplesPerFrame), file)
    for (let frame = from - (from % 2); frame < to; frame += perChunk) {
      const n = Math.min(perChunk, to - frame)
      const bytes = Buffer.allocUnsafe(packing.bytesOf(n * samplesPerFrame))
      readInto(descriptor, bytes, byteOffset + packing.bytesOf(frame * samplesPerFrame), 'its samples', file)
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
      for (const { start, stop, out, first, count, baseline, scale } of jobs) {
        const end = Math.min(stop, (frame + n) * count)
        for (let i = Math.max(start, frame * count); i < end; i++) {
          const inFrame = Math.floor(i / count)
          const index = (inFrame - frame) * samplesPerFrame + first + (i - inFrame * count)
          out[i - start] = (packing.read(view, index) - baseline) * scale
        }
      }
    }
  })
}
