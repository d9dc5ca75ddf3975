import { tensor } from '../creation.ts'
import { EegTorchError } from '../errors.ts'
import { scope } from '../memory.ts'
import { ops } from '../ops/index.ts'
import { signal } from '../signal/index.ts'
import type { Tensor } from '../tensor.ts'

/** Rows are frequencies from 0 to half the sampling rate, columns are times. */
export type ImageSize = readonly [rows: number, columns: number]

/** What {@link EegImages} is made of. */
export interface EegImagesParts {
  size: ImageSize
  /** Log power (natural logarithm) that becomes 0, and 1, of each channel. */
  low: readonly number[]
  high: readonly number[]
}

/** Deviations of log power on either side of its mean that an image shows. */
const SHOWN = 3
/** Keeps the logarithm of silence finite; far below any amplifier's noise in volts. */
const SILENCE = 1e-24

/**
 * Images of EEG: the log power of `signal.stftImages`, scaled to 0 .. 1 by what the training part had. Samples beyond the last whole
 * move of its window are left out.
 */
export class EegImages {
  readonly size: ImageSize
  readonly low: readonly number[]
  readonly high: readonly number[]

  constructor({ size, low, high }: EegImagesParts) {
    this.size = size
    this.low = low
    this.high = high
  }

  /**
   * @param eeg (windows, channels, samples): the training part
   * @param size default 64 x 64
   * @throws EegTorchError `SHAPE_MISMATCH` for windows that are too short
   */
  static fit(eeg: Tensor, { size = [64, 64] }: { size?: ImageSize } = {}): EegImages {
    return scope(() => {
      const power = logPower(eeg, size)
      const [deviation, mean] = ops.aten.std_mean(power, [0, 2, 3]) as unknown as [Tensor, Tensor]
      const numbers = (values: Tensor) => Array.from(values.toTypedArray() as Float32Array)
      return new EegImages({
        size,
        low: numbers(mean.sub(deviation.mul(SHOWN))),
        high: numbers(mean.add(deviation.mul(SHOWN))),
      })
    })
  }

  /** (windows, channels, samples) -> (windows, channels, rows, columns), from 0 to 1. */
  draw(eeg: Tensor): Tensor {
    this.#check(eeg)
    return scope(() => {
      const { low, span } = this.#scale(eeg)
      return logPower(eeg, this.size).sub(low).div(span).clamp(0, 1).contiguous()
    })
  }

  /**
   * The signals that look like images and have the phase of `eeg`: what removing noise from the images does to the recording.
   *
   * @param eeg (windows, channels, samples)
   * @returns (windows, channels, samples), without the samples that are not in an image
   */
  restore(images: Tensor, eeg: Tensor): Tensor {
    this.#check(eeg)
    return scope(() => {
      const { low, span } = this.#scale(eeg)
      const wanted = images.mul(span).add(low).div(2).exp()
      const [rows, columns] = this.size
      const covered = this.shown(eeg.shape[2]!)
      const nFft = 2 * (rows - 1)
      const hop = covered / columns
      // Centred segments stand at both ends: one more than an image has columns.
      const complex = signal.torchStft(eeg.narrow(2, 0, covered), { nFft, hop }).narrow(3, 0, columns)
      const moved = complex.mul(wanted.div(complex.abs().clamp_min(Math.sqrt(SILENCE))))
      const signals = ops.aten.istft(moved.flatten(0, 1), nFft, {
        hopLength: hop,
        window: ops.aten.hann_window(nFft, { dtype: eeg.dtype, device: eeg.device }),
        length: covered,
      })
      return signals.reshape([...eeg.shape.slice(0, 2), covered])
    })
  }

  /** Samples that an image shows of a window of so many. */
  shown(samples: number): number {
    return Math.floor(samples / this.size[1]) * this.size[1]
  }

  /** For a checkpoint; the constructor takes it. */
  toJSON(): EegImagesParts {
    return { size: this.size, low: [...this.low], high: [...this.high] }
  }

  #scale(like: Tensor): { low: Tensor; span: Tensor } {
    const column = (values: readonly number[]) =>
      tensor(Float64Array.from(values), { shape: [values.length, 1, 1] }).to(like.device, like.dtype)
    return { low: column(this.low), span: column(this.high.map((high, i) => high - this.low[i]! || 1)) }
  }

  #check(eeg: Tensor): void {
    if (eeg.shape.length === 3 && eeg.shape[1] === this.low.length) return
    throw new EegTorchError('SHAPE_MISMATCH', 'the images were fitted on other channels', {
      expected: `(windows, ${this.low.length}, samples)`,
      received: `(${eeg.shape.join(', ')})`,
    })
  }
}

/** (windows, channels, samples) -> (windows, channels, rows, columns) */
const logPower = (eeg: Tensor, size: ImageSize) => signal.stftImages(eeg, { size, floor: SILENCE })
