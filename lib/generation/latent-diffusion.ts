import { noGrad } from '../autograd.ts'
import { cat, full } from '../creation.ts'
import { EegTorchError } from '../errors.ts'
import type { Generator } from '../generator.ts'
import { Arena, scope } from '../memory.ts'
import type { Tensor } from '../tensor.ts'
import type { PictureRun } from './pipeline.ts'
import type { Sampling } from './schedulers/sampling.ts'

/**
 * What a network says of noisy latents: their noise, the clean latents or a mixture, as the scheduler's config has it. On the compute thread. The
 * tensor is the run's, which frees it.
 *
 * @param sample (batch, channels, height, width), as the scheduler scales them
 * @param timestep one for the whole batch, ()
 */
export type Denoise = (sample: Tensor, timestep: Tensor, at: StepPlace) => Promise<Tensor>

/** Where in a run a step is. */
export interface StepPlace {
  /** Steps of the run before it. */
  readonly index: number
  /** All of them. */
  readonly count: number
}

/** Changes what the network said of a sample before the scheduler takes its step, as classifier guidance does. The tensor is the run's. */
export type Guide = (output: Tensor, sample: Tensor, timestep: number) => Promise<Tensor>

/** What one run is made of. */
export interface LatentDiffusion {
  sampling: Sampling
  /** What the first step starts from: see {@link startFromNoise} and {@link startFromLatents}. */
  start: LatentStart
  denoise: Denoise
  guide?: Guide | undefined
  /** Latents (batch, channels, height, width) -> pictures (batch, height, width, 3) in 0 to 1, float32. */
  decode: (latents: Tensor) => Promise<Tensor>
  /** One for each picture, for schedulers that draw on the way. */
  generators: readonly Generator[]
  /** What the run draws from: freed with it. */
  held: Arena
}

/** Latents, and the step that is the first to be taken on them. */
export interface LatentStart {
  latents: Tensor
  step: number
}

/** Calls of the network after which no scheduler looks back at what was said: PNDM's Runge-Kutta steps are remembered for 12. */
const LOOK_BACK = 16

/** From noise to latents in the steps of a scheduler, then to pictures. Latents stay native throughout. */
export class LatentDiffusionRun implements PictureRun {
  readonly steps: number
  #latents: Tensor
  #step: number
  /** What the last calls made, the oldest first. */
  readonly #calls: Arena[] = []
  readonly #parts: LatentDiffusion

  constructor(parts: LatentDiffusion) {
    this.#parts = parts
    this.#latents = parts.start.latents
    this.#step = parts.start.step
    this.steps = parts.sampling.timesteps.length - parts.start.step
    parts.sampling.startAt(parts.start.step)
  }

  get state(): Tensor {
    return this.#latents
  }

  async step(): Promise<void> {
    const { sampling, denoise, guide, generators } = this.#parts
    const latents = this.#latents
    const made = this.#beginCall()
    const [sample, timestep] = made.run(() => noGrad(() => [sampling.scaleInput(latents), this.#timestep()]))
    const at = { index: this.#step - this.#parts.start.step, count: this.steps }
    const said = made.own(await denoise(sample!, timestep!, at))
    const output = guide === undefined ? said : made.own(await guide(said, sample!, sampling.timesteps[this.#step]!))
    this.#latents = made.run(() => noGrad(() => sampling.step(output, latents, { generator: generators })))
    this.#step++
  }

  decode(): Promise<Tensor> {
    return this.#parts.decode(this.#latents)
  }

  [Symbol.dispose](): void {
    for (const made of [...this.#calls, this.#parts.held]) made[Symbol.dispose]()
  }

  /** Solvers look back at samples and outputs, so these stay for a while. */
  #beginCall(): Arena {
    if (this.#calls.length === LOOK_BACK) this.#calls.shift()![Symbol.dispose]()
    const made = new Arena()
    this.#calls.push(made)
    return made
  }

  #timestep(): Tensor {
    const { timesteps, timestepType } = this.#parts.sampling
    return full([], timesteps[this.#step]!, { dtype: timestepType, device: this.#latents.device })
  }
}

/** The first latents of a run from pure noise. */
export function startFromNoise(sampling: Sampling, noise: Tensor): LatentStart {
  return { latents: noGrad(() => noise.mul(sampling.initNoiseSigma)), step: 0 }
}

/**
 * Latents that are known roughly, under so much noise that the share `strength` of the steps is still to be taken (Meng et al. 2022, SDEdit).
 *
 * @param strength above 0, which would keep them, to 1, which leaves little but noise
 * @throws EegTorchError `INVALID_OPTION` where a scheduler cannot start in the middle
 */
export function startFromLatents(sampling: Sampling, clean: Tensor, noise: Tensor, strength: number): LatentStart {
  if (!(strength > 0 && strength <= 1)) {
    throw new EegTorchError('INVALID_OPTION', 'the strength is not usable', {
      option: 'strength',
      expected: 'more than 0, at most 1',
      received: String(strength),
    })
  }
  const steps = sampling.timesteps.length
  const step = steps - Math.max(1, Math.min(Math.floor(steps * strength), steps))
  const each = new Array<number>(clean.shape[0]!).fill(step)
  return { latents: noGrad(() => scope(() => sampling.addNoise(clean, noise, each))), step }
}

/**
 * Classifier-free guidance (Ho and Salimans 2022, arXiv 2207.12598): the network runs once on both halves of a batch of twice the size, without the
 * condition and with it, and what is said with it is taken further by `guidance`. At 1 or less it runs on the condition alone.
 *
 * @param predict the network, for a batch of so many conditions
 * @param conditions tensors (batch, …) by name that the network is told, and what it is told in their place
 */
export function guideFree<Name extends string>(
  predict: (sample: Tensor, timestep: Tensor, conditions: Record<Name, Tensor>, at: StepPlace) => Promise<Tensor>,
  conditions: { given: Record<Name, Tensor>; without: Record<Name, Tensor> },
  guidance: number,
): Denoise {
  if (guidance <= 1) return (sample, timestep, at) => predict(sample, timestep, conditions.given, at)
  const names = Object.keys(conditions.given) as Name[]
  const both = noGrad(
    () =>
      Object.fromEntries(names.map((name) => [name, cat([conditions.without[name], conditions.given[name]], 0)])) as {
        [N in Name]: Tensor
      },
  )
  return async (sample, timestep, at) => {
    using twice = noGrad(() => cat([sample, sample], 0))
    using said = await predict(twice, timestep, both, at)
    return noGrad(() =>
      scope(() => {
        const [without, given] = said.chunk(2, 0) as [Tensor, Tensor]
        return without.add(given.sub(without), { alpha: guidance })
      }),
    )
  }
}
