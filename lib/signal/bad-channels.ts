import type { Tensor } from '../tensor.ts'
import type { Operation } from './operation.ts'

/** Limits of {@link signal.badChannels}; the defaults are PREP's. */
export interface BadChannelOptions {
  /** Hertz. */
  samplingRate: number
  /** Robust z-score of the amplitude; default 5. */
  deviation?: number | undefined
  /** Robust z-score of the noise above 50 Hz; default 5. */
  noise?: number | undefined
  /** Lowest correlation with other channels in a window; default 0.4. */
  correlation?: number | undefined
  /** Share of windows that may be below it, or silent; default 0.01. */
  share?: number | undefined
  /** Seconds of a window; default 1. */
  window?: number | undefined
  /** Deviation of a flat channel, in the unit of the signal; default 1e-15 V. */
  flat?: number | undefined
}

/** Numbers of bad channels by what is wrong with them. A channel may be in several lists. */
export interface BadChannels {
  /** Holds NaN or infinity. */
  nan: number[]
  flat: number[]
  deviation: number[]
  noise: number[]
  correlation: number[]
  dropout: number[]
  /** All of them, rising. */
  all: number[]
  /** What was measured, for each channel. */
  measures: {
    /** Robust z-score of the amplitude. */
    deviation: number[]
    /** Robust z-score of the noise above 50 Hz; 0 up to a sampling rate of 100 Hz. */
    noise: number[]
    /** Share of windows without a correlated channel. */
    uncorrelated: number[]
    /** Share of silent windows. */
    dropout: number[]
  }
}

/** Channels that do not record the brain. */
export const badChannels = {
  /**
   * Finds bad channels by the measures of PREP (Bigdely-Shamlo et al. 2015, Frontiers in Neuroinformatics 9:16), as pyprep's NoisyChannels
   * does without RANSAC:
   *
   * - `flat`: standard deviation, or median deviation from the median, below `flat`;
   * - `deviation`: the amplitude (0.7413 times the quartile range) is `deviation` robust deviations from the channels' median;
   * - `noise`: the same, upwards, of the median deviation above 50 Hz over that below (low-pass of 101 taps from 45 to 50 Hz, both ways);
   * - `correlation`: in more than `share` of the windows the 98 % quantile of |correlation| with the other channels is below `correlation`;
   * - `dropout`: more than `share` of the windows are silent.
   *
   * As in PREP, the recording should have been high-passed at 1 Hz.
   *
   * @param x (channels, samples) in volts, float32 or float64; more than 303 samples
   */
  badChannels: (x: Tensor, options: BadChannelOptions): Operation<BadChannels> => {
    const { samplingRate, window = 1, flat = 1e-15 } = options
    return {
      operator: 'channel_quality',
      given: { x, samplingRate, window: Math.trunc(window * samplingRate), flatBelow: flat },
      finish: (measured: Tensor[]) => judge(measured, options),
    }
  },
}

function judge(
  [notANumber, flat, deviation, noise, correlation, dropout]: Tensor[],
  { deviation: farthest = 5, noise: noisiest = 5, correlation: lowest = 0.4, share = 0.01 }: BadChannelOptions,
): BadChannels {
  const shares = (windows: Tensor) => windows.to('float64').mean(-1).nan_to_num(0).toArray() as number[]
  const measures = {
    deviation: deviation!.toArray() as number[],
    noise: noise!.toArray() as number[],
    uncorrelated: shares(correlation!.lt(lowest)),
    dropout: shares(dropout!),
  }
  const where = <T>(values: T[], isBad: (value: T) => boolean) => [...values.keys()].filter((i) => isBad(values[i]!))
  const found = {
    nan: where(notANumber!.toArray() as boolean[], Boolean),
    flat: where(flat!.toArray() as boolean[], Boolean),
    // a score that is not a number says that channels do not differ at all, or do so without measure
    deviation: where(measures.deviation, (score) => !(Math.abs(score) <= farthest)),
    noise: where(measures.noise, (score) => !(score <= noisiest)),
    correlation: where(measures.uncorrelated, (part) => part > share),
    dropout: where(measures.dropout, (part) => part > share),
  }
  const all = [...new Set(Object.values(found).flat())].sort((a, b) => a - b)
  return { ...found, all, measures }
}
