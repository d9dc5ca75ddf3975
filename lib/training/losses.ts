import type { Tensor } from '../tensor.ts'
import { LossOperator } from './loss-operator.ts'

/** What {@link losses.mapper} compares: outputs of `eeg_clip_mapper`, classes, and tables with one row per class. */
export interface MapperLossInputs {
  /** (batch, queries, dim) */
  encoderHiddenStates: Tensor
  /** (batch, dim) */
  promptEmbeds: Tensor
  /** (batch, classes) */
  classLogits: Tensor
  /** Class numbers, int64 (batch) */
  labels: Tensor
  /** (classes, dim) */
  imagePrototypes: Tensor
  /** (classes, queries, dim); may be left out where `lambdaMse` is 0. */
  textHidden?: Tensor | undefined
}

/** Weights of the terms of {@link losses.mapper}, and what its contrastive and cosine terms take. */
export interface MapperLossOptions {
  /** Default: 5. */
  lambdaCls?: number | undefined
  /** Default: 2. */
  lambdaContrastive?: number | undefined
  /** Default: 1. */
  lambdaCos?: number | undefined
  /** Default: 0.1; 0 in the warm-up phase. */
  lambdaMse?: number | undefined
  /** Default: 0.5. */
  temperature?: number | undefined
  /** Default: 1e-8. */
  eps?: number | undefined
}

/** The weighted sum, to minimise, and its terms without their weights. Each is one number. */
export type LossTerms<Term extends string> = { [K in 'loss' | Term]: Tensor }

/**
 * Losses of whole training regimes, computed in C++ and differentiable; each is a mean over the batch. They may be called in loops of one's
 * own and in recorded functions.
 *
 * Each throws EegTorchError `SHAPE_MISMATCH`, `DTYPE_MISMATCH` or `DEVICE_MISMATCH` for tensors that do not fit each other, and
 * `INVALID_OPTION`.
 */
export const losses: {
  /**
   * Contrast of each prediction with all candidates: cross entropy of their cosine similarities over a temperature (van den Oord et al.
   * 2018, arXiv 1807.03748). For contrast within a batch, the candidates are the batch's targets and the labels 0, 1, ….
   *
   * @param prediction (batch, dim)
   * @param candidates (candidates, dim)
   * @param labels each prediction's candidate, int64 (batch)
   */
  infoNce(
    prediction: Tensor,
    candidates: Tensor,
    labels: Tensor,
    options?: {
      /** Default: 0.5. */
      temperature?: number | undefined
    },
  ): Tensor
  /** 1 - cosine similarity of two (batch, dim). `eps` bounds each norm from below. */
  cosine(
    prediction: Tensor,
    target: Tensor,
    options?: {
      /** Default: 1e-8. */
      eps?: number | undefined
    },
  ): Tensor
  /** What `eeg_clip_mapper` is trained towards: classes, contrast and cosine with image prototypes, squared error to text embeddings. */
  mapper(
    inputs: MapperLossInputs,
    options?: MapperLossOptions,
  ): LossTerms<'classification' | 'contrastive' | 'cosine' | 'mse'>
  /**
   * Squared error summed over a window, plus beta * KL(N(mu, exp(logvar)) || N(0, 1)): the negative evidence bound (Kingma and Welling 2014,
   * ICLR; beta: Higgins et al. 2017, ICLR). `eeg` and its reconstruction have one shape, `mu` and `logvar` are (batch, latentDim).
   */
  vae(
    inputs: { reconstruction: Tensor; eeg: Tensor; mu: Tensor; logvar: Tensor },
    options?: {
      /** Default: 1. */
      beta?: number | undefined
    },
  ): LossTerms<'reconstructionError' | 'kl'>
  /**
   * The discriminator's step of an adversarial autoencoder (Makhzani et al. 2015, arXiv 1511.05644): prior samples are to be called real,
   * codes fake. On logits (batch, 1); detach the codes before.
   */
  aaeDiscriminator(realLogit: Tensor, fakeLogit: Tensor): Tensor
  /**
   * The autoencoder's step: mean squared error of images, and its codes are to be called real. `reconstruction` and `image` have one shape,
   * `fakeLogit` is (batch, 1).
   */
  aaeAutoencoder(
    inputs: { reconstruction: Tensor; image: Tensor; fakeLogit: Tensor },
    options?: {
      /** Default: 0.1. */
      adversarialWeight?: number | undefined
    },
  ): LossTerms<'reconstructionError' | 'adversarial'>
} = {
  infoNce: (prediction, candidates, labels, options) =>
    run('info_nce_loss', { prediction, candidates, labels }, options).loss,
  cosine: (prediction, target, options) => run('cosine_loss', { prediction, target }, options).loss,
  mapper: (inputs, options) => run('mapper_loss', inputs, options),
  vae: (inputs, options) => run('vae_loss', inputs, options),
  aaeDiscriminator: (realLogit, fakeLogit) => run('aae_discriminator_loss', { realLogit, fakeLogit }).loss,
  aaeAutoencoder: (inputs, options) => run('aae_autoencoder_loss', inputs, options),
}

function run<Term extends string = never>(name: string, inputs: object, options: object = {}): LossTerms<Term> {
  return LossOperator.find(name)!.run({ ...inputs, ...options }) as LossTerms<Term>
}
