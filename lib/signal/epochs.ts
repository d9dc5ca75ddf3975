import { EegTorchError } from '../errors.ts'
import type { Tensor } from '../tensor.ts'
import type { Operation } from './operation.ts'
import { roundHalfToEven } from './round.ts'

/** Which pieces of a recording {@link signal.mneEpochs} cuts. */
export interface EpochOptions {
  /** Hertz. */
  samplingRate: number
  /** Seconds after the event of the first sample; may be negative. */
  tmin: number
  /** Seconds after the event of the last sample, which belongs to the epoch. */
  tmax: number
  /** Seconds after the event whose mean is taken away, both ends included; `null` is the epoch's own end. Default: none. */
  baseline?: readonly [from: number | null, to: number | null] | null | undefined
}

/** Pieces of a recording around events. */
export interface Epochs {
  /** (..., epochs, channels, samples), in the unit of the recording. */
  data: Tensor
  /** Which of the events have an epoch: those that lie far enough from both ends. */
  kept: number[]
}

/** Which events {@link fixedLengthEvents} sets. */
export interface FixedLengthOptions {
  /** Hertz. */
  samplingRate: number
  /** Seconds of an epoch; default 1. */
  duration?: number | undefined
  /** Seconds that an epoch shares with the next; default 0. */
  overlap?: number | undefined
  /** Seconds at which the first begins; default 0. */
  start?: number | undefined
  /** Seconds before which the last ends; default the recording's end. */
  stop?: number | undefined
}

/**
 * Samples of events one after the other: the first column of `mne.make_fixed_length_events(raw, start=, stop=, duration=, overlap=)`.
 *
 * @param nSamples of the recording
 * @throws EegTorchError `INVALID_OPTION` where no epoch fits
 */
export function fixedLengthEvents(
  nSamples: number,
  { samplingRate, duration = 1, overlap = 0, start = 0, stop }: FixedLengthOptions,
): number[] {
  const refuse = (option: string, expected: string, received: number) => {
    throw new EegTorchError('INVALID_OPTION', 'events of fixed length', { option, expected, received: `${received}` })
  }
  if (!(samplingRate > 0)) refuse('samplingRate', 'a number above 0', samplingRate)
  if (!(duration > 0)) refuse('duration', 'seconds above 0', duration)
  if (!(overlap >= 0 && overlap < duration)) refuse('overlap', `seconds from 0 to below ${duration}`, overlap)
  const first = roundHalfToEven(start * samplingRate)
  const end = stop === undefined ? nSamples : Math.min(nSamples, roundHalfToEven(stop * samplingRate))
  const last = end - roundHalfToEven(duration * samplingRate)
  // the difference of the first two, as NumPy's arange rounds it
  const step = first + samplingRate * (duration - overlap) - first
  const count = Math.max(0, Math.ceil((last + 1 - first) / step))
  const events = Array.from({ length: count }, (_, i) => Math.trunc(first + i * step))
  if (events.length === 0) refuse('duration', `less than the ${(end - first) / samplingRate} s there are`, duration)
  return events
}

/** Samples of an epoch from the first to one past the last whose time lies in the baseline, as `mne.baseline.rescale` takes them. */
function baselineSamples(
  [start, end]: readonly [number | null, number | null],
  from: number,
  length: number,
  samplingRate: number,
): [number, number] {
  const times = Array.from({ length: Math.max(0, length) }, (_, i) => (from + i) / samplingRate)
  const [first, last] = [times[0] ?? 0, times.at(-1) ?? 0]
  const [low, high] = [start ?? first, end ?? last]
  const count = times.filter((time) => time >= low && time <= high).length
  // a time that rounds to an end of the epoch is that end
  if (count > 0 && low > first - 1 / samplingRate && high < last + 1 / samplingRate) {
    const index = times.findIndex((time) => time >= low)
    return [index, index + count]
  }
  throw new EegTorchError('INVALID_OPTION', 'the baseline is not a part of the epoch', {
    option: 'baseline',
    expected: `seconds from ${first} to ${last}`,
    received: `${low} to ${high}`,
  })
}

/** Pieces of a recording, and how large they are. */
export const epochs = {
  /**
   * Pieces of a recording around events: `mne.Epochs(raw, events, tmin=, tmax=, baseline=)`. Both ends belong to the epoch, so it has
   * `round(tmax * samplingRate) - round(tmin * samplingRate) + 1` samples. ({@link Recording.windows} leaves the end out.)
   *
   * @param x (..., channels, samples), float32 or float64
   * @param events samples of the events, from the start of `x`
   * @throws EegTorchError `INVALID_OPTION` for a baseline outside the epoch
   */
  mneEpochs: (x: Tensor, events: ArrayLike<number>, options: EpochOptions): Operation<Epochs> => {
    const { samplingRate, tmin, tmax, baseline = null } = options
    const [from, to] = [roundHalfToEven(tmin * samplingRate), roundHalfToEven(tmax * samplingRate)]
    const length = to - from + 1
    const nSamples = x.shape?.at(-1) ?? 0
    const starts = Array.from(events, (event) => event + from)
    const kept = [...starts.keys()].filter((i) => starts[i]! >= 0 && starts[i]! + length <= nSamples)
    const [baselineFrom, baselineTo] =
      baseline === null ? [0, 0] : baselineSamples(baseline, from, length, samplingRate)
    return {
      operator: 'cut_epochs',
      given: { x, starts: kept.map((i) => starts[i]!), length, baselineFrom, baselineTo },
      finish: (data: Tensor) => ({ data, kept }),
    }
  },

  /**
   * Largest minus smallest sample.
   *
   * @param x (..., samples), float32 or float64
   * @returns (...), in the unit of `x`
   */
  peakToPeak: (x: Tensor): Operation<Tensor> => ({ operator: 'peak_to_peak', given: { x } }),

  /**
   * The peak-to-peak amplitude above which epochs are best rejected, from training epochs alone: of all amplitudes found, the one with which the
   * mean of the epochs kept comes nearest to the median of epochs held out, over folds of neighbouring epochs (autoreject's global
   * threshold, Jas et al. 2017, NeuroImage 159; searched through, where autoreject samples).
   *
   * @param x (epochs, channels, samples), float32 or float64
   * @param options.folds default 5
   * @returns the threshold, in the unit of `x`; an epoch is rejected if any channel exceeds it
   */
  peakToPeakThreshold: (x: Tensor, { folds = 5 }: { folds?: number } = {}): Operation<number> => ({
    operator: 'peak_to_peak_threshold',
    given: { x, folds },
    finish: (threshold: Tensor) => threshold.item() as number,
  }),

  /**
   * Which epochs stay: those none of whose channels has a peak-to-peak amplitude above the threshold, as with `reject` of `mne.Epochs`.
   *
   * @param x (epochs, channels, samples), float32 or float64
   * @param threshold in the unit of `x`, such as {@link peakToPeakThreshold} of training epochs
   * @returns numbers of the epochs; those with NaN do not stay
   */
  keepQuiet: (x: Tensor, threshold: number): Operation<number[]> => ({
    operator: 'peak_to_peak',
    given: { x },
    finish: (amplitude: Tensor) => {
      const quiet = amplitude.le(threshold).all(-1).toArray() as boolean[]
      return [...quiet.keys()].filter((i) => quiet[i])
    },
  }),
}
