import { EegTorchError } from '../errors.ts'
import type { Tensor } from '../tensor.ts'
import { firstOf } from './filters.ts'
import type { Operation } from './operation.ts'

/** Signals freed of their level, trend and scale. */
export const scaling = {
  /**
   * (x - mean) / standard deviation over time: `scipy.stats.zscore(x, axis=-1)`. A signal that never changes gives NaN.
   *
   * @param x (..., samples), float32 or float64
   * @param options.ddof subtracted from the number of samples under the variance, default 0
   * @returns as `x`, without a unit
   */
  zscore: (x: Tensor, { ddof = 0 }: { ddof?: number | undefined } = {}): Operation<Tensor> => ({
    operator: 'zscore',
    given: { x, ddof },
  }),

  /**
   * Takes the mean away, or the least-squares line: `scipy.signal.detrend(x, axis=-1)`.
   *
   * @param x (..., samples), float32 or float64
   * @param options.type default `'linear'`
   * @returns as `x`
   */
  detrend: (x: Tensor, { type = 'linear' }: { type?: 'linear' | 'constant' | undefined } = {}): Operation<Tensor> => {
    if (type !== 'linear' && type !== 'constant') {
      throw new EegTorchError('INVALID_OPTION', 'detrend takes another type', {
        option: 'type',
        expected: "'linear' or 'constant'",
        received: String(type),
      })
    }
    return { operator: 'detrend', given: { x, linear: type === 'linear' } }
  },
  /**
   * Standardises each sample by an exponentially fading mean and deviation of what came before it, itself included:
   * `braindecode.preprocessing.exponential_moving_standardize(x, factorNew, initBlockSize, eps)`. A recording that comes in pieces takes a
   * {@link StandardizeStream}.
   *
   * @param x (..., samples), float32 or float64
   */
  exponentialStandardize: (x: Tensor, options: MovingOptions = {}): Operation<Tensor> => ({
    operator: 'exponential_standardize',
    given: { x, ...movingArguments(options), scale: true },
    finish: firstOf,
  }),

  /** Takes the fading mean away alone: `braindecode.preprocessing.exponential_moving_demean(x, factorNew, initBlockSize)`. */
  exponentialDemean: (x: Tensor, options: Omit<MovingOptions, 'eps'> = {}): Operation<Tensor> => ({
    operator: 'exponential_standardize',
    given: { x, ...movingArguments(options), scale: false },
    finish: firstOf,
  }),
}

/** How {@link scaling.exponentialStandardize} forgets. */
export interface MovingOptions {
  /** Weight of a new sample, above 0 and at most 1; default 0.001. */
  factorNew?: number | undefined
  /** So many samples at the start take their own mean and deviation, which a live stream cannot; default none. */
  initBlockSize?: number | null | undefined
  /** Bounds the deviation from below, in the unit of the signal; default 1e-4. */
  eps?: number | undefined
}

/** With braindecode's defaults. */
export function movingArguments({ factorNew = 0.001, initBlockSize, eps = 1e-4 }: MovingOptions): {
  factorNew: number
  initBlockSize: number | undefined
  eps: number
} {
  return { factorNew, initBlockSize: initBlockSize ?? undefined, eps }
}
