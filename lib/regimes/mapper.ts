import { zeros } from '../creation.ts'
import type { Model } from '../models/model.ts'
import { Module } from '../nn/module.ts'
import type { Tensor } from '../tensor.ts'
import { type FitOptions, type FitResult, fit as train } from '../training/fit.ts'
import { losses, type MapperLossOptions } from '../training/losses.ts'
import { loss, optim } from '../training/options.ts'
import { type Phase, phasesOf } from '../training/phase.ts'
import { presets } from '../training/presets.ts'
import type { TensorSet } from '../training/tensor-set.ts'

/** What a mapper is drawn to, one row per class. */
export interface MapperTargets {
  /** Embeddings of images (classes, clipDim). */
  imagePrototypes: Tensor
  /** Hidden states of texts (classes, queries, clipDim). */
  textHidden: Tensor
}

const TABLE = presets.eeg2image_mapper.options
/** Phases of the design document. */
export const MAPPER_PHASES: ReturnType<typeof phasesOf> = phasesOf(TABLE)

/** How to train a mapper. The defaults are those of the design document. */
export interface MapperOptions
  extends Omit<FitOptions, 'epochs' | 'loss' | 'optimizer' | 'schedule'>,
    Omit<MapperLossOptions, 'eps'> {
  /** Without the squared error; default 5 epochs at 5e-4. */
  warmUp?: Phase
  /** With it; default 15 epochs at 1e-4. */
  joint?: Phase
  /** Of AdamW; default 0.01. */
  weightDecay?: number
}

class MapperTask extends Module {
  readonly mapper: Model<'eeg_clip_mapper'>
  readonly #targets: MapperTargets
  readonly #weights: MapperLossOptions
  readonly #mseWeight = zeros([])

  constructor(mapper: Model<'eeg_clip_mapper'>, targets: MapperTargets, weights: MapperLossOptions) {
    super()
    this.mapper = mapper
    this.#targets = targets
    this.#weights = weights
  }

  set mseWeight(value: number) {
    this.#mseWeight.fill_(value)
  }

  /** tokens (batch, tokens, width), labels (batch), int64. Gives the loss and the class scores. */
  override forward(tokens: Tensor, labels: Tensor): Tensor[] {
    const outputs = this.mapper.run({ tokens })
    // The recording keeps numbers as they are: what changes with the phase is a tensor.
    const { imagePrototypes, textHidden } = this.#targets
    const inputs = { ...outputs, labels, imagePrototypes, textHidden }
    const { loss, mse } = losses.mapper(inputs, { ...this.#weights, lambdaMse: 0 })
    return [loss.add(mse.mul(this.#mseWeight)), outputs.classLogits]
  }
}

/**
 * Trains `eeg_clip_mapper`: cross entropy, contrast and cosine with image embeddings, and, after the warm-up, squared error to hidden states of
 * texts. AdamW goes on from phase to phase; its learning rate changes.
 *
 * @param eeg inputs (windows, tokens, width): what the token reducer gives; targets class numbers
 * @throws EegTorchError as `fit`
 */
export function fitMapper(
  mapper: Model<'eeg_clip_mapper'>,
  eeg: TensorSet,
  targets: MapperTargets,
  options: MapperOptions = {},
): Promise<FitResult> {
  const {
    warmUp = MAPPER_PHASES.warmUp,
    joint = MAPPER_PHASES.joint,
    weightDecay = TABLE.weightDecay,
    ...rest
  } = options
  const { lambdaCls = TABLE.lambdaCls, lambdaContrastive = TABLE.lambdaContrastive, ...others } = rest
  const { lambdaCos = TABLE.lambdaCos, lambdaMse = TABLE.lambdaMse, temperature = TABLE.temperature, ...loop } = others
  const task = new MapperTask(mapper, targets, { lambdaCls, lambdaContrastive, lambdaCos, temperature })
  const epochs = warmUp.epochs + joint.epochs
  return train(task, eeg, {
    batchSize: TABLE.batchSize,
    ...loop,
    epochs,
    loss: loss.output(),
    optimizer: optim.adamW({ lr: warmUp.lr, weightDecay }),
    schedule: (step, steps) => (step * epochs < warmUp.epochs * steps ? 1 : joint.lr / warmUp.lr),
    beforeStep(progress, steps) {
      task.mseWeight = progress.epoch < warmUp.epochs ? 0 : lambdaMse
      loop.beforeStep?.(progress, steps)
    },
  })
}
