import type { Tensor } from '../../tensor.ts'
import { perSample } from './noise-schedule.ts'
import type { Levels } from './sigmas.ts'
import { type Level, levelOf, stepOf } from './solver-levels.ts'
import { UnscaledSampling } from './unscaled-sampling.ts'

/** A run of a solver that looks back at what the network said at noise levels before. */
export abstract class SolverSampling extends UnscaledSampling {
  protected readonly levels: readonly Level[]
  /** Newest first. */
  protected predictions: Tensor[] = []

  constructor({ sigmas, timesteps }: Levels) {
    super(timesteps)
    this.levels = sigmas.map(levelOf)
  }

  addNoise(clean: Tensor, noise: Tensor, steps: readonly number[]): Tensor {
    const levels = steps.map((step) => this.levels[stepOf(this.timesteps[step]!, this.timesteps)]!)
    const by = (part: 'signal' | 'noise') =>
      perSample(
        levels.map((level) => level[part]),
        clean,
      )
    return clean.mul(by('signal')).add(noise.mul(by('noise')))
  }
}
