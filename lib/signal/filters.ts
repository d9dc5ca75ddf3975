import { fromTypedArray } from '../creation.ts'
import { EegTorchError } from '../errors.ts'
import type { Tensor } from '../tensor.ts'
import { butterworth, type FilterSection } from './butterworth.ts'
import { firwin } from './firwin.ts'
import { mneCreateFilter } from './mne-design.ts'
import { notchSection } from './notch.ts'
import type { Operation } from './operation.ts'
import { defaultPadding, steadyState } from './sos-filter.ts'

/** Kinds of Butterworth filters. */
export type ButterType = 'lowpass' | 'highpass' | 'bandpass' | 'bandstop'

/** Designs: plain numbers, made without the addon. */
export const designs = {
  /**
   * A Butterworth filter as second-order sections: `scipy.signal.butter(order, corners, type, fs=samplingRate, output='sos')`.
   *
   * @param order of the low-pass prototype, from 1 to 20
   * @param corners hertz: one, or two in rising order
   * @param type default `'lowpass'` for one corner, `'bandpass'` for two
   */
  butter(
    order: number,
    corners: number | readonly [low: number, high: number],
    samplingRate: number,
    type: ButterType = typeof corners === 'number' ? 'lowpass' : 'bandpass',
  ): FilterSection[] {
    const list = typeof corners === 'number' ? [corners] : corners
    const both = type === 'bandpass' || type === 'bandstop'
    if (!(both || type === 'lowpass' || type === 'highpass') || list?.length !== (both ? 2 : 1)) {
      throw new EegTorchError('INVALID_OPTION', 'a Butterworth filter takes another type', {
        option: 'type',
        expected: 'lowpass or highpass with one corner, bandpass or bandstop with two',
        received: `${type} with ${JSON.stringify(corners)}`,
      })
    }
    const low = type === 'lowpass' ? undefined : list[0]
    const high = type === 'highpass' ? undefined : list.at(-1)
    return butterworth(order, low, high, samplingRate, type === 'bandstop')
  },

  /**
   * A notch as one second-order section: `scipy.signal.iirnotch(frequency, quality, samplingRate)`.
   *
   * @param frequency hertz
   * @param quality the frequency over the notch's width at -3 dB
   */
  iirnotch: (frequency: number, quality: number, samplingRate: number): FilterSection[] => [
    notchSection(frequency, quality, samplingRate),
  ],

  firwin,
  mneCreateFilter,
}

/** Designed filters, applied. */
export const filters = {
  /**
   * Filters forward, as it can be done live: `scipy.signal.sosfilt(sections, x)`, from rest. A recording that comes in pieces takes a
   * {@link SosStream}.
   *
   * @param x (..., samples), float32 or float64
   */
  sosfilt: (x: Tensor, sections: readonly FilterSection[]): Operation<Tensor> => ({
    operator: 'sosfilt',
    given: { x, sos: flat(sections) },
    finish: firstOf,
  }),

  /**
   * Filters forward and backward, so that nothing is delayed: `scipy.signal.sosfiltfilt(sections, x, padlen=padding)`; of one section, also
   * `scipy.signal.filtfilt`.
   *
   * @param x (..., samples), float32 or float64
   * @param options.padding samples by which the signal is turned about its ends first; default SciPy's. A signal that is too short for it,
   *   which SciPy refuses, takes what it has.
   */
  sosfiltfilt: (
    x: Tensor,
    sections: readonly FilterSection[],
    { padding }: { padding?: number | undefined } = {},
  ): Operation<Tensor> => ({
    operator: 'sosfiltfilt',
    given: {
      x,
      sos: flat(sections),
      steady: [...steadyState(sections)],
      padding: padding ?? defaultPadding(sections),
    },
  }),

  /**
   * Convolves with symmetric taps without delay; beyond its ends, the signal is turned about them (`'reflect_limited'`, as MNE-Python does)
   * or 0, which is `scipy.signal.oaconvolve(x, taps, 'same')`.
   *
   * @param x (..., samples), float32 or float64
   * @param taps an odd number of them
   * @param options.pad default `'reflect_limited'`
   */
  firZeroPhase(
    x: Tensor,
    taps: Float64Array,
    { pad = 'reflect_limited' }: { pad?: 'reflect_limited' | 'constant' | undefined } = {},
  ): Operation<Tensor> {
    if (taps.length % 2 === 0) refuse('taps', 'an odd number of taps', `${taps.length}`)
    if (pad !== 'reflect_limited' && pad !== 'constant') refuse('pad', "'reflect_limited' or 'constant'", `${pad}`)
    return fir(x, taps, (taps.length - 1) / 2, pad === 'constant' ? 0 : taps.length - 1)
  },

  /**
   * Convolves as it can be done live: `scipy.signal.lfilter(taps, 1, x)`. A recording that comes in pieces takes a {@link FirStream}.
   *
   * @param x (..., samples), float32 or float64
   */
  firCausal: (x: Tensor, taps: Float64Array): Operation<Tensor> => fir(x, taps, 0, 0),
}

/** A call of the filter by taps: `shift` samples early, the signal turned about its ends for `reach` samples. */
export function fir(x: Tensor, taps: Float64Array, shift: number, reach: number): Operation<Tensor> {
  if (taps.length === 0) refuse('taps', 'at least one tap', 'none')
  return { operator: 'fir_filter', given: { x, taps: tapsTensor(taps), shift, reach } }
}

/** (taps) float64 */
export function tapsTensor(taps: Float64Array): Tensor {
  return fromTypedArray(taps)
}

/** The numbers of all sections in a row. */
export function flat(sections: readonly FilterSection[]): number[] {
  return sections.flatMap((section) => [...section])
}

/** The result of an operator that also gives the state after it. */
export function firstOf([y, state]: [Tensor, Tensor]): Tensor {
  state.dispose()
  return y
}

function refuse(option: string, expected: string, received: string): never {
  throw new EegTorchError('INVALID_OPTION', 'a filter cannot be applied', { option, expected, received })
}
