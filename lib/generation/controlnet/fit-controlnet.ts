import { rand } from '../../creation.ts'
import { EegTorchError } from '../../errors.ts'
import type { Model } from '../../models/model.ts'
import { Module } from '../../nn/module.ts'
import { ops } from '../../ops/index.ts'
import type { Tensor } from '../../tensor.ts'
import { type FitOptions, type FitResult, fit as train } from '../../training/fit.ts'
import { loss, optim } from '../../training/options.ts'
import type { TensorSet } from '../../training/tensor-set.ts'
import type { Scheduler } from '../schedulers/index.ts'
import { DenoisingObjective, type DenoisingOptions } from '../training/denoising-objective.ts'
import { residualsOf } from './controlnet.ts'

/** What was shown: one row for each picture. */
export interface ControlledPictures {
  /** Their latents, of about unit variance (pictures, channels, height, width). */
  latents: Tensor
  /** Pictures of the structure that is to guide, 0 to 1 (pictures, conditioning channels, factor * height, factor * width). */
  structures: Tensor
}

/** What a UNet is told as text encoders give it: one row for each condition (conditions, tokens, width). */
export interface TokenConditions {
  encoderHiddenStates: Tensor
}

/** What the UNet of structure-guided diffusion is told: (conditions, latentDim) and (conditions, semanticDim). */
export interface EegConditions {
  latent: Tensor
  semantic: Tensor
}

/** The UNet that stays as it is, what it is told, and what it is told where nothing is (one row). */
export type FrozenUnet =
  | { model: Model<'unet2d_condition'>; conditions: TokenConditions; without?: TokenConditions | undefined }
  | { model: Model<'sgdm_unet'>; conditions: EegConditions; without?: Pick<EegConditions, 'latent'> | undefined }

/** How to train; the rest is as for `fit`. */
export interface ControlNetFitOptions extends Omit<FitOptions, 'loss'>, Omit<DenoisingOptions, 'predictionType'> {
  /** The process that adds noise, and what the UNet predicts. */
  scheduler: Scheduler
  /** Share of the examples whose condition is taken away, so that the structure alone has to tell; default 0. */
  conditionDropout?: number
}

/** Conditions of a batch: as the UNet takes them, and as one sequence of tokens, which the ControlNet takes. */
interface Told {
  unet: Record<string, Tensor>
  tokens: Tensor
}

/** The loss of a ControlNet. The UNet is no part of it: its weights are neither trained nor kept. */
class ControlNetTask extends Module {
  readonly controlNet: Model<'controlnet'>
  readonly #frozen: FrozenUnet
  readonly #pictures: ControlledPictures
  readonly #objective: DenoisingObjective
  readonly #dropout: number

  constructor(
    controlNet: Model<'controlnet'>,
    frozen: FrozenUnet,
    pictures: ControlledPictures,
    objective: DenoisingObjective,
    dropout: number,
  ) {
    super()
    this.controlNet = controlNet
    this.#frozen = frozen
    this.#pictures = pictures
    this.#objective = objective
    this.#dropout = dropout
  }

  /** Rows of conditions and of pictures (batch), int64. Gives the loss. */
  override forward(conditions: Tensor, pictures: Tensor): Tensor[] {
    const { model } = this.#frozen
    const clean = this.#pictures.latents.index_select(0, pictures)
    const controlnetCond = this.#pictures.structures.index_select(0, pictures)
    const told = this.#told(conditions)
    const denoising = this.#objective.loss(clean, this.training, (sample, timestep) => {
      const inputs = { sample, timestep, encoderHiddenStates: told.tokens, controlnetCond }
      const residuals = residualsOf(this.controlNet.run(inputs))
      // which network takes which conditions, the type of the frozen UNet says
      return (model as Model<'unet2d_condition'>).run({ sample, timestep, ...told.unet, ...residuals } as never).sample
    })
    return [denoising]
  }

  #told(rows: Tensor): Told {
    const { conditions, without } = this.#frozen
    const kept = this.#kept(rows)
    const told = (all: Tensor, nothing?: Tensor) => replaced(all.index_select(0, rows), nothing, kept)
    if ('encoderHiddenStates' in conditions) {
      const { encoderHiddenStates: nothing } = { ...without } as Partial<TokenConditions>
      const tokens = told(conditions.encoderHiddenStates, nothing)
      return { unet: { encoderHiddenStates: tokens }, tokens }
    }
    const latent = told(conditions.latent, ({ ...without } as Partial<EegConditions>).latent)
    const semantic = told(conditions.semantic)
    const tokens = ops.aten.cat([latent, semantic], 1).unsqueeze(1)
    return { unet: { latent, semantic, hasSemantic: kept }, tokens }
  }

  /** Which examples keep their condition: all of them in evaluation. */
  #kept(rows: Tensor): Tensor {
    return rand([rows.shape[0]!], { device: rows.device }).ge(this.training ? this.#dropout : 0)
  }

  override dispose(): void {
    // the ControlNet belongs to the caller
  }
}

