import { fromTypedArray, randint, tensor } from '../../creation.ts'
import type { Device } from '../../dtype.ts'
import { EegTorchError } from '../../errors.ts'
import { Random } from '../../random.ts'
import type { Tensor } from '../../tensor.ts'
import type { PredictionType } from '../schedulers/config.ts'
import type { NoiseSchedule } from '../schedulers/noise-schedule.ts'

/** What a denoising network is trained towards. */
export interface DenoisingOptions {
  /** What the network predicts: the noise, the clean latents, or their mixture v; default `epsilon`. */
  predictionType?: PredictionType
  /**
   * Timesteps at which little noise is left count by at most this signal-to-noise ratio (Hang et al. 2023, ICCV, arXiv 2303.09556, min-SNR);
   * default 5. `null`: all timesteps count alike, as in DDPM.
   */
  snrGamma?: number | null
}

/**
 * The loss of denoising training (Ho et al. 2020): clean latents under the noise of a timestep drawn for each, and the squared error of what a
 * network says of them. In evaluation the noise and the timesteps, spread evenly, are always the same, so that losses compare.
 */
export class DenoisingObjective {
  readonly predictionType: PredictionType
  // One number for each timestep: shares of signal and noise, weight of the loss.
  readonly #signal: Tensor
  readonly #noise: Tensor
  readonly #weight: Tensor
  readonly #timesteps: number

  constructor(
    { alphasCumprod }: NoiseSchedule,
    { predictionType = 'epsilon', snrGamma = 5 }: DenoisingOptions = {},
    device: Device = 'cpu',
  ) {
    if (snrGamma !== null && !(snrGamma > 0 && Number.isFinite(snrGamma))) {
      throw new EegTorchError('INVALID_OPTION', 'snrGamma is not usable', {
        option: 'snrGamma',
        expected: 'a number above 0, or null',
        received: String(snrGamma),
      })
    }
    const table = (value: (alpha: number) => number) => tensor(alphasCumprod.map(value)).to(device)
    this.predictionType = predictionType
    this.#timesteps = alphasCumprod.length
    this.#signal = table(Math.sqrt)
    this.#noise = table((alpha) => Math.sqrt(1 - alpha))
    this.#weight = table((alpha) => (snrGamma === null ? 1 : minSnrWeight(alpha, predictionType, snrGamma)))
  }

  /**
   * The mean loss of a batch.
   *
   * @param clean latents (batch, channels, height, width)
   * @param training whether noise and timesteps are drawn
   * @param predict what the network says of noisy latents at timesteps (batch), int64
   */
  loss(clean: Tensor, training: boolean, predict: (noisy: Tensor, timesteps: Tensor) => Tensor): Tensor {
    const { noisy, noise, timesteps } = this.addNoise(clean, training)
    const [signal, rest] = this.shares(timesteps, clean)
    const said = predict(noisy, timesteps).to('float32')
    const target = {
      epsilon: () => noise,
      sample: () => clean,
      v_prediction: () => noise.mul(signal).sub(clean.mul(rest)),
    }[this.predictionType]()
    const error = said.sub(target).pow(2).flatten(1).mean([1])
    return error.mul(this.#weight.index_select(0, timesteps)).mean()
  }

  /** Clean latents under the noise of timesteps (batch), int64; both drawn, or in evaluation always the same. */
  addNoise(clean: Tensor, training: boolean): { noisy: Tensor; noise: Tensor; timesteps: Tensor } {
    const batch = clean.shape[0]!
    const timesteps = (
      training ? randint(0, this.#timesteps, [batch], { device: clean.device }) : this.#evenly(batch, clean.device)
    ) as Tensor
    const noise = training ? clean.randn_like() : fixedNoise(clean)
    const [signal, rest] = this.shares(timesteps, clean)
    return { noisy: clean.mul(signal).add(noise.mul(rest)), noise, timesteps }
  }

  /** Shares of signal and of noise at timesteps (batch), shaped to multiply `like`. */
  shares(timesteps: Tensor, like: Tensor): [signal: Tensor, noise: Tensor] {
    const shape = [like.shape[0]!, ...like.shape.slice(1).map(() => 1)]
    const at = (table: Tensor) => table.index_select(0, timesteps).reshape(shape)
    return [at(this.#signal), at(this.#noise)]
  }

  #evenly(batch: number, device: Device): Tensor {
    const steps = Array.from({ length: batch }, (_, i) => BigInt(Math.floor(((i + 0.5) * this.#timesteps) / batch)))
    return fromTypedArray(BigInt64Array.from(steps)).to(device)
  }
}

/** The same numbers for every tensor of a shape. */
function fixedNoise(like: Tensor): Tensor {
  const random = new Random(0)
  const values = Float32Array.from({ length: like.length }, () => random.normal())
  return fromTypedArray(values, { shape: [...like.shape] }).to(like.device)
}

/** Weight of a squared error at a share of signal, by what is predicted. */
function minSnrWeight(alpha: number, kind: PredictionType, gamma: number): number {
  const snr = alpha / (1 - alpha)
  const bounded = Math.min(snr, gamma)
  if (kind === 'sample') return bounded
  if (kind === 'v_prediction') return bounded / (snr + 1)
  return snr === 0 ? 1 : bounded / snr
}
