import { BandPass, type BandPassOptions } from '../signal/band-pass.ts'
import { isElectric } from './channels.ts'
import type { Channel } from './recording.ts'
import { type Segment, segmentRange } from './segments.ts'
import { type ChannelRange, readAllChannels, type SignalSource } from './source.ts'

/** A source seen through a zero-phase filter. It filters whole channels, and keeps the last ones for further partial reads. */
export class FilteredSource implements SignalSource {
  readonly readsWhole = true
  readonly #filters: readonly (BandPass | undefined)[]
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
    const missing = [...new Set(ranges.map(({ channel }) => channel))].filter((channel) => !this.#kept.has(channel))
    if (missing.length > 0) {
      const raw = readAllChannels(this.source, this.channels, this.segments, this.mainRate, missing)
      for (const [i, channel] of missing.entries()) this.#kept.set(channel, this.#filterChannel(channel, raw[i]!))
    }
    const isWhole = ranges.every(({ channel, start, stop }) => start === 0 && stop === this.#kept.get(channel)!.length)
    const out = ranges.map(({ channel, start, stop }) => this.#kept.get(channel)!.slice(start, stop))
    // Whoever read everything holds it already; a partial reader comes back.
    if (isWhole) this.#kept = new Map()
    return out
  }

  #filterChannel(channel: number, samples: Float64Array): Float64Array {
    const filter = this.#filters[channel]
    if (filter === undefined) return samples
    for (const segment of this.segments) {
      const [start, stop] = segmentRange(segment, this.mainRate, this.channels[channel]!.samplingRate)
      samples.set(filter.apply(samples.subarray(start, stop)), start)
    }
    return samples
  }
}
