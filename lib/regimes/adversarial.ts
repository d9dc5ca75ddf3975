import { noGrad } from '../autograd.ts'
import type { Model } from '../models/model.ts'
import { Module } from '../nn/module.ts'
import { Sequential } from '../nn/sequential.ts'
import type { Tensor } from '../tensor.ts'
import { combineSteps } from '../training/combine-steps.ts'
import { type FitOptions, type FitResult, fitStep, type LoopOptions, fit as train } from '../training/fit.ts'
import { losses } from '../training/losses.ts'
import { loss, optim } from '../training/options.ts'
import { presets } from '../training/presets.ts'
import type { TensorSet } from '../training/tensor-set.ts'
import { createTrainStep, type StepResult, type TrainStep } from '../training/train-step.ts'
import type { TrainingProgress } from '../training/training-progress.ts'
import { runInBatches } from './run-in-batches.ts'

const AUTOENCODER = presets.cnn_aae_autoencoder.options
const CLASSIFIER = presets.cnn_aae_classifier.options

/** The networks of an adversarial autoencoder. */
export interface AdversarialNets {
  encoder: Model<'aae_encoder'>
  decoder: Model<'aae_decoder'>
  discriminator: Model<'aae_discriminator'>
}

/** How to train one. The defaults are those of the design document: Adam at 1e-4, 100 epochs, 0.1 of the adversarial loss. */
export interface AdversarialOptions extends Omit<LoopOptions, 'epochs' | 'onStep'> {
  /** Default 100. */
  epochs?: number
  /** Of all three networks; default 1e-4. */
  lr?: number
  /** How much fooling the discriminator counts beside the squared error; default 0.1. */
  adversarialWeight?: number
  onStep?: (result: AdversarialStepResult, progress: TrainingProgress) => void
}

/** What a round tells: figures of the autoencoder, whose loss is squared error + weighted adversarial loss. */
export interface AdversarialStepResult extends StepResult {
  /** Cross entropy of prior samples called real plus codes called fake; 2 ln 2 = 1.386 where they cannot be told apart. */
  discriminatorLoss: number
}

/** How to train a classifier of codes. The defaults are those of the design document: Adam at 1e-4, 50 epochs. */
export interface LatentClassifierOptions extends Omit<FitOptions, 'epochs' | 'loss' | 'optimizer'> {
  /** Whether the encoder stays as it is, or learns along; default `trained`, as in the document. */
  encoder?: 'frozen' | 'trained'
  /** Default 50. */
  epochs?: number
  /** Default 1e-4. */
  lr?: number
}

/** Encoder and decoder as what the second half of a round trains. The discriminator takes part, but is not trained by it. */
class Autoencoder extends Module {
  readonly encoder: Model<'aae_encoder'>
  readonly decoder: Model<'aae_decoder'>
  readonly #discriminator: Model<'aae_discriminator'>
  readonly #adversarialWeight: number

  constructor({ encoder, decoder, discriminator }: AdversarialNets, adversarialWeight: number) {
    super()
    this.encoder = encoder
    this.decoder = decoder
    this.#discriminator = discriminator
    this.#adversarialWeight = adversarialWeight
  }

