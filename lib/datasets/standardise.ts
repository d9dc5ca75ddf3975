import { EegTorchError } from '../errors.ts'
import { type Stretch, stretchesOf, withStatistic } from './fitted.ts'
import { piecesOf } from './window-pieces.ts'
import type { EegWindows, WindowParts } from './windows.ts'

/**
 * Z-scores per channel with mean and standard deviation of some windows, those of the training part: what is tested must not
 * shape its own scale. A channel without variation is centred only.
 */
export class Standardiser {
  readonly channelNames: readonly string[]
  /** Mean of each channel, in the unit of the windows. */
  readonly mean: Float64Array
  /** Standard deviation of each channel (divided by n), in the unit of the windows. */
  readonly std: Float64Array
  /** What it was learned from, where it is known: the windows it scales carry it. */
  readonly fittedOn: readonly Stretch[] | undefined

  constructor(
    channelNames: readonly string[],
    mean: ArrayLike<number>,
    std: ArrayLike<number>,
    fittedOn?: readonly Stretch[],
  ) {
    if (mean.length !== channelNames.length || std.length !== channelNames.length) {
      throw new EegTorchError('SHAPE_MISMATCH', 'a standardiser needs a mean and a deviation for each channel', {
        expected: `${channelNames.length} of each`,
        received: `${mean.length} and ${std.length}`,
      })
    }
    this.channelNames = [...channelNames]
    this.mean = Float64Array.from(mean)
    this.std = Float64Array.from(std)
    this.fittedOn = fittedOn
  }

  /**
   * @param indices the windows to learn from: the training part of a split
   * @throws EegTorchError `INVALID_OPTION` if there are none
   */
  static fit(windows: EegWindows, indices: ArrayLike<number>): Standardiser {
    const search = new Moments(windows, indices)
    for (const pass of search.passes) for (let i = 0; i < indices.length; i++) pass(windows.window(indices[i]!))
    return search.found()
  }

  /**
   * {@link fit} while the event loop goes on: windows of a store are read off it, others are looked at a few at a time.
   *
   * @throws EegTorchError as {@link fit}
   */
  static async fitAsync(windows: EegWindows, indices: ArrayLike<number>): Promise<Standardiser> {
    const search = new Moments(windows, indices)
    for (const pass of search.passes) {
      for await (const piece of piecesOf(windows, indices)) for (const i of piece.labels.keys()) pass(piece.window(i))
    }
    return search.found()
  }

  /**
   * The windows on this scale, without unit.
   *
   * @throws EegTorchError `SHAPE_MISMATCH` if the channels are not those it was fitted on
   */
  apply(windows: EegWindows): EegWindows {
    if (windows.channelNames.join('\n') !== this.channelNames.join('\n')) {
      throw new EegTorchError('SHAPE_MISMATCH', 'the standardiser was fitted on other channels', {
        expected: this.channelNames.join(', '),
        received: windows.channelNames.join(', '),
      })
    }
    const scaled = windows.with({ data: this.#scale(windows) })
    return this.fittedOn === undefined ? scaled : withStatistic(scaled, { name: 'z-scores', from: this.fittedOn })
  }

  #scale(windows: EegWindows): WindowParts['data'] {
    const { nChannels, nSamples, source } = windows
    if (source !== undefined)
      return source.scaled(
        this.mean,
        this.std.map((std, i) => factorOf(this.mean[i]!, std)),
      )
    const data = Float32Array.from(windows.data)
    for (let row = 0; row < windows.length * nChannels; row++) {
      rescale(
        data.subarray(row * nSamples, (row + 1) * nSamples),
        this.mean[row % nChannels]!,
        this.std[row % nChannels]!,
      )
    }
    return data
  }

  /** For a checkpoint; {@link Standardiser.fromJSON} reads it. */
  toJSON(): { channelNames: string[]; mean: number[]; std: number[] } {
    return { channelNames: [...this.channelNames], mean: [...this.mean], std: [...this.std] }
  }

  static fromJSON({ channelNames, mean, std }: ReturnType<Standardiser['toJSON']>): Standardiser {
    return new Standardiser(channelNames, mean, std)
  }
}

/** Each window by its own mean and deviation, per channel or of all channels together. Nothing is learned from other windows. */
export function standardiseEach(
  windows: EegWindows,
  { per = 'channel' }: { per?: 'channel' | 'window' } = {},
): EegWindows {
  const data = Float32Array.from(windows.data)
  const size = per === 'channel' ? windows.nSamples : windows.nSamples * windows.nChannels
  for (let start = 0; start < data.length; start += size) standardiseValues(data.subarray(start, start + size))
  return windows.with({ data })
}

/** Mean and deviation of each channel, in two passes over the windows: volts squared would lose digits in one. */
class Moments {
  /** Each is given every window in turn. */
  readonly passes: readonly ((window: Float32Array) => void)[]
  readonly #windows: EegWindows
  readonly #indices: ArrayLike<number>
  /** The first sample of each channel: sums are of distances from it, which are 0 where a channel does not vary, however long it is. */
  readonly #first: number[] = []
  readonly #distances: Float64Array
  readonly #squares: Float64Array

