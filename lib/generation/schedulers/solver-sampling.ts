import type { Tensor } from '../../tensor.ts'
import { perSample } from './noise-schedule.ts'
import { Counter, type Draw, type Sampling } from './sampling.ts'
import type { Levels } from './sigmas.ts'
import { type Level, levelOf, stepOf } from './solver-levels.ts'

/** A run of a solver that looks back at what the network said at noise levels before. */
export abstract class SolverSampling implements Sampling {
  readonly timesteps: readonly number[]
  readonly timestepType = 'int64'
  readonly initNoiseSigma = 1
  protected readonly levels: readonly Level[]
  protected readonly counter: Counter
  /** Newest first. */
  protected predictions: Tensor[] = []

  constructor({ sigmas, timesteps }: Levels) {
    this.levels = sigmas.map(levelOf)
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
    const levels = steps.map((step) => this.levels[stepOf(this.timesteps[step]!, this.timesteps)]!)
    const by = (part: 'signal' | 'noise') =>
      perSample(
        levels.map((level) => level[part]),
        clean,
      )
    return clean.mul(by('signal')).add(noise.mul(by('noise')))
  }
}
