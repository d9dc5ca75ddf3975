import { tensor } from '../../creation.ts'
import type { Tensor } from '../../tensor.ts'
import type { NoiseConfig } from './config.ts'

const { fround } = Math

/**
 * How much of a clean sample is left at each timestep of training: `alphasCumprod`, in float32 as the reference keeps it.
 * Ho et al. 2020 (linear), Rombach et al. 2022 (scaled_linear), Nichol and Dhariwal 2021 (squaredcos_cap_v2).
 */
export class NoiseSchedule {
  readonly alphasCumprod: readonly number[]

  /** @param leastAlpha what stands in for 0 after rescaling to no signal at the end, where a scheduler divides by it */
  constructor(config: NoiseConfig, leastAlpha = 0) {
    const betas = config.rescaleBetasZeroSnr ? withoutFinalSignal(makeBetas(config)) : makeBetas(config)
    const alphas = cumulativeProduct(betas)
    if (config.rescaleBetasZeroSnr && leastAlpha > 0) alphas[alphas.length - 1] = leastAlpha
    this.alphasCumprod = alphas
  }

  get length(): number {
    return this.alphasCumprod.length
  }

  /** Noise over signal at each timestep: sqrt((1 - alpha) / alpha). */
  sigmas(): number[] {
    return this.alphasCumprod.map((alpha) => fround(Math.sqrt(fround(fround(1 - alpha) / alpha))))
  }

  /**
   * The forward process at timesteps of training: sqrt(alpha) clean + sqrt(1 - alpha) noise.
   *
   * @param clean (batch, ...) and noise of the same shape
   * @param timesteps one for each sample of the batch
   */
  addNoise(clean: Tensor, noise: Tensor, timesteps: readonly number[]): Tensor {
    const [signal, rest] = this.mixture(clean, timesteps)
    return clean.mul(signal).add(noise.mul(rest))
  }

  /** What a network with v-prediction learns: sqrt(alpha) noise - sqrt(1 - alpha) clean (Salimans and Ho 2022). */
  velocity(clean: Tensor, noise: Tensor, timesteps: readonly number[]): Tensor {
    const [signal, rest] = this.mixture(clean, timesteps)
    return noise.mul(signal).sub(clean.mul(rest))
  }

  private mixture(like: Tensor, timesteps: readonly number[]): [Tensor, Tensor] {
    const alphas = timesteps.map((t) => this.alphasCumprod[t] ?? Number.NaN)
    return [
      perSample(alphas.map(Math.sqrt), like),
      perSample(
        alphas.map((a) => Math.sqrt(1 - a)),
        like,
      ),
    ]
  }
}

/** Least share of signal that rescaling leaves where a scheduler divides by it, so that the first noise level is finite. */
export const LEAST_ALPHA = 2 ** -24

/** Numbers of a batch, one a sample, in a shape that multiplies it. */
export function perSample(values: readonly number[], like: Tensor): Tensor {
  const shape = [values.length, ...like.shape.slice(1).map(() => 1)]
  return tensor([...values])
    .reshape(shape)
    .to(like.device)
    .to(like.dtype)
}

function makeBetas({ trainedBetas, betaSchedule, betaStart, betaEnd, numTrainTimesteps: n }: NoiseConfig): number[] {
  if (trainedBetas !== undefined) return trainedBetas.map(fround)
  const line = (from: number, to: number) =>
    Array.from({ length: n }, (_, i) => from + ((to - from) * i) / Math.max(n - 1, 1))
  switch (betaSchedule) {
    case 'linear':
      return line(betaStart, betaEnd).map(fround)
    case 'scaled_linear':
      return line(Math.sqrt(betaStart), Math.sqrt(betaEnd)).map((root) => fround(fround(root) ** 2))
    case 'sigmoid':
      return line(-6, 6).map((x) => fround((betaEnd - betaStart) / (1 + Math.exp(-x)) + betaStart))
    case 'squaredcos_cap_v2': {
      const left = (t: number) => Math.cos((((t + 0.008) / 1.008) * Math.PI) / 2) ** 2
      return Array.from({ length: n }, (_, i) => fround(Math.min(1 - left((i + 1) / n) / left(i / n), 0.999)))
    }
  }
}

function cumulativeProduct(betas: readonly number[]): number[] {
  let product = 1
  return betas.map((beta) => {
    product *= fround(1 - beta)
    return fround(product)
  })
}

/** Shifted and stretched so that nothing of the sample is left at the last timestep (Lin et al. 2024, algorithm 1). */
function withoutFinalSignal(betas: readonly number[]): number[] {
  const roots = cumulativeProduct(betas).map(Math.sqrt)
  const [first, last] = [roots[0]!, roots.at(-1)!]
  const left = roots.map((root) => (((root - last) * first) / (first - last)) ** 2)
  return left.map((alpha, i) => fround(1 - (i === 0 ? alpha : alpha / left[i - 1]!)))
}
