import { randn } from '../../creation.ts'
import { EegTorchError } from '../../errors.ts'
import type { Generator } from '../../generator.ts'
import type { Tensor } from '../../tensor.ts'
import { drawNoise } from '../noise.ts'
import type { PredictionType, Threshold } from './config.ts'

/** Where a step that draws gets its noise from: given, or drawn by a generator, or by one for each sample. */
export interface Draw {
  noise?: Tensor
  generator?: Generator | readonly Generator[]
}

/** One run from noise to a sample. Steps are taken in order. */
export interface Sampling {
  /** What the network is told at each call, from noisy to clean. */
  readonly timesteps: readonly number[]
  /** How the reference types them. */
  readonly timestepType: 'int64' | 'float32'
  /** What the first draw is multiplied with. */
  readonly initNoiseSigma: number
  /** What the network sees of a sample at the present step. */
  scaleInput(sample: Tensor): Tensor
  /** The sample after the present step, from what the network said. */
  step(output: Tensor, sample: Tensor, draw?: Draw): Tensor
  /** A clean batch with the noise of given steps, to start in the middle of a run. */
  addNoise(clean: Tensor, noise: Tensor, steps: readonly number[]): Tensor
  /** Leaves the steps before one out: for a run that starts from noised samples. Only before the first step. @throws EegTorchError `INVALID_OPTION` */
  startAt(step: number): void
}

/** Counts the steps of a run. @throws EegTorchError `INVALID_OPTION` after the last */
export class Counter {
  private taken = 0
  private readonly steps: number

  constructor(steps: number) {
    this.steps = steps
  }

  get index(): number {
    return this.taken
  }

  /** @throws EegTorchError `INVALID_OPTION` for a step that is not there, or once a step was taken */
  startAt(step: number): void {
    if (Number.isInteger(step) && step >= 0 && step < this.steps && this.taken === 0) this.taken = step
    else
      throw new EegTorchError('INVALID_OPTION', 'a run cannot start at this step', {
        option: 'strength',
        expected: `an integer from 0 to ${this.steps - 1}, before the first step`,
        received: `${step} after ${this.taken} steps`,
      })
  }

  next(): number {
    if (this.taken < this.steps) return this.taken++
    throw new EegTorchError('INVALID_OPTION', 'this run has taken all its steps', {
      expected: `${this.steps} steps`,
      received: 'another',
    })
  }
}

/** The sum of tensors, each times a number. */
export function combine(...terms: readonly (readonly [number, Tensor])[]): Tensor {
  const [[factor, first], ...rest] = terms.filter(([by], i) => i === 0 || by !== 0) as [
    readonly [number, Tensor],
    ...(readonly [number, Tensor])[],
  ]
  return rest.reduce((sum, [alpha, term]) => sum.add(term, { alpha }), first.mul(factor))
}

/** A sample taken apart by what the network said of it, where sample = signal * clean + rest * noise. */
export function takeApart(
  kind: PredictionType,
  output: Tensor,
  sample: Tensor,
  signal: number,
  rest: number,
): { clean: Tensor; noise: Tensor } {
  if (kind === 'epsilon') return { clean: combine([1 / signal, sample], [-rest / signal, output]), noise: output }
  if (kind === 'sample') return { clean: output, noise: combine([1 / rest, sample], [-signal / rest, output]) }
  return { clean: combine([signal, sample], [-rest, output]), noise: combine([signal, output], [rest, sample]) }
}

/** Dynamic thresholding (Saharia et al. 2022): clipped at a quantile of each sample, and divided by it. */
export function threshold(clean: Tensor, { dynamicThresholdingRatio, sampleMaxValue }: Threshold): Tensor {
  const flat = clean.to('float32').flatten(1)
  const bound = flat.abs().quantile(dynamicThresholdingRatio, 1, { keepdim: true }).clamp(1, sampleMaxValue)
  return flat.minimum(bound).maximum(bound.neg()).div(bound).reshape(clean.shape).to(clean.dtype)
}

/** A prediction of the clean sample within its range, as the config has it. */
export function keepInRange(
  clean: Tensor,
  config: Threshold & { clipSample: boolean; clipSampleRange: number },
): Tensor {
  if (config.thresholding) return threshold(clean, config)
  return config.clipSample ? clean.clamp(-config.clipSampleRange, config.clipSampleRange) : clean
}

/** Noise shaped like a sample. */
export function draw(like: Tensor, { noise, generator }: Draw = {}): Tensor {
  if (noise === undefined) {
    if (Array.isArray(generator)) return drawNoise(generator, like.shape.slice(1), like)
    return randn(like.shape, { ...(generator && { generator: generator as Generator }), device: like.device }).to(
      like.dtype,
    )
  }
  if (noise.shape.join() === like.shape.join()) return noise
  throw new EegTorchError('SHAPE_MISMATCH', 'the noise of a step has another shape than the sample', {
    option: 'noise',
    expected: `(${like.shape.join(', ')})`,
    received: `(${noise.shape.join(', ')})`,
  })
}