  /** Both (batch, channels, rows, columns); `image` is what comes out for `given`. */
  override forward(given: Tensor, image: Tensor): Tensor[] {
    const code = this.encoder.forward(given)
    const [reconstruction, fakeLogit] = [this.decoder.forward(code), this.#discriminator.forward(code)]
    const { loss, reconstructionError } = losses.aaeAutoencoder(
      { reconstruction, image, fakeLogit },
      { adversarialWeight: this.#adversarialWeight },
    )
    return [loss, reconstructionError]
  }
}

/** The discriminator as what the first half of a round trains, with a standard normal prior drawn in each step. */
class Critic extends Module {
  readonly discriminator: Model<'aae_discriminator'>

  constructor(discriminator: Model<'aae_discriminator'>) {
    super()
    this.discriminator = discriminator
  }

  /** @param code (batch, latentDim), without gradient. The target, which every batch has, is not looked at. */
  override forward(code: Tensor): Tensor {
    const real = code.randn_like()
    return losses.aaeDiscriminator(this.discriminator.forward(real), this.discriminator.forward(code))
  }
}

/**
 * Trains an adversarial autoencoder (Makhzani et al. 2015, arXiv 1511.05644): in each round the discriminator learns to tell codes from
 * samples of the prior, then encoder and decoder learn to give the image back and to fool it.
 *
 * @param images inputs (images, channels, rows, columns), and as targets what is to come out: the same images, or clean ones. From 0 to 1.
 * @throws EegTorchError as {@link fit}
 */
export function fitAdversarial(
  nets: AdversarialNets,
  images: TensorSet,
  {
    lr = AUTOENCODER.lr,
    adversarialWeight = AUTOENCODER.adversarialWeight,
    epochs = AUTOENCODER.epochs,
    onStep,
    ...loop
  }: AdversarialOptions = {},
): Promise<FitResult> {
  const makeStep = () => adversarialStep(nets, { lr, adversarialWeight, seed: loop.seed ?? 0, group: loop.group })
  const told = onStep as LoopOptions['onStep']
  return fitStep(makeStep, images, { ...loop, epochs, ...(told && { onStep: told }) })
}

/** One round as one step: discriminator, then autoencoder. */
function adversarialStep(
  nets: AdversarialNets,
  { lr, adversarialWeight, ...shared }: { lr: number; adversarialWeight: number } & Pick<LoopOptions, 'seed' | 'group'>,
): TrainStep {
  const { encoder, discriminator } = nets
  const options = { loss: loss.output(), optimizer: optim.adam({ lr }), ...shared }
  const critic = createTrainStep(new Critic(discriminator), options)
  const autoencoder = createTrainStep(new Autoencoder(nets, adversarialWeight), options)
  return combineSteps(
    { autoencoder, critic },
    {
      async learn({ inputs, targets }, rate) {
        const codes = await noGrad(() => encoder.train().forwardAsync(inputs as Tensor))
        const { loss: discriminatorLoss } = await critic({ inputs: codes, targets }, rate)
        codes.dispose()
        return { ...(await autoencoder({ inputs, targets }, rate)), discriminatorLoss }
      },
      evaluate: (batch) => autoencoder.evaluate(batch),
    },
  )
}

/**
 * Trains a classifier on the codes of an encoder.
 *
 * @param images inputs (images, channels, rows, columns) from 0 to 1, targets class numbers
 */
export async function fitLatentClassifier(
  encoder: Model<'aae_encoder'>,
  classifier: Model<'latent_cnn_classifier'>,
  images: TensorSet,
  {
    encoder: role = CLASSIFIER.encoder,
    epochs = CLASSIFIER.epochs,
    lr = CLASSIFIER.lr,
    validation,
    ...options
  }: LatentClassifierOptions = {},
): Promise<FitResult> {
  const whole = { ...options, epochs, optimizer: optim.adam({ lr }) }
  if (role === 'trained') {
    return train(new Sequential(encoder, classifier), images, { ...whole, ...(validation && { validation }) })
  }
  const encode = async ({ inputs, targets }: TensorSet) => ({ inputs: await encodeImages(encoder, inputs), targets })
  const codes = await encode(images)
  let watched: TensorSet | undefined
  try {
    watched = validation && (await encode(validation as TensorSet))
    return await train(classifier, codes, { ...whole, ...(watched && { validation: watched }) })
  } finally {
    codes.inputs.dispose()
    watched?.inputs.dispose()
  }
}

/** Codes of images (images, latentDim), in evaluation mode. */
export function encodeImages(encoder: Model<'aae_encoder'>, images: Tensor): Promise<Tensor> {
  return runInBatches([images], encoder)
}

/** What comes out for images, in evaluation mode: (images, channels, rows, columns). */
export function reconstructImages(
  { encoder, decoder }: Pick<AdversarialNets, 'encoder' | 'decoder'>,
  images: Tensor,
): Promise<Tensor> {
  return runInBatches([images], encoder, decoder)
}
