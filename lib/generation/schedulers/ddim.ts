import { z } from 'zod'
import { scope } from '../../memory.ts'
import type { Tensor } from '../../tensor.ts'
import { checkSteps, noiseFields, rangeFields, readConfig, spacing, thresholdFields } from './config.ts'
import { NoiseSchedule } from './noise-schedule.ts'
import { Counter, combine, type Draw, draw, type Sampling, takeApart, threshold } from './sampling.ts'
import { spacedTimesteps } from './timesteps.ts'

const schema = z.object({
  ...noiseFields,
  ...spacing('leading'),
  ...rangeFields,
  ...thresholdFields,
  setAlphaToOne: z.boolean().default(true),
  /** Share of DDPM's noise that a step draws; 0 draws none. */
  eta: z.number().min(0).default(0),
})

export type DdimConfig = z.input<typeof schema>

/** DDIM (Song et al. 2021). Reference: diffusers `DDIMScheduler`. */
export class Ddim {
  readonly config: z.infer<typeof schema>
  readonly schedule: NoiseSchedule

  constructor(config: DdimConfig = {}) {
    this.config = readConfig(schema, config)
    this.schedule = new NoiseSchedule(this.config)
  }

  /** @throws EegTorchError `INVALID_OPTION` for more steps than timesteps of training */
  steps(count: number): Sampling {
    checkSteps(count, this.schedule.length)
    return new DdimSampling(this, count)
  }
}

class DdimSampling implements Sampling {
  readonly timesteps: readonly number[]
  readonly timestepType = 'int64'
  readonly initNoiseSigma = 1
  private readonly counter: Counter
  private readonly scheduler: Ddim
  private readonly stride: number

  constructor(scheduler: Ddim, count: number) {
    const { timestepSpacing, stepsOffset } = scheduler.config
    this.scheduler = scheduler
    this.timesteps = spacedTimesteps(timestepSpacing, count, scheduler.schedule.length, stepsOffset)
    this.stride = Math.floor(scheduler.schedule.length / count)
    this.counter = new Counter(this.timesteps.length)
  }

  scaleInput(sample: Tensor): Tensor {
    return sample
  }

  step(output: Tensor, sample: Tensor, given?: Draw): Tensor {
    const { config, schedule } = this.scheduler
    const t = this.timesteps[this.counter.next()]!
    const [alpha, before] = [schedule.alphasCumprod[t]!, this.alphaBefore(t)]
    return scope((keep) => {
      const parts = takeApart(config.predictionType, output, sample, Math.sqrt(alpha), Math.sqrt(1 - alpha))
      const clean = config.thresholding
        ? threshold(parts.clean, config)
        : config.clipSample
          ? parts.clean.clamp(-config.clipSampleRange, config.clipSampleRange)
          : parts.clean
      const variance = ((1 - before) / (1 - alpha)) * (1 - alpha / before)
      const deviation = config.eta * Math.sqrt(variance)
      const next = combine([Math.sqrt(before), clean], [Math.sqrt(1 - before - deviation ** 2), parts.noise])
      return keep(config.eta > 0 ? combine([1, next], [deviation, draw(sample, given)]) : next)
    })
  }

  addNoise(clean: Tensor, noise: Tensor, steps: readonly number[]): Tensor {
    return this.scheduler.schedule.addNoise(
      clean,
      noise,
      steps.map((step) => this.timesteps[step]!),
    )
  }

  private alphaBefore(t: number): number {
    const { schedule, config } = this.scheduler
    const final = config.setAlphaToOne ? 1 : schedule.alphasCumprod[0]!
    return t - this.stride >= 0 ? schedule.alphasCumprod[t - this.stride]! : final
  }
}
