import { EegTorchError } from '../errors.ts'
import { ops } from '../ops/index.ts'
import type { Tensor } from '../tensor.ts'
import type { FilterSection } from './butterworth.ts'
import { flat, tapsTensor } from './filters.ts'
import { type MovingOptions, movingArguments } from './scaling.ts'

const operators = ops.namespace('eegtorch')

/**
 * A causal operation on a recording that comes in pieces. However it is cut, sample by sample or as a whole, the numbers are the same.
 */
export abstract class SignalStream implements Disposable {
  #state: Tensor | undefined
  #shape: string | undefined

  /** One step of the operation: its result and the state after it. */
  protected abstract step(piece: Tensor, state: Tensor | undefined): [Tensor, Tensor]

  /**
   * Takes the next piece.
   *
   * @param piece (..., samples), float32 or float64; leading dimensions and dtype as of the first piece
   * @returns as `piece`
   * @throws EegTorchError `SHAPE_MISMATCH`, `DTYPE_MISMATCH` for a piece of another kind than the first
   */
  push(piece: Tensor): Tensor {
    const shape = piece.shape.slice(0, -1).join(', ')
    if (this.#shape !== undefined && shape !== this.#shape) {
      throw new EegTorchError('SHAPE_MISMATCH', 'the pieces of a stream have the same channels', {
        expected: `(${this.#shape}, samples)`,
        received: `(${piece.shape.join(', ')})`,
      })
    }
    const [result, state] = this.step(piece, this.#state)
    this.#state?.dispose()
    this.#state = state
    this.#shape = shape
    return result
  }

  /** Forgets what came before. */
  reset(): void {
    this.#state?.dispose()
    this.#state = undefined
    this.#shape = undefined
  }

  [Symbol.dispose](): void {
    this.reset()
  }
}

/** Second-order sections, from rest: piece by piece what `signal.sosfilt` gives for the whole. */
export class SosStream extends SignalStream {
  readonly #sos: number[]

  /** @param sections such as `signal.butter` gives */
  constructor(sections: readonly FilterSection[]) {
    super()
    this.#sos = flat(sections)
  }

  protected step(x: Tensor, state: Tensor | undefined): [Tensor, Tensor] {
    return operators.sosfilt!({ x, sos: this.#sos, state }) as [Tensor, Tensor]
  }
}

/**
 * A filter of finite impulse response, after silence: piece by piece what `signal.firCausal` gives for the whole, up to rounding. Symmetric taps
 * delay by (taps - 1) / 2 samples.
 */
export class FirStream extends SignalStream {
  readonly #taps: Tensor

  /** @param taps such as `signal.firwin` gives */
  constructor(taps: Float64Array) {
    super()
    this.#taps = tapsTensor(taps)
  }

  protected step(x: Tensor, state: Tensor | undefined): [Tensor, Tensor] {
    return operators.fir_causal!({ x, taps: this.#taps, state }) as [Tensor, Tensor]
  }
}

/** Exponential moving standardising: piece by piece what `signal.exponentialStandardize` gives for the whole. */
export class StandardizeStream extends SignalStream {
  readonly #options: ReturnType<typeof movingArguments>

  /** @param options as of `signal.exponentialStandardize`; a live stream has no block at its start */
  constructor(options: Omit<MovingOptions, 'initBlockSize'> = {}) {
    super()
    this.#options = movingArguments(options)
  }

  protected step(x: Tensor, state: Tensor | undefined): [Tensor, Tensor] {
    return operators.exponential_standardize!({ x, ...this.#options, scale: true, state }) as [Tensor, Tensor]
  }
}
