import type { Tensor } from '../../tensor.ts'
import type { NoiseSchedule } from './noise-schedule.ts'
import { Counter, type Draw, type Sampling } from './sampling.ts'

/** A run whose samples keep the variance of clean ones, and whose network is told timesteps of training. */
export abstract class TimestepSampling implements Sampling {
  readonly timesteps: readonly number[]
  readonly timestepType = 'int64'
  readonly initNoiseSigma = 1
  protected readonly counter: Counter
  protected readonly schedule: NoiseSchedule

  constructor(schedule: NoiseSchedule, timesteps: readonly number[]) {
    this.schedule = schedule
    this.timesteps = timesteps
    this.counter = new Counter(timesteps.length)
  }

  abstract step(output: Tensor, sample: Tensor, given?: Draw): Tensor

  scaleInput(sample: Tensor): Tensor {
    return sample
  }

  startAt(step: number): void {
    this.counter.startAt(step)
  }

  addNoise(clean: Tensor, noise: Tensor, steps: readonly number[]): Tensor {
    return this.schedule.addNoise(
      clean,
      noise,
      steps.map((step) => this.timesteps[step]!),
    )
  }
}
