import { readJobs } from '../binary/jobs.ts'
import type { ChannelRange, SignalSource } from '../source.ts'

/** A stretch of frames with a source of its own, and which of its channels each channel of the recording is; undefined where it has none. */
export interface JoinedPart {
  readonly first: number
  readonly nFrames: number
  readonly source: SignalSource
  readonly slots: readonly (number | undefined)[]
}

/** Several sources one behind the other. What one of them did not record is NaN. */
export class JoinedSource implements SignalSource {
  readonly #channels: readonly { count: number }[]

  /** @param counts samples of each channel in a frame */
  constructor(
    private readonly parts: readonly JoinedPart[],
    counts: readonly number[],
  ) {
    this.#channels = counts.map((count) => ({ count }))
  }

  get files(): string[] {
    return this.parts.flatMap(({ source }) => source.files ?? [])
  }

  read(ranges: readonly ChannelRange[]): Float64Array[] {
    return readJobs(ranges, this.#channels, (jobs) => {
      for (const { first, nFrames, source, slots } of this.parts) {
        const inside = jobs.flatMap((job) => {
          const low = Math.max(job.start, first * job.count)
          const high = Math.min(job.stop, (first + nFrames) * job.count)
          return low < high ? [{ ...job, low, high, slot: slots[job.channel] }] : []
        })
        for (const { out, low, high, start, slot } of inside) {
          if (slot === undefined) out.fill(Number.NaN, low - start, high - start)
        }
        const recorded = inside.flatMap((job) => (job.slot === undefined ? [] : [{ ...job, slot: job.slot }]))
        const data = source.read(
          recorded.map(({ slot, low, high, count }) => ({
            channel: slot,
            start: low - first * count,
            stop: high - first * count,
          })),
        )
        for (const [i, { out, low, start }] of recorded.entries()) out.set(data[i]!, low - start)
      }
    })
  }
}
