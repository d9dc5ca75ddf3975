import { z } from 'zod'
import { openCheckpoint, writeCheckpoint } from '../../checkpoints/checkpoint.ts'
import { full, tensor } from '../../creation.ts'
import type { Device } from '../../dtype.ts'
import { EegTorchError } from '../../errors.ts'
import { scope } from '../../memory.ts'
import { Conv2d, Linear } from '../../nn/layers.ts'
import { Module } from '../../nn/module.ts'
import { record } from '../../nn/record.ts'
import { ops } from '../../ops/index.ts'
import type { Tensor } from '../../tensor.ts'
import { type FitOptions, type FitResult, fit as train } from '../../training/fit.ts'
import { loss, optim } from '../../training/options.ts'
import type { Guide } from '../latent-diffusion.ts'
import type { Scheduler } from '../schedulers/index.ts'
import { DenoisingObjective } from '../training/denoising-objective.ts'
import { loadModule, requireWithin } from './load-module.ts'

/** What a {@link NoisedClassifier} is built of. */
export interface NoisedClassifierConfig {
  channels: number
  nClasses: number
  /** Filters of the first convolution; the others have twice as many. Default 32. */
  width?: number
  /** Timesteps of the process that adds noise; default 1000. */
  timesteps?: number
}

const KEY = 'noisedClassifier'
const size = z.number().int().positive()
const schema = z.strictObject({
  channels: size,
  nClasses: size,
  width: size.default(32),
  timesteps: size.default(1000),
})
/** Sines and cosines of the share of time that has gone, each an octave above the one before. */
const OCTAVES = 4

/**
 * A small convolutional network that names the class of latents under any amount of noise, for classifier guidance (Dhariwal and Nichol 2021,
 * NeurIPS, arXiv 2105.05233).
 */
export class NoisedClassifier extends Module {
  readonly config: Required<NoisedClassifierConfig>
  readonly first: Conv2d
  readonly time: Linear
  readonly second: Conv2d
  readonly third: Conv2d
  readonly head: Linear

  /**
   * @param budget @internal bytes that the weights may take, where the options come from a file
   * @throws EegTorchError `INVALID_OPTION`
   */
  constructor(given: NoisedClassifierConfig, budget?: number) {
    super()
    this.config = readConfig(given)
    const { channels, nClasses, width } = this.config
    requireWithin(budget, width * (9 * channels + 2 * OCTAVES + 54 * width + 2 * nClasses))
    this.first = new Conv2d(channels, width, 3, { padding: 1 })
    this.time = new Linear(2 * OCTAVES, width)
    this.second = new Conv2d(width, 2 * width, 3, { padding: 1, stride: 2 })
    this.third = new Conv2d(2 * width, 2 * width, 3, { padding: 1, stride: 2 })
    this.head = new Linear(2 * width, nClasses)
  }

  /** latents (batch, channels, height, width), timesteps (batch) -> scores (batch, nClasses) */
  override forward(latents: Tensor, timesteps: Tensor): Tensor {
    const { silu } = ops.aten
    const told = this.time.forward(this.#waves(timesteps, latents)).unsqueeze(2).unsqueeze(3)
    const wide = silu(this.first.forward(latents).add(told))
    const deep = silu(this.third.forward(silu(this.second.forward(wide))))
    return this.head.forward(deep.mean([2, 3]))
  }

  /**
   * Writes it as one safetensors file.
   *
   * @param description what is remembered beside it, such as `seen`: names of the trials that were learned from
   * @throws EegTorchError `FILE_WRITE_FAILED`
   */
  async save(path: string, description: Readonly<Record<string, unknown>> = {}): Promise<void> {
    const state = this.stateDict()
    await writeCheckpoint(path, state, { ...description, [KEY]: this.config })
    for (const weight of Object.values(state)) weight.dispose()
  }

  /** @throws EegTorchError `FILE_NOT_FOUND`, `FILE_INVALID`, `CHECKPOINT_MISMATCH` */
  static async load(path: string, { device = 'cpu' }: { device?: Device } = {}): Promise<NoisedClassifier> {
    const checkpoint = openCheckpoint(path)
    const { metadata } = checkpoint
    if (metadata[KEY] === undefined) {
      throw new EegTorchError('FILE_INVALID', 'holds no classifier of latents', {
        file: path,
        expected: 'a file that NoisedClassifier.save wrote',
      })
    }
    const make = (budget: number) => new NoisedClassifier(metadata[KEY] as NoisedClassifierConfig, budget)
    return loadModule(checkpoint, make, { device })
  }

  #waves(timesteps: Tensor, like: Tensor): Tensor {
    const rates = Array.from({ length: OCTAVES }, (_, i) => (Math.PI * 2 ** i) / this.config.timesteps)
    const phases = timesteps.to(like.dtype).unsqueeze(1).mul(tensor(rates).to(like.device).to(like.dtype))
    return ops.aten.cat([phases.sin(), phases.cos()], 1)
  }
}

