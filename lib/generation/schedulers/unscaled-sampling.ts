import type { Tensor } from '../../tensor.ts'
import { Counter, type Draw, type Sampling } from './sampling.ts'

/** A run whose samples keep the variance of clean ones, so that neither the first draw nor the network's input is scaled. */
export abstract class UnscaledSampling implements Sampling {
  readonly timesteps: readonly number[]
  readonly timestepType = 'int64'
  readonly initNoiseSigma = 1
  protected readonly counter: Counter

  constructor(timesteps: readonly number[]) {
    this.timesteps = timesteps
    this.counter = new Counter(timesteps.length)
  }

  abstract step(output: Tensor, sample: Tensor, given?: Draw): Tensor

  abstract addNoise(clean: Tensor, noise: Tensor, steps: readonly number[]): Tensor

  scaleInput(sample: Tensor): Tensor {
    return sample
  }

  startAt(step: number): void {
    this.counter.startAt(step)
  }
}
