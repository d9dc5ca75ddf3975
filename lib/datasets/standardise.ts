import { EegTorchError } from '../errors.ts'
import { type Stretch, stretchesOf, withStatistic } from './fitted.ts'
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
    if (indices.length === 0) {
      throw new EegTorchError('INVALID_OPTION', 'a standardiser cannot learn from no windows', { option: 'indices' })
    }
    const { nChannels, nSamples } = windows
    const n = indices.length * nSamples
    const mean = averageChannels(windows, indices, () => (value) => value / n)
    // The second pass works on centred values: volts squared would lose digits in one pass.
    const variance = averageChannels(windows, indices, (channel) => (value) => (value - mean[channel]!) ** 2 / n)
    const names = windows.channelNames.slice(0, nChannels)
    return new Standardiser(names, mean, variance.map(Math.sqrt), stretchesOf(windows, indices))
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
    if (source !== undefined) return source.scaled(this.mean, this.std.map(factorOf))
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
  for (let start = 0; start < data.length; start += size) {
    const values = data.subarray(start, start + size)
    const mean = values.reduce((sum, value) => sum + value, 0) / size
    const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / size
    rescale(values, mean, Math.sqrt(variance))
  }
  return windows.with({ data })
}

function averageChannels(
  windows: EegWindows,
  indices: ArrayLike<number>,
  termOf: (channel: number) => (value: number) => number,
): Float64Array {
  const { nChannels, nSamples } = windows
  const out = new Float64Array(nChannels)
  for (let channel = 0; channel < nChannels; channel++) {
    const term = termOf(channel)
    let sum = 0
    for (let i = 0; i < indices.length; i++) {
      const samples = windows.window(indices[i]!).subarray(channel * nSamples, (channel + 1) * nSamples)
      for (const value of samples) sum += term(value)
    }
    out[channel] = sum
  }
  return out
}

function rescale(values: Float32Array, mean: number, std: number): void {
  const factor = factorOf(std)
  for (let i = 0; i < values.length; i++) values[i] = (values[i]! - mean) * factor
}

/** What centred values are multiplied by. */
function factorOf(std: number): number {
  return std > 0 ? 1 / std : 1
}
