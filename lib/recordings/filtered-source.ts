import { BandPass, type BandPassOptions } from '../signal/band-pass.ts'
import { filterRowsBothWays } from '../signal/compute-thread.ts'
import { isElectric } from './channels.ts'
import type { Channel } from './recording.ts'
import { type Segment, segmentRange } from './segments.ts'
import { type ChannelRange, readAsync, type SignalSource, wholeRanges } from './source.ts'

/** Channels that are filtered at once: two groups of signals side by side, while copies stay smaller than the recording. */
const TOGETHER = 32

/** A source seen through a zero-phase filter, which needs whole channels. */
export class FilteredSource implements SignalSource {
  readonly #filters: readonly (BandPass | undefined)[]
  /** What synchronous reads have filtered. */
  #kept = new Map<number, Float64Array>()

  constructor(
    private readonly source: SignalSource,
    private readonly channels: readonly Channel[],
    private readonly segments: readonly Segment[],
    private readonly mainRate: number,
    options: BandPassOptions,
  ) {
    const designs = new Map<number, BandPass>()
    this.#filters = channels.map((channel) => {
      if (!isElectric(channel)) return undefined
      const { samplingRate } = channel
      if (!designs.has(samplingRate)) designs.set(samplingRate, new BandPass(options, samplingRate))
      return designs.get(samplingRate)
    })
  }

  read(ranges: readonly ChannelRange[]): Float64Array[] {
    const missing = distinct(ranges).filter((channel) => !this.#kept.has(channel))
    if (missing.length > 0) {
      const raw = this.source.read(this.#whole(missing))
      for (const [i, channel] of missing.entries()) this.#kept.set(channel, this.#filterChannel(channel, raw[i]!))
    }
    const isWhole = ranges.every(({ channel, start, stop }) => start === 0 && stop === this.#kept.get(channel)!.length)
    const out = ranges.map(({ channel, start, stop }) => this.#kept.get(channel)!.slice(start, stop))
    // Whoever read everything holds it already; a partial reader comes back.
    if (isWhole) this.#kept = new Map()
    return out
  }

  async compute(ranges: readonly ChannelRange[]): Promise<Float64Array[]> {
    const wanted = distinct(ranges)
    // No list of raw samples besides, so that those which are filtered can go.
    const rows = new Map((await readAsync(this.source, this.#whole(wanted))).map((row, i) => [wanted[i]!, row]))
    for (const filter of new Set(this.#filters)) {
      if (filter === undefined) continue
      const same = wanted.filter((channel) => this.#filters[channel] === filter)
      for (let first = 0; first < same.length; first += TOGETHER)
        await this.#filterTogether(rows, same.slice(first, first + TOGETHER), filter)
    }
    return ranges.map(({ channel, start, stop }) => {
      const row = rows.get(channel)!
      return start === 0 && stop === row.length && wanted.length === ranges.length ? row : row.slice(start, stop)
    })
  }

  /** Replaces the rows of channels by what the compute thread makes of them. */
  async #filterTogether(
    rows: Map<number, Float64Array>,
    channels: readonly number[],
    { sections, samplingRate }: BandPass,
  ): Promise<void> {
    const stretches = this.#stretches(samplingRate)
    for (const [start, stop] of stretches) {
      const parts = channels.map((channel) => rows.get(channel)!.subarray(start, stop))
      const filtered = await filterRowsBothWays(sections, parts)
      for (const [i, channel] of channels.entries()) {
        if (stretches.length === 1) rows.set(channel, filtered[i]!)
        else rows.get(channel)!.set(filtered[i]!, start)
      }
    }
  }

  #whole(channels: readonly number[]): ChannelRange[] {
    return wholeRanges(this.channels, this.segments, this.mainRate, channels)
  }

  #filterChannel(channel: number, samples: Float64Array): Float64Array {
    const filter = this.#filters[channel]
    if (filter === undefined) return samples
    for (const [start, stop] of this.#stretches(filter.samplingRate))
      samples.set(filter.apply(samples.subarray(start, stop)), start)
    return samples
  }

  /** First and last-plus-one sample of what is filtered by itself. */
  #stretches(rate: number): [start: number, stop: number][] {
    return this.segments.map((segment) => segmentRange(segment, this.mainRate, rate))
  }
}

const distinct = (ranges: readonly ChannelRange[]) => [...new Set(ranges.map(({ channel }) => channel))]
