import { EegTorchError } from '../errors.ts'
import type { Tensor } from '../tensor.ts'
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
}