function readConfig(given: NoisedClassifierConfig): Required<NoisedClassifierConfig> {
  const result = schema.safeParse(given)
  if (result.success) return result.data
  const [issue] = result.error.issues
  const option = issue!.path.join('.') || 'config'
  throw new EegTorchError('INVALID_OPTION', `${option} of this classifier is not usable`, {
    option,
    expected: issue!.message,
  })
}

class NoisedClassifierTask extends Module {
  readonly net: NoisedClassifier
  readonly #objective: DenoisingObjective

  constructor(net: NoisedClassifier, objective: DenoisingObjective) {
    super()
    this.net = net
    this.#objective = objective
  }

  /** Clean latents and their classes: gives the loss and the scores. */
  override forward(clean: Tensor, classes: Tensor): Tensor[] {
    const { noisy, timesteps } = this.#objective.addNoise(clean, this.training)
    const scores = this.net.forward(noisy, timesteps)
    return [ops.aten.cross_entropy_loss(scores, classes), scores]
  }
}

/**
 * Trains a classifier of latents under the noise of timesteps that are drawn for each.
 *
 * @param latents (pictures, channels, height, width), and classes (pictures), int64
 * @throws EegTorchError as `fit`
 */
export function fitNoisedClassifier(
  net: NoisedClassifier,
  { latents, classes }: { latents: Tensor; classes: Tensor },
  { scheduler, ...options }: Omit<FitOptions, 'loss'> & { scheduler: Scheduler },
): Promise<FitResult> {
  const objective = new DenoisingObjective(scheduler.schedule, {}, latents.device)
  return train(
    new NoisedClassifierTask(net, objective),
    { inputs: latents, targets: classes },
    { optimizer: optim.adamW({ lr: 1e-3 }), ...options, loss: loss.output() },
  )
}

/**
 * Pulls what a UNet says towards latents that a classifier takes for the wanted class: the noise is changed by
 * -sqrt(1 - alpha) * scale * gradient of the class's log probability (Dhariwal and Nichol 2021, algorithm 2), and what else a network may predict
 * accordingly. Forward and backward run on the compute thread.
 *
 * @param classes the wanted one of each picture, int64 (batch)
 */
export function classifierGuide(
  net: NoisedClassifier,
  classes: Tensor,
  scale: number,
  { schedule, config }: Scheduler,
): Guide {
  const surprise = record((latents: Tensor, timesteps: Tensor) =>
    ops.aten.cross_entropy_loss(net.forward(latents, timesteps), classes, { reduction: 2 }),
  )
  return async (output, sample, timestep) => {
    const alpha = schedule.alphasCumprod[Math.round(timestep)]!
    using latents = scope(() => sample.detach().to('float32').clone())
    latents.requiresGrad = true
    using timesteps = full([sample.shape[0]!], timestep, { device: sample.device })
    using minusLogProbability = await surprise.async(latents, timesteps)
    await minusLogProbability.backwardAsync({ inputs: [latents] })
    using gradient = latents.grad!
    const rest = Math.sqrt(1 - alpha)
    // By how much the noise changes for each unit of the gradient, and with it clean latents and v at the same noisy sample.
    const noise = rest * scale
    const factor = {
      epsilon: noise,
      v_prediction: noise / Math.sqrt(alpha),
      sample: (-noise * rest) / Math.sqrt(alpha),
    }[config.predictionType]
    return scope(() => output.add(gradient.to(output.dtype), { alpha: factor }))
  }
}
