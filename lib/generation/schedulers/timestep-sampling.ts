import type { Tensor } from '../../tensor.ts'
import type { NoiseSchedule } from './noise-schedule.ts'
import { UnscaledSampling } from './unscaled-sampling.ts'

/** A run whose network is told timesteps of training. */
export abstract class TimestepSampling extends UnscaledSampling {
  protected readonly schedule: NoiseSchedule

  constructor(schedule: NoiseSchedule, timesteps: readonly number[]) {
    super(timesteps)
    this.schedule = schedule
  }

  addNoise(clean: Tensor, noise: Tensor, steps: readonly number[]): Tensor {
    return this.schedule.addNoise(
      clean,
      noise,
      steps.map((step) => this.timesteps[step]!),
    )
  }
}
