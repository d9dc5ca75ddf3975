import { EegTorchError } from '../errors.ts'
import type { Tensor } from '../tensor.ts'
import { tapsTensor } from './filters.ts'
import { firwin } from './firwin.ts'
import type { Operation } from './operation.ts'
import { roundHalfToEven } from './round.ts'

/** What a signal is taken to be beyond its ends: 0, its end sample, mirrored there or beyond it, along the line through its ends. */
export type PolyphasePad = 'constant' | 'edge' | 'reflect' | 'symmetric' | 'line'

/** Beta of the Kaiser window that cuts the ideal low-pass off, and its reach in samples of the slower rate. */
const [BETA, REACH] = [5, 10]

/** Signals at another sampling rate. */
export const resampling = {
  /**
   * Through the Fourier transform, as if the signal repeated itself: `scipy.signal.resample(x, count, axis=-1)`.
   *
   * @param x (..., samples), float32 or float64
   * @param count samples of the result
   * @returns (..., count)
   */
  resample(x: Tensor, count: number): Operation<Tensor> {
    checkCount('count', count)
    const samples = x.shape.at(-1)!
    const nyquist = count === samples ? 1 : nyquistFactor(samples, count)
    return { operator: 'resample', given: { x, before: 0, after: 0, length: count, first: 0, count, nyquist } }
  },

  /**
   * By a low-pass between `up - 1` zeros put in and `down - 1` samples of `down` left out: `scipy.signal.resample_poly(x, up, down, axis=-1)`.
   *
   * @param x (..., samples), float32 or float64
   * @param options.pad SciPy's `padtype`, default `'constant'`
   * @returns (..., ceil(samples * up / down))
   */
  resamplePoly: (
    x: Tensor,
    up: number,
    down: number,
    { pad = 'constant' }: { pad?: PolyphasePad | undefined } = {},
  ): Operation<Tensor> => polyphase(x, up, down, pad),

  /**
   * MNE-Python's resampling: `mne.filter.resample(x, up, down, method=method, npad=npad)`. `'fft'` puts samples around, turned about the ends;
   * `'polyphase'` mirrors the ends.
   *
   * @param x (..., samples), float32 or float64
   * @param up,down the result has round(samples * up / down) samples
   * @param options.method default `'fft'`
   * @param options.npad samples on each side, of `'fft'`: default 100; `'auto'` fills up to a power of two, as `Raw.resample` does
   */
  mneResample(
    x: Tensor,
    up: number,
    down: number,
    {
      method = 'fft',
      npad = 100,
    }: { method?: 'fft' | 'polyphase' | undefined; npad?: number | 'auto' | undefined } = {},
  ): Operation<Tensor> {
    const ratio = up / down
    if (!(ratio > 0 && Number.isFinite(ratio))) refuse('up', 'numbers above 0', `${up} / ${down}`)
    const samples = x.shape.at(-1)!
    const count = Math.max(roundHalfToEven(ratio * samples), 1)
    if (method === 'polyphase') return polyphase(x, count, samples, 'reflect')
    if (method !== 'fft') refuse('method', "'fft' or 'polyphase'", `${method}`)
    const [before, after] = padsOf(npad, samples)
    const padded = samples + before + after
    const length = Math.max(roundHalfToEven(ratio * padded), 1)
    const first = roundHalfToEven(ratio * before)
    checkCount('up', length)
    const nyquist = nyquistFactor(padded, length)
    return { operator: 'resample', given: { x, before, after, length, first, count, nyquist } }
  },
}

/** What the highest frequency of the slower rate is multiplied by where it is one bin: both its signs fall on it, or it goes to two bins. */
function nyquistFactor(from: number, to: number): number {
  return to < from ? 2 : 0.5
}

function padsOf(npad: number | 'auto', samples: number): [before: number, after: number] {
  if (npad === 'auto') {
    const added = 2 ** Math.ceil(Math.log2(samples + 2 * Math.min(Math.floor(samples / 8), 100))) - samples
    return [Math.floor(added / 2), Math.ceil(added / 2)]
  }
  if (!(Number.isInteger(npad) && npad >= 0 && npad < 2 ** 31)) refuse('npad', "a whole number, or 'auto'", `${npad}`)
  return [npad, npad]
}

function polyphase(x: Tensor, up: number, down: number, pad: PolyphasePad): Operation<Tensor> {
  checkCount('up', up)
  checkCount('down', down)
  const divisor = greatestCommonDivisor(up, down)
  const [rise, fall] = [up / divisor, down / divisor]
  // with up = down, one tap leaves all as it is
  const { taps, shift } = rise === fall ? { taps: Float64Array.of(1), shift: 0 } : lowPassOf(rise, fall)
  return { operator: 'resample_poly', given: { x, taps: tapsTensor(taps), up: rise, down: fall, shift, pad } }
}

function lowPassOf(up: number, down: number): { taps: Float64Array; shift: number } {
  const slower = Math.max(up, down)
  const shift = REACH * slower
  const taps = firwin(2 * shift + 1, 1 / slower, 2, { window: ['kaiser', BETA] })
  return { taps: taps.map((tap) => tap * up), shift }
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b)
}

function checkCount(option: string, value: number): void {
  if (!(Number.isInteger(value) && value >= 1 && value < 2 ** 31))
    refuse(option, 'a whole number from 1 to 2147483647', `${value}`)
}

function refuse(option: string, expected: string, received: string): never {
  throw new EegTorchError('INVALID_OPTION', 'a signal cannot be resampled', { option, expected, received })
}
