import { z } from 'zod'
import { scope } from '../../memory.ts'
import type { Tensor } from '../../tensor.ts'
import { checkSteps, noiseFields, rangeFields, readConfig, spacing, thresholdFields } from './config.ts'
import { NoiseSchedule } from './noise-schedule.ts'
import { combine, type Draw, draw, keepInRange, type Sampling, takeApart } from './sampling.ts'
import { TimestepSampling } from './timestep-sampling.ts'
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

class DdimSampling extends TimestepSampling {
  private readonly scheduler: Ddim
  private readonly stride: number

  constructor(scheduler: Ddim, count: number) {
    const { timestepSpacing, stepsOffset } = scheduler.config
    super(scheduler.schedule, spacedTimesteps(timestepSpacing, count, scheduler.schedule.length, stepsOffset))
    this.scheduler = scheduler
    this.stride = Math.floor(scheduler.schedule.length / count)
  }

  step(output: Tensor, sample: Tensor, given?: Draw): Tensor {
    const { config, schedule } = this.scheduler
    const t = this.timesteps[this.counter.next()]!
    const [alpha, before] = [schedule.alphasCumprod[t]!, this.alphaBefore(t)]
    return scope((keep) => {
      const parts = takeApart(config.predictionType, output, sample, Math.sqrt(alpha), Math.sqrt(1 - alpha))
      const clean = keepInRange(parts.clean, config)
      const variance = ((1 - before) / (1 - alpha)) * (1 - alpha / before)
      const deviation = config.eta * Math.sqrt(variance)
      const next = combine([Math.sqrt(before), clean], [Math.sqrt(1 - before - deviation ** 2), parts.noise])
      return keep(config.eta > 0 ? combine([1, next], [deviation, draw(sample, given)]) : next)
    })
  }

  private alphaBefore(t: number): number {
    const { schedule, config } = this.scheduler
    const final = config.setAlphaToOne ? 1 : schedule.alphasCumprod[0]!
    return t - this.stride >= 0 ? schedule.alphasCumprod[t - this.stride]! : final
  }
}
