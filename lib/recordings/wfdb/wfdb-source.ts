import { readInto, requireSize } from '../../files/read-at.ts'
import { withFile } from '../../files/with-file.ts'
import { type Job, readJobs } from '../binary/jobs.ts'
import type { ChannelRange, SignalSource } from '../source.ts'
import { type Packing, WHOLE_FRAMES } from './packing.ts'

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
  /** Frames of the file that precede its first sample. */
  readonly skew: number
  readonly baseline: number
  readonly scale: number
  /** The number before the first, where differences are stored. */
  readonly initial: number
}

const CHUNK_SAMPLES = 1 << 20

/** Samples of a WFDB record, read when asked for. */
export class WfdbSource implements SignalSource {
  constructor(private readonly channels: readonly WfdbChannel[]) {}

  get files(): string[] {
    return this.channels.map(({ group }) => group.file)
  }

  read(ranges: readonly ChannelRange[]): Float64Array[] {
    return readJobs(ranges, this.channels, (given) => {
      const jobs = given.map(placed).filter(({ start, stop }) => stop > start)
      for (const group of new Set(jobs.map((job) => job.group))) {
        readGroup(
          group,
          jobs.filter((job) => job.group === group),
        )
      }
    })
  }
}

/** A job where its samples lie in the file. What a skew moves before the record's first frame is not read; what it leaves open at the end is NaN. */
function placed(job: Job<WfdbChannel>): Job<WfdbChannel> {
  const { skew, count, group, out } = job
  if (skew === 0) return job
  const start = job.start + skew * count
  const stop = Math.min(job.stop + skew * count, group.nFrames * count)
  out.fill(Number.NaN, Math.max(0, stop - start))
  return { ...job, start, stop }
}

function readGroup(group: WfdbGroup, jobs: readonly Job<WfdbChannel>[]): void {
  const { file, byteOffset, packing, samplesPerFrame, nFrames } = group
  const earliest = Math.min(...jobs.map(({ start, count }) => Math.floor(start / count)))
  // A sum of differences begins with the first.
  const from = packing.isDifference ? 0 : earliest - (earliest % WHOLE_FRAMES)
  const to = Math.max(...jobs.map(({ stop, count }) => Math.ceil(stop / count)))
  const perChunk = WHOLE_FRAMES * Math.max(1, Math.floor(CHUNK_SAMPLES / samplesPerFrame / WHOLE_FRAMES))
  const sums = jobs.map(({ initial }) => initial)
  withFile(file, (descriptor) => {
    requireSize(descriptor, byteOffset + packing.bytesOf(nFrames * samplesPerFrame), file)
    for (let frame = from; frame < to; frame += perChunk) {
      const n = Math.min(perChunk, to - frame)
      const bytes = Buffer.allocUnsafe(packing.bytesOf(n * samplesPerFrame))
      readInto(descriptor, bytes, byteOffset + packing.bytesOf(frame * samplesPerFrame), 'its samples', file)
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
      for (const [k, job] of jobs.entries()) {
        if (packing.isDifference) sums[k] = sumChunk(view, group, frame, n, job, sums[k]!)
        else copyChunk(view, group, frame, n, job)
      }
    }
  })
}

/** Number among the samples of a chunk of sample `i` of a channel. */
function sampleIndex(i: number, frame: number, { samplesPerFrame }: WfdbGroup, { first, count }: WfdbChannel): number {
  const inFrame = Math.floor(i / count)
  return (inFrame - frame) * samplesPerFrame + first + (i - inFrame * count)
}

function copyChunk(view: DataView, group: WfdbGroup, frame: number, n: number, job: Job<WfdbChannel>): void {
  const { start, stop, out, count, baseline, scale } = job
  const end = Math.min(stop, (frame + n) * count)
  for (let i = Math.max(start, frame * count); i < end; i++) {
    out[i - start] = (group.packing.read(view, sampleIndex(i, frame, group, job)) - baseline) * scale
  }
}

/** @returns the sum of the differences up to the end of the chunk */
function sumChunk(
  view: DataView,
  group: WfdbGroup,
  frame: number,
  n: number,
  job: Job<WfdbChannel>,
  sum: number,
): number {
  const { start, stop, out, count, baseline, scale } = job
  const end = Math.min(stop, (frame + n) * count)
  let value = sum
  for (let i = frame * count; i < end; i++) {
    value += group.packing.read(view, sampleIndex(i, frame, group, job))
    if (i >= start) out[i - start] = (value - baseline) * scale
  }
  return value
}
