import { randn, zeros } from '../creation.ts'
import { Generator } from '../generator.ts'
import { scope } from '../memory.ts'
import type { Tensor } from '../tensor.ts'

/**
 * Adds white Gaussian noise at a known level: the signal-to-noise ratio of each channel of each window is `snr`.
 *
 * @param eeg (windows, channels, samples)
 */
export function addNoise(
  eeg: Tensor,
  {
    snr,
    seed = 0,
  }: {
    /** Decibels. */
    snr: number
    seed?: number
  },
): Tensor {
  return scope(() => {
    const deviation = eeg
      .sub(eeg.mean([2], true))
      .square()
      .mean([2], true)
      .sqrt()
    const noise = randn(eeg.shape, { generator: new Generator(seed), dtype: eeg.dtype as 'float32' }).to(eeg.device)
    return eeg.add(noise.mul(deviation).mul(10 ** (-snr / 20)))
  })
}

/**
 * What a variational autoencoder draws its codes with: standard normal in training, else zeros, which take the mean of the posterior.
 * Drawn on the CPU, so that a seed gives the same on every device.
 *
 * @param eeg (batch, ...)
 * @returns (batch, latentDim), of the dtype and on the device of `eeg`
 */
export function posteriorNoise(eeg: Tensor, latentDim: number, training: boolean): Tensor {
  const { dtype, device } = eeg
  const shape = [eeg.shape[0]!, latentDim]
  return training ? (randn(shape, { dtype }) as Tensor).to(device) : (zeros(shape, { dtype, device }) as Tensor)
}

/**
 * Decibels by which the signal-to-noise ratio of each window rose: energy of what was wrong before, over energy of what is wrong after.
 *
 * @param clean (windows, ...)
 * @param noisy what was given, of the same shape
 * @param denoised what was made of it, of the same shape
 */
export function snrGained(clean: Tensor, noisy: Tensor, denoised: Tensor): number[] {
  return scope(() => {
    const wrong = (estimate: Tensor) => estimate.sub(clean).flatten(1).to('float64').square().sum([1])
    const gain = wrong(noisy).div(wrong(denoised)).log10().mul(10)
    return Array.from(gain.toTypedArray() as Float64Array)
  })
}
