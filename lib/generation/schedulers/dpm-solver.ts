import { z } from 'zod'
import { scope } from '../../memory.ts'
import type { Tensor } from '../../tensor.ts'
import { checkSteps, noiseFields, readConfig, sigmaFields, spacing, thresholdFields } from './config.ts'
import { LEAST_ALPHA, NoiseSchedule } from './noise-schedule.ts'
import { combine, type Draw, draw, type Sampling, takeApart, threshold } from './sampling.ts'
import type { Levels } from './sigmas.ts'
import { solverLevels } from './solver-levels.ts'
import { SolverSampling } from './solver-sampling.ts'

const schema = z.object({
  ...noiseFields,
  ...spacing('linspace'),
  ...sigmaFields,
  ...thresholdFields,
  solverOrder: z.number().int().min(1).max(3).default(2),
  algorithmType: z.enum(['dpmsolver++', 'sde-dpmsolver++']).default('dpmsolver++'),
  solverType: z.enum(['midpoint', 'heun']).default('midpoint'),
  lowerOrderFinal: z.boolean().default(true),
  eulerAtFinal: z.boolean().default(false),
  /** Timesteps whose logarithm of signal over noise is lower are not used. */
  lambdaMinClipped: z.union([z.number(), z.literal(Number.NEGATIVE_INFINITY)]).default(Number.NEGATIVE_INFINITY),
})

export type DpmSolverConfig = z.input<typeof schema>

/** Runs shorter than this end with lower orders. */
const SHORT = 15

/** DPM-Solver++ with several steps (Lu et al. 2022). Reference: diffusers `DPMSolverMultistepScheduler`, its two algorithms that predict the clean sample. */
export class DpmSolver {
  readonly config: z.infer<typeof schema>
  readonly schedule: NoiseSchedule

  constructor(config: DpmSolverConfig = {}) {
    this.config = readConfig(schema, config, { solverType: ['logrho', 'bh1', 'bh2'] })
    this.schedule = new NoiseSchedule(this.config, LEAST_ALPHA)
  }

  /** @throws EegTorchError `INVALID_OPTION` for more steps than timesteps of training */
  steps(count: number): Sampling {
    checkSteps(count, this.schedule.length)
    return new DpmSampling(
      this.config,
      solverLevels(this.config, this.schedule, count, false, this.config.lambdaMinClipped),
    )
  }
}

class DpmSampling extends SolverSampling {
  private readonly config: DpmSolver['config']

  constructor(config: DpmSolver['config'], levels: Levels) {
    super(levels)
    this.config = config
  }

  step(output: Tensor, sample: Tensor, given?: Draw): Tensor {
    const index = this.counter.next()
    const { signal, noise } = this.levels[index]!
    const order = Math.min(this.orderAt(index), this.predictions.length + 1)
    return scope((keep) => {
      const { clean } = takeApart(this.config.predictionType, output, sample, signal, noise)
      const prediction = keep(this.config.thresholding ? threshold(clean, this.config) : clean)
      this.predictions = [prediction, ...this.predictions].slice(0, this.config.solverOrder)
      return keep(this.move(index, order, sample.to('float32'), given).to(prediction.dtype))
    })
  }

  private orderAt(index: number): number {
    const { solverOrder, lowerOrderFinal, eulerAtFinal, finalSigmasType } = this.config
    const left = this.timesteps.length - index
    const short = lowerOrderFinal && this.timesteps.length < SHORT
    if (left === 1 && (eulerAtFinal || short || finalSigmasType === 'zero')) return 1
    return left === 2 && short ? Math.min(solverOrder, 2) : solverOrder
  }

  /** The integral over a step, with the prediction expanded in as many derivatives as the order has (equations of appendix B). */
  private move(index: number, order: number, sample: Tensor, given?: Draw): Tensor {
    const [from, to] = [this.levels[index]!, this.levels[index + 1]!]
    const h = to.lambda - from.lambda
    const random = this.config.algorithmType === 'sde-dpmsolver++'
    const z = random ? 2 * h : h
    const decay = -Math.expm1(-z) // of the prediction: 1 - e^-z
    const weights = [to.signal * decay]
    if (order === 2 && this.config.solverType === 'midpoint') weights.push(0.5 * to.signal * decay)
    else if (order >= 2) weights.push(to.signal * (1 - decay / z))
    // The sign of the half is the reference's; its random form differs from its plain one there.
    if (order === 3) weights.push(to.signal * ((decay - z) / z ** 2 + (random ? -0.5 : 0.5)))
    const kept = (to.noise / from.noise) * (random ? Math.exp(-h) : 1)
    const terms = this.derivatives(index, order, h).map((derivative, i) => [weights[i]!, derivative] as const)
    const moved = combine([kept, sample], ...terms)
    return random ? combine([1, moved], [to.noise * Math.sqrt(-Math.expm1(-2 * h)), draw(sample, given)]) : moved
  }

  /** The newest prediction and, from differences to those before, its scaled derivatives. */
  private derivatives(index: number, order: number, h: number): Tensor[] {
    const [m0, m1, m2] = this.predictions as [Tensor, Tensor?, Tensor?]
    if (order === 1) return [m0]
    const gap = (back: number) => (this.levels[index - back + 1]!.lambda - this.levels[index - back]!.lambda) / h
    const first = combine([1 / gap(1), m0], [-1 / gap(1), m1!])
    if (order === 2) return [m0, first]
    const [r0, r1] = [gap(1), gap(2)]
    const change = combine([1, first], [-1 / r1, m1!], [1 / r1, m2!])
    return [m0, combine([1, first], [r0 / (r0 + r1), change]), change.mul(1 / (r0 + r1))]
  }
}
