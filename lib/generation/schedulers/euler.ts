import { z } from 'zod'
import { scope } from '../../memory.ts'
import type { Tensor } from '../../tensor.ts'
import { checkSteps, noiseFields, readConfig, type Spacing, sigmaFields, spacing } from './config.ts'
import { LEAST_ALPHA, NoiseSchedule, perSample } from './noise-schedule.ts'
import { Counter, combine, type Draw, draw, type Sampling } from './sampling.ts'
import { type Levels, makeLevels } from './sigmas.ts'
import { fractionalTimesteps } from './timesteps.ts'

const schema = z.object({
  ...noiseFields,
  ...spacing('linspace'),
  ...sigmaFields,
  /** Noise added again before a step, of which more than 0 needs draws (Karras et al. 2022, algorithm 2). */
  sChurn: z.number().min(0).default(0),
  /** Step to a lower level than the next, and draw noise up to it. */
  ancestral: z.boolean().default(false),
})

export type EulerConfig = z.input<typeof schema>

/** Euler's method in noise levels (Karras et al. 2022). Reference: diffusers `EulerDiscreteScheduler` and `EulerAncestralDiscreteScheduler`. */
export class Euler {
  readonly config: z.infer<typeof schema>
  readonly schedule: NoiseSchedule

  constructor(config: EulerConfig = {}) {
    this.config = readConfig(schema, config)
    this.schedule = new NoiseSchedule(this.config, LEAST_ALPHA)
  }

  /** @throws EegTorchError `INVALID_OPTION` for more steps than timesteps of training */
  steps(count: number): Sampling {
    checkSteps(count, this.schedule.length)
    const { timestepSpacing, stepsOffset } = this.config
    const timesteps = fractionalTimesteps(timestepSpacing, count, this.schedule.length, stepsOffset)
    const schedule = this.schedule.sigmas()
    const at = makeLevels(
      { ...this.config, useKarrasSigmas: false, useExponentialSigmas: false },
      timesteps,
      schedule,
      [0, 0],
    )
    const range = [at.sigmas[0]!, at.sigmas[count - 1]!] as const
    return new EulerSampling(this.config, makeLevels(this.config, timesteps, schedule, range), timestepSpacing)
  }
}

class EulerSampling implements Sampling {
  readonly timesteps: readonly number[]
  readonly timestepType = 'float32'
  readonly initNoiseSigma: number
  private readonly config: Euler['config']
  private readonly sigmas: readonly number[]
  private readonly counter: Counter

  constructor(config: Euler['config'], { sigmas, timesteps }: Levels, kind: Spacing) {
    this.config = config
    this.sigmas = sigmas
    this.timesteps = timesteps.map(Math.fround)
    const most = Math.max(...sigmas)
    this.initNoiseSigma = kind === 'leading' ? Math.sqrt(most ** 2 + 1) : most
    this.counter = new Counter(timesteps.length)
  }

  scaleInput(sample: Tensor): Tensor {
    const sigma = this.sigmas[Math.min(this.counter.index, this.timesteps.length - 1)]!
    return sample.div(Math.sqrt(sigma ** 2 + 1))
  }

  startAt(step: number): void {
    this.counter.startAt(step)
  }

  step(output: Tensor, sample: Tensor, given?: Draw): Tensor {
    const index = this.counter.next()
    const [sigma, next] = [this.sigmas[index]!, this.sigmas[index + 1]!]
    return scope((keep) => {
      const wide = sample.to('float32')
      const moved = this.config.ancestral
        ? this.ancestralStep(output, wide, sigma, next, given)
        : this.plainStep(output, wide, sigma, next, given)
      return keep(moved.to(output.dtype))
    })
  }

  addNoise(clean: Tensor, noise: Tensor, steps: readonly number[]): Tensor {
    const levels = steps.map((step) => this.sigmas[step]!)
    return clean.add(noise.mul(perSample(levels, clean)))
  }

  private plainStep(output: Tensor, sample: Tensor, sigma: number, next: number, given?: Draw): Tensor {
    const gamma = Math.min(this.config.sChurn / (this.sigmas.length - 1), Math.SQRT2 - 1)
    const raised = sigma * (gamma + 1)
    const start = gamma > 0 ? combine([1, sample], [Math.sqrt(raised ** 2 - sigma ** 2), draw(output, given)]) : sample
    const clean = this.clean(output, start, sigma, raised)
    return combine([1 + (next - raised) / raised, start], [-(next - raised) / raised, clean])
  }

  private ancestralStep(output: Tensor, sample: Tensor, sigma: number, next: number, given?: Draw): Tensor {
    const up = Math.sqrt((next ** 2 * (sigma ** 2 - next ** 2)) / sigma ** 2)
    const down = Math.sqrt(next ** 2 - up ** 2)
    const clean = this.clean(output, sample, sigma, sigma)
    const moved = combine([1 + (down - sigma) / sigma, sample], [-(down - sigma) / sigma, clean])
    return combine([1, moved], [up, draw(output, given)])
  }

  private clean(output: Tensor, sample: Tensor, sigma: number, raised: number): Tensor {
    if (this.config.predictionType === 'sample') return output
    if (this.config.predictionType === 'epsilon') return combine([1, sample], [-raised, output])
    return combine([-sigma / Math.sqrt(sigma ** 2 + 1), output], [1 / (sigma ** 2 + 1), sample])
  }
}
