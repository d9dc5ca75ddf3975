import { z } from 'zod'
import { scope } from '../../memory.ts'
import type { Tensor } from '../../tensor.ts'
import { checkSteps, noiseFields, readConfig, sigmaFields, spacing, thresholdFields } from './config.ts'
import { LEAST_ALPHA, NoiseSchedule } from './noise-schedule.ts'
import { combine, type Sampling, takeApart, threshold } from './sampling.ts'
import type { Levels } from './sigmas.ts'
import { solve } from './small-systems.ts'
import { type Level, solverLevels } from './solver-levels.ts'
import { SolverSampling } from './solver-sampling.ts'

const schema = z.object({
  ...noiseFields,
  ...spacing('linspace'),
  ...sigmaFields,
  ...thresholdFields,
  solverOrder: z.number().int().min(1).max(4).default(2),
  solverType: z.enum(['bh1', 'bh2']).default('bh2'),
  /** Expand the prediction of the clean sample, else that of the noise. */
  predictX0: z.boolean().default(true),
  lowerOrderFinal: z.boolean().default(true),
  /** Steps after which the sample is not corrected. */
  disableCorrector: z.array(z.number().int().min(0)).default([]),
})

export type UnipcConfig = z.input<typeof schema>

/** Predictor and corrector of one family (Zhao et al. 2023). Reference: diffusers `UniPCMultistepScheduler`. */
export class Unipc {
  readonly config: z.infer<typeof schema>
  readonly schedule: NoiseSchedule

  constructor(config: UnipcConfig = {}) {
    this.config = readConfig(schema, config, { solverType: ['midpoint', 'heun', 'logrho'] })
    this.schedule = new NoiseSchedule(this.config, LEAST_ALPHA)
  }

  /** @throws EegTorchError `INVALID_OPTION` for more steps than timesteps of training */
  steps(count: number): Sampling {
    checkSteps(count, this.schedule.length)
    return new UnipcSampling(this.config, solverLevels(this.config, this.schedule, count, true))
  }
}

class UnipcSampling extends SolverSampling {
  private readonly config: Unipc['config']
  private order = 1
  private before: Tensor | undefined

  constructor(config: Unipc['config'], levels: Levels) {
    super(levels)
    this.config = config
  }

  step(output: Tensor, given: Tensor): Tensor {
    const index = this.counter.next()
    const { solverOrder, lowerOrderFinal, disableCorrector } = this.config
    return scope((keep) => {
      const prediction = keep(this.convert(output, given, this.levels[index]!))
      const corrected = this.before !== undefined && !disableCorrector.includes(index - 1)
      const sample = corrected ? keep(this.correct(index, prediction)) : given
      const order = lowerOrderFinal ? Math.min(solverOrder, this.timesteps.length - index) : solverOrder
      this.order = Math.min(order, this.predictions.length + 1)
      this.predictions = [prediction, ...this.predictions].slice(0, solverOrder)
      this.before = sample
      return keep(this.predict(index, sample))
    })
  }

  private convert(output: Tensor, sample: Tensor, { signal, noise }: Level): Tensor {
    const parts = takeApart(this.config.predictionType, output, sample, signal, noise)
    if (!this.config.predictX0) return parts.noise
    return this.config.thresholding ? threshold(parts.clean, this.config) : parts.clean
  }

  /** UniP: from the level of the present step to the next. */
  private predict(index: number, sample: Tensor): Tensor {
    const { kept, first, rest, ratios, matrix, right } = this.expansion(index, index + 1)
    const count = this.order - 1
    const weights =
      count === 1
        ? [0.5]
        : solve(
            matrix.slice(0, count).map((row) => row.slice(0, count)),
            right,
          )
    return combine([kept, sample], ...this.terms(first, rest, ratios, weights))
  }

  /** UniC: the step that led here again, now that the prediction at its end is known. */
  private correct(index: number, prediction: Tensor): Tensor {
    const { kept, first, rest, ratios, matrix, right } = this.expansion(index - 1, index)
    const weights = this.order === 1 ? [0.5] : solve(matrix, right)
    const last = weights.at(-1)! * rest
    const terms = this.terms(first, rest, ratios, weights.slice(0, -1))
    return combine([kept, this.before!], ...terms, [last, prediction], [-last, this.predictions[0]!])
  }

  /** The newest prediction, and the weighted differences of those before to it. */
  private terms(first: number, rest: number, ratios: readonly number[], weights: readonly number[]) {
    const newest = this.predictions[0]!
    return [
      [first, newest] as const,
      ...weights.flatMap((weight, i) => {
        const by = (rest * weight) / ratios[i]!
        return [[by, this.predictions[i + 1]!] as const, [-by, newest] as const]
      }),
    ]
  }

  /** The numbers of equation 8 of the paper for a step between two levels. */
  private expansion(at: number, to: number) {
    const [from, next] = [this.levels[at]!, this.levels[to]!]
    const h = next.lambda - from.lambda
    const { predictX0, solverType } = this.config
    const z = predictX0 ? -h : h
    const growth = Math.expm1(z)
    const scale = solverType === 'bh1' ? z : growth
    const ratios = Array.from({ length: this.order - 1 }, (_, i) => (this.levels[at - 1 - i]!.lambda - from.lambda) / h)
    const points = [...ratios, 1]
    const right: number[] = []
    let phi = growth / z - 1
    for (let i = 1, factorial = 1; i <= this.order; i++) {
      right.push((phi * factorial) / scale)
      factorial *= i + 1
      phi = phi / z - 1 / factorial
    }
    const goal = predictX0 ? next.signal : next.noise
    return {
      kept: predictX0 ? next.noise / from.noise : next.signal / from.signal,
      first: -goal * growth,
      rest: -goal * scale,
      ratios,
      matrix: right.map((_, power) => points.map((point) => point ** power)),
      right,
    }
  }
}
