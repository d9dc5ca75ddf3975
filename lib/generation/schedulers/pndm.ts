import { z } from 'zod'
import { EegTorchError } from '../../errors.ts'
import { scope } from '../../memory.ts'
import type { Tensor } from '../../tensor.ts'
import { checkSteps, noiseFields, readConfig, spacing } from './config.ts'
import { NoiseSchedule } from './noise-schedule.ts'
import { combine, type Sampling, takeApart } from './sampling.ts'
import { TimestepSampling } from './timestep-sampling.ts'
import { spacedTimesteps } from './timesteps.ts'

const schema = z.object({
  ...noiseFields,
  ...spacing('leading'),
  predictionType: z.enum(['epsilon', 'v_prediction']).default('epsilon'),
  setAlphaToOne: z.boolean().default(false),
  /** Start the linear multistep method without Runge-Kutta steps, as Stable Diffusion does. */
  skipPrkSteps: z.boolean().default(false),
})

export type PndmConfig = z.input<typeof schema>

/** Weights of the last outputs, newest first, by how many there are (Adams-Bashforth). */
const MULTISTEP = [[1], [3 / 2, -1 / 2], [23 / 12, -16 / 12, 5 / 12], [55 / 24, -59 / 24, 37 / 24, -9 / 24]] as const
const RUNGE_KUTTA = [1 / 6, 1 / 3, 1 / 3, 1 / 6] as const
const ORDER = 4

/** Pseudo numerical methods (Liu et al. 2022). N steps take N + 1 calls of the network and more with Runge-Kutta. Reference: diffusers `PNDMScheduler`. */
export class Pndm {
  readonly config: z.infer<typeof schema>
  readonly schedule: NoiseSchedule

  constructor(config: PndmConfig = {}) {
    this.config = readConfig(schema, config)
    this.schedule = new NoiseSchedule(this.config)
  }

  /** @throws EegTorchError `INVALID_OPTION` for more steps than timesteps of training */
  steps(count: number): Sampling {
    checkSteps(count, this.schedule.length)
    return new PndmSampling(this, count)
  }
}

class PndmSampling extends TimestepSampling {
  private readonly rungeKutta: readonly number[]
  private readonly scheduler: Pndm
  private readonly stride: number
  private outputs: Tensor[] = []
  private from: Tensor | undefined
  private sum: Tensor | undefined

  constructor(scheduler: Pndm, count: number) {
    const { timestepSpacing, stepsOffset, skipPrkSteps } = scheduler.config
    const down = spacedTimesteps(timestepSpacing, count, scheduler.schedule.length, stepsOffset)
    const stride = Math.floor(scheduler.schedule.length / count)
    const rungeKutta = skipPrkSteps ? [] : rungeKuttaTimesteps(down, Math.floor(stride / 2))
    const multistep = skipPrkSteps ? [down[0]!, ...down.slice(1, 2), ...down.slice(1)] : down.slice(ORDER - 1)
    super(scheduler.schedule, [...rungeKutta, ...multistep])
    this.scheduler = scheduler
    this.stride = stride
    this.rungeKutta = rungeKutta
  }

  /** Its first steps are of another kind than the later ones, so that it can only begin at the beginning. */
  override startAt(step: number): void {
    if (step === 0) return
    throw new EegTorchError('INVALID_OPTION', 'PNDM cannot start in the middle of a run', {
      option: 'strength',
      expected: '1, or another scheduler, such as DDIM',
      received: `a start at step ${step}`,
    })
  }

  step(output: Tensor, sample: Tensor): Tensor {
    const index = this.counter.next()
    return index < this.rungeKutta.length
      ? this.rungeKuttaStep(index, output, sample)
      : this.multistep(index, output, sample)
  }

  private rungeKuttaStep(index: number, output: Tensor, sample: Tensor): Tensor {
    const part = index % 4
    if (part === 0) {
      this.outputs.push(output)
      this.from = sample
    }
    const weighted = output.mul(RUNGE_KUTTA[part]!)
    this.sum = part === 0 ? weighted : this.sum!.add(weighted)
    const back = index % 2 === 0 ? Math.floor(this.stride / 2) : 0
    const t = this.rungeKutta[index - part]!
    return this.move(this.from!, t, this.timesteps[index]! - back, part === 3 ? this.sum : output)
  }

  private multistep(index: number, output: Tensor, sample: Tensor): Tensor {
    const t = this.timesteps[index]!
    // Without Runge-Kutta the first step is taken twice: the second time with the mean of both outputs.
    if (index === 1)
      return this.move(this.from!, t + this.stride, t, combine([0.5, output], [0.5, this.outputs.at(-1)!]))
    this.outputs = [...this.outputs.slice(-3), output]
    if (index === 0) this.from = sample
    const newest = [...this.outputs].reverse()
    const weights = MULTISTEP[newest.length - 1]!
    return this.move(sample, t, t - this.stride, combine(...newest.map((past, i) => [weights[i]!, past] as const)))
  }

  /** Equation 11 of the paper. */
  private move(sample: Tensor, t: number, to: number, output: Tensor): Tensor {
    const { schedule, config } = this.scheduler
    const final = config.setAlphaToOne ? 1 : schedule.alphasCumprod[0]!
    const alpha = schedule.alphasCumprod[t]!
    const next = to >= 0 ? schedule.alphasCumprod[to]! : final
    return scope((keep) => {
      const { noise } = takeApart(config.predictionType, output, sample, Math.sqrt(alpha), Math.sqrt(1 - alpha))
      const denominator = alpha * Math.sqrt(1 - next) + Math.sqrt(alpha * (1 - alpha) * next)
      return keep(combine([Math.sqrt(next / alpha), sample], [-(next - alpha) / denominator, noise]))
    })
  }
}

/** Three steps of four calls, at a timestep, twice half a stride further, and a stride further. */
function rungeKuttaTimesteps(down: readonly number[], half: number): number[] {
  return down.slice(0, ORDER - 1).flatMap((t, i) => {
    const middle = down[i + 1]! + half
    return [t, middle, middle, down[i + 1]!]
  })
}
