import type { Tensor } from '../tensor.ts'
import type { Operation } from './operation.ts'

/** What the functions of the analytic signal take. */
export interface AnalyticOptions {
  /**
   * Samples of the Fourier transform; zeros fill them. Default: as many as the signal has. A number that is a product of small primes can be
   * many times faster.
   */
  nFft?: number | undefined
}

/** The analytic signal, through the Fourier transform of the whole signal. */
export const analytic = {
  /**
   * The analytic signal, complex: `scipy.signal.hilbert(x, nFft)`, cut to the samples of `x`.
   *
   * @param x (..., samples), float32 or float64
   */
  hilbert: (x: Tensor, options: AnalyticOptions = {}): Operation<Tensor> => describe('hilbert', x, options),

  /** Its magnitude: how strong a band-passed rhythm is at each moment. In the unit of `x`. */
  envelope: (x: Tensor, options: AnalyticOptions = {}): Operation<Tensor> => describe('envelope', x, options),

  /** Its angle in radians, without jumps: `numpy.unwrap(numpy.angle(scipy.signal.hilbert(x)))`. */
  instantaneousPhase: (x: Tensor, options: AnalyticOptions = {}): Operation<Tensor> =>
    describe('instantaneous_phase', x, options),
}

function describe(operator: string, x: Tensor, { nFft }: AnalyticOptions): Operation<Tensor> {
  return { operator, given: { x, nFft: nFft ?? x.shape.at(-1) } }
}
