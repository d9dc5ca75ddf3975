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
  varianceType: z.enum(['fixed_small', 'fixed_small_log', 'fixed_large']).default('fixed_small'),
})

export type DdpmConfig = z.input<typeof schema>

/** The training process and its ancestral sampler (Ho et al. 2020). Reference: diffusers `DDPMScheduler`, without learned variances. */
export class Ddpm {
  readonly config: z.infer<typeof schema>
  readonly schedule: NoiseSchedule

  constructor(config: DdpmConfig = {}) {
    this.config = readConfig(schema, config)
    this.schedule = new NoiseSchedule(this.config)
  }

  /** @throws EegTorchError `INVALID_OPTION` for more steps than timesteps of training */
  steps(count: number): Sampling {
    checkSteps(count, this.schedule.length)
    return new DdpmSampling(this, count)
  }
}

class DdpmSampling extends TimestepSampling {
  private readonly scheduler: Ddpm

  constructor(scheduler: Ddpm, count: number) {
    const { timestepSpacing, stepsOffset } = scheduler.config
    super(scheduler.schedule, spacedTimesteps(timestepSpacing, count, scheduler.schedule.length, stepsOffset))
    this.scheduler = scheduler
  }

  step(output: Tensor, sample: Tensor, given?: Draw): Tensor {
    const { config, schedule } = this.scheduler
    const index = this.counter.next()
    const t = this.timesteps[index]!
    const alpha = schedule.alphasCumprod[t]!
    const next = this.timesteps[index + 1]
    const before = next === undefined ? 1 : schedule.alphasCumprod[next]!
    const kept = alpha / before
    return scope((keep) => {
      const parts = takeApart(config.predictionType, output, sample, Math.sqrt(alpha), Math.sqrt(1 - alpha))
      const clean = keepInRange(parts.clean, config)
      const mean = combine(
        [(Math.sqrt(before) * (1 - kept)) / (1 - alpha), clean],
        [(Math.sqrt(kept) * (1 - before)) / (1 - alpha), sample],
      )
      if (t === 0) return keep(mean)
      const posterior = Math.max(((1 - before) / (1 - alpha)) * (1 - kept), 1e-20)
      const variance = config.varianceType === 'fixed_large' ? 1 - kept : posterior
      return keep(combine([1, mean], [Math.sqrt(variance), draw(sample, given)]))
    })
  }
}