function replaced(given: Tensor, nothing: Tensor | undefined, kept: Tensor): Tensor {
  if (nothing === undefined) return given
  return ops.aten.where(kept.reshape([given.shape[0]!, ...given.shape.slice(1).map(() => 1)]), given, nothing)
}

/**
 * Trains a ControlNet on a UNet that stays as it is (Zhang et al. 2023, ICCV, arXiv 2302.05543; diffusers' `train_controlnet.py`): pictures' latents under
 * noise, and the squared error of what the UNet says of them when it is told their structure. By default AdamW at 5e-6 with weight decay 0.01, gradients
 * clipped at norm 1, every time step alike.
 *
 * @param controlNet such as `controlNetOf(unet)` makes it; at its end in evaluation mode
 * @param examples rows of the conditions (inputs) and of the pictures (targets), int64 (examples)
 * @throws EegTorchError as `fit`; `SHAPE_MISMATCH` for pictures that do not fit the networks, `INVALID_OPTION` for a dropout of conditions that has nothing
 *   to put in their place
 */
export async function fitControlNet(
  controlNet: Model<'controlnet'>,
  frozen: FrozenUnet,
  pictures: ControlledPictures,
  examples: TensorSet,
  options: ControlNetFitOptions,
): Promise<FitResult> {
  const { scheduler, snrGamma = null, conditionDropout = 0, ...rest } = options
  requireFit(controlNet, frozen, pictures)
  if (conditionDropout > 0 && frozen.without === undefined) throw nothingInPlace(conditionDropout)
  const { predictionType } = scheduler.config
  const { device } = pictures.latents
  const objective = new DenoisingObjective(scheduler.schedule, { predictionType, snrGamma }, device)
  const task = new ControlNetTask(controlNet, frozen, pictures, objective, conditionDropout)
  frozen.model.eval()
  return withoutGradients(frozen.model, () =>
    train(task, examples, {
      optimizer: optim.adamW({ lr: 5e-6, weightDecay: 0.01 }),
      clipNorm: 1,
      ...rest,
      loss: loss.output(),
    }),
  )
}

/** Work in which a network's weights want no gradients. */
async function withoutGradients<T>(network: FrozenUnet['model'], work: () => Promise<T>): Promise<T> {
  const learning = Object.values(network.parameters()).filter(({ requiresGrad }) => requiresGrad)
  for (const weight of learning) weight.requiresGrad = false
  try {
    return await work()
  } finally {
    for (const weight of learning) {
      weight.requiresGrad = true
      weight.dispose()
    }
  }
}

function requireFit(
  controlNet: Model<'controlnet'>,
  { model }: FrozenUnet,
  { latents, structures }: ControlledPictures,
): void {
  const { inChannels } = model.config
  const { conditioningChannels, conditioningEmbeddingOutChannels: widths } = controlNet.config
  const factor = 2 ** (widths.length - 1)
  const [count = 0, channels, height = 0, width = 0] = latents.shape
  const fits = latents.shape.length === 4 && channels === inChannels && count > 0
  const wanted = [count, conditioningChannels, factor * height, factor * width]
  if (fits && structures.shape.join() === wanted.join()) return
  throw new EegTorchError('SHAPE_MISMATCH', 'the pictures do not fit the networks', {
    option: 'pictures',
    expected: fits ? `structures (${wanted.join(', ')})` : `latents (pictures, ${inChannels}, height, width)`,
    received: `(${(fits ? structures : latents).shape.join(', ')})`,
  })
}

function nothingInPlace(conditionDropout: number): EegTorchError {
  return new EegTorchError('INVALID_OPTION', 'nothing is there to put in the place of conditions that are taken away', {
    option: 'conditionDropout',
    expected: '0, or what the UNet is told where it is told nothing (without)',
    received: String(conditionDropout),
  })
}