  constructor(windows: EegWindows, indices: ArrayLike<number>) {
    if (indices.length === 0) {
      throw new EegTorchError('INVALID_OPTION', 'a standardiser cannot learn from no windows', { option: 'indices' })
    }
    this.passes = [
      (window) => this.#add(this.#distances, window, (channel, first) => (this.#first[channel] ??= first)),
      (window) => this.#add(this.#squares, window, (channel) => this.#mean(channel), 2),
    ]
    this.#windows = windows
    this.#indices = indices
    this.#distances = new Float64Array(windows.nChannels)
    this.#squares = new Float64Array(windows.nChannels)
  }

  #add(
    sums: Float64Array,
    window: Float32Array,
    centreOf: (channel: number, first: number) => number,
    power: 1 | 2 = 1,
  ): void {
    const { nSamples } = this.#windows
    for (let i = 0, channel = 0; channel < sums.length; channel++) {
      const centre = centreOf(channel, window[i]!)
      let sum = sums[channel]!
      for (const end = i + nSamples; i < end; i++) sum += power === 1 ? window[i]! - centre : (window[i]! - centre) ** 2
      sums[channel] = sum
    }
  }

  get #count(): number {
    return this.#indices.length * this.#windows.nSamples
  }

  #mean(channel: number): number {
    return this.#first[channel]! + this.#distances[channel]! / this.#count
  }

  found(): Standardiser {
    const names = [...this.#windows.channelNames]
    const mean = names.map((_, channel) => this.#mean(channel))
    const std = this.#squares.map((sum) => Math.sqrt(sum / this.#count))
    return new Standardiser(names, mean, std, stretchesOf(this.#windows, this.#indices))
  }
}

/** Gives values, in their place, the mean 0 and the deviation 1. */
export function standardiseValues(values: Float32Array | Float64Array): void {
  const first = values[0]!
  let [distances, squares] = [0, 0]
  for (const value of values) distances += value - first
  const mean = first + distances / values.length
  for (const value of values) squares += (value - mean) ** 2
  rescale(values, mean, Math.sqrt(squares / values.length))
}

/** Takes a mean off and divides by a deviation, in place. What does not vary is centred only. */
export function rescale(values: Float32Array | Float64Array, mean: number, std: number): void {
  const factor = factorOf(mean, std)
  for (let i = 0; i < values.length; i++) values[i] = (values[i]! - mean) * factor
}

/**
 * Deviations up to this part of the mean are rounding. Arithmetic in doubles leaves some 1e-16 of a level; what was measured varies more: among
 * a billion float32 samples, one that is off by a single bit makes a deviation of 2e-12.
 */
export const ROUNDING = 1e-12

/** What centred values are multiplied by. */
function factorOf(mean: number, std: number): number {
  return std > ROUNDING * Math.abs(mean) ? 1 / std : 1
}
