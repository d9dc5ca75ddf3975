import { cat, randn, tensor, zeros } from '../creation.ts'
import type { EegWindows } from '../datasets/windows.ts'
import { EegTorchError } from '../errors.ts'
import { Generator } from '../generator.ts'
import type { Model } from '../models/model.ts'
import { Module } from '../nn/module.ts'
import { ops } from '../ops/index.ts'
import type { Tensor } from '../tensor.ts'
import type { Augmentation } from '../training/augment.ts'
import { type FitOptions, type FitResult, fit as train } from '../training/fit.ts'
import { losses } from '../training/losses.ts'
import type { CrossEntropyOptions } from '../training/options.generated.ts'
import { type Loss, loss } from '../training/options.ts'
import type { TensorSet } from '../training/tensor-set.ts'
import { posteriorNoise } from './noise.ts'
import { runInBatches } from './run-in-batches.ts'

/** How to train a variational autoencoder. */
export interface VariationalOptions extends Omit<FitOptions, 'loss'> {
  /** Weight of the KL divergence in the end; default 1. */
  beta?: number
  /** Share of the steps over which that weight rises from 0 in a straight line (Bowman et al. 2016, CoNLL); default 0.5. */
  annealing?: number
}

/** How to train one together with a classifier of what it gives. */
export interface HybridOptions extends VariationalOptions {
  /** Weight of the autoencoder's loss beside the cross entropy; default 1 / (channels * samples), which makes a mean of its sum. */
  variationalWeight?: number
  /** `loss.crossEntropy` with class weights or label smoothing. */
  crossEntropy?: Loss
}

/** An autoencoder in front of any classifier of EEG; the registry has some in C++, such as `vae_conv_net`. */
export class VaeClassifier extends Module {
  readonly vae: Model<'vae'>
  readonly classifier: Model

  constructor(vae: Model<'vae'>, classifier: Model) {
    super()
    this.vae = vae
    this.classifier = classifier
  }

  /** As `vae_conv_net`: eeg (batch, channels, samples), noise (batch, latentDim) -> logits, reconstruction, mu, logvar. */
  override forward(eeg: Tensor, noise: Tensor): Tensor[] {
    const { reconstruction, mu, logvar } = this.vae.run({ eeg, noise })
    return [this.classifier.forward(reconstruction), reconstruction, mu, logvar]
  }
}

const HYBRIDS = ['vae_conv_net', 'vae_cnn_rnn', 'vae_resnet1d', 'vae_deep4net'] as const

/** An autoencoder with a classifier behind it, of the registry. */
type RegisteredHybrid = { [N in (typeof HYBRIDS)[number]]: Model<N> }[(typeof HYBRIDS)[number]]

/** What may be trained as a hybrid. */
export type Hybrid = RegisteredHybrid | VaeClassifier

export function isHybrid(net: Model): net is RegisteredHybrid {
  return (HYBRIDS as readonly string[]).includes(net.name)
}

/** A network as what gives class scores for windows alone. */
export function classifierOf(net: Model): Model | Module {
  return isHybrid(net) ? new HybridReader(net) : net
}

/** A hybrid that is asked without noise: it reads the mean of the posterior. */
class HybridReader extends Module {
  readonly net: RegisteredHybrid

  constructor(net: RegisteredHybrid) {
    super()
    this.net = net
  }

  /** eeg (batch, channels, samples) -> logits (batch, classes). */
  override forward(eeg: Tensor): Tensor {
    const noise = posteriorNoise(eeg, this.net.config.latentDim, false)
    return this.net.run({ eeg, noise }).logits
  }
}

/** The autoencoder's loss with a weight of the KL divergence that may change from step to step. */
abstract class Variational extends Module {
  readonly #beta = zeros([])

  set beta(value: number) {
    this.#beta.fill_(value)
  }

  /** In evaluation the mean of the posterior is taken: no noise. */
  protected noise(eeg: Tensor, latentDim: number): Tensor {
    return posteriorNoise(eeg, latentDim, this.training)
  }

  protected bound(outputs: { reconstruction: Tensor; eeg: Tensor; mu: Tensor; logvar: Tensor }): Tensor[] {
    const { reconstructionError, kl } = losses.vae(outputs)
    return [reconstructionError.add(kl.mul(this.#beta)), reconstructionError, kl]
  }
}

class Autoencoder extends Variational {
  readonly vae: Model<'vae'>

  constructor(vae: Model<'vae'>) {
    super()
    this.vae = vae
  }

  /** `given` and `eeg`, what is to come out for it: (batch, channels, samples). Gives the loss, squared error and KL divergence. */
  override forward(given: Tensor, eeg: Tensor): Tensor[] {
    const outputs = this.vae.run({ eeg: given, noise: this.noise(given, this.vae.config.latentDim) })
    return this.bound({ ...outputs, eeg })
  }
}

/** ATen's number for a loss that is the mean of a batch. */
const MEAN = 1

class HybridTask extends Variational {
  readonly net: Hybrid
  readonly #weight: number | undefined
  readonly #classWeights: Tensor | undefined
  readonly #smoothing: number

  constructor(net: Hybrid, weight: number | undefined, { weight: classes, labelSmoothing }: CrossEntropyOptions) {
    super()
    this.net = net
    this.#weight = weight
    this.#classWeights = classes ? tensor([...classes]) : undefined
    this.#smoothing = labelSmoothing ?? 0
  }

  /** eeg (batch, channels, samples), labels (batch), int64. Gives the loss and the class scores. */
  override forward(eeg: Tensor, labels: Tensor): Tensor[] {
    const [logits, reconstruction, mu, logvar] = this.#run(eeg)
    const [bound] = this.bound({ reconstruction: reconstruction!, eeg, mu: mu!, logvar: logvar! })
    const weight = this.#weight ?? 1 / (eeg.shape[1]! * eeg.shape[2]!)
    const classWeights = this.#classWeights?.to(logits!.device)
    const entropy = ops.aten.cross_entropy_loss(logits!, labels, classWeights, MEAN, -100, this.#smoothing)
    return [entropy.add(bound!.mul(weight)), logits!]
  }

  #run(eeg: Tensor): Tensor[] {
    const { net } = this
    if (net instanceof VaeClassifier) return net.forward(eeg, this.noise(eeg, net.vae.config.latentDim))
    const { logits, reconstruction, mu, logvar } = net.run({ eeg, noise: this.noise(eeg, net.config.latentDim) })
    return [logits, reconstruction, mu, logvar]
  }
}

/**
 * Trains a variational autoencoder: squared error of the reconstruction + beta * KL divergence, beta rising from 0.
 *
 * @param eeg inputs (windows, channels, samples), and as targets what is to come out: the same windows, or clean ones
 * @throws EegTorchError as `fit`; `INVALID_OPTION`
 */
export function fitVariational(vae: Model<'vae'>, eeg: TensorSet, options: VariationalOptions): Promise<FitResult> {
  return fitAnnealed(new Autoencoder(vae), eeg, options)
}

/**
 * Trains an autoencoder together with the classifier of its reconstruction: cross entropy + weight * (squared error + beta * KL divergence).
 *
 * @param eeg inputs (windows, channels, samples), targets class numbers
 * @throws EegTorchError as `fit`; `INVALID_OPTION`
 */
export async function fitHybrid(
  net: Hybrid,
  eeg: EegWindows | TensorSet,
  { variationalWeight, crossEntropy = loss.crossEntropy(), ...options }: HybridOptions,
): Promise<FitResult> {
  requirePlain(crossEntropy, options.augmentations ?? [])
  return fitAnnealed(new HybridTask(net, variationalWeight, crossEntropy as CrossEntropyOptions), eeg, options)
}

/** A hybrid computes its loss of class numbers itself. */
function requirePlain({ name }: Loss, augmentations: readonly Augmentation[]): void {
  const mixes = augmentations.some((augmentation) => augmentation.name === 'mixup')
  if (name === 'cross_entropy' && !mixes) return
  throw new EegTorchError('INVALID_OPTION', 'a network with an autoencoder in front learns from class numbers alone', {
    option: mixes ? 'augmentations' : 'loss',
    expected: mixes ? 'no mixup' : 'cross entropy',
    received: mixes ? 'mixup' : name,
  })
}

function fitAnnealed(
  task: Variational,
  set: EegWindows | TensorSet,
  { beta = 1, annealing = 0.5, ...options }: VariationalOptions,
): Promise<FitResult> {
  requireShare('annealing', annealing)
  return train(task, set, {
    ...options,
    loss: loss.output(),
    beforeStep(progress, steps) {
      const rise = annealing * steps
      task.beta = beta * (progress.step < rise ? progress.step / rise : 1)
      options.beforeStep?.(progress, steps)
    },
  })
}

function requireShare(option: string, value: number): void {
  if (value >= 0 && value <= 1) return
  throw new EegTorchError('INVALID_OPTION', `${option} is out of range`, {
    option,
    expected: '0 to 1',
    received: String(value),
  })
}

/** What comes out for windows at the mean of their posterior: (windows, channels, samples). */
export async function reconstructWindows(vae: Model<'vae'>, eeg: Tensor): Promise<Tensor> {
  const noise = posteriorNoise(eeg, vae.config.latentDim, false)
  try {
    return await runInBatches([eeg, noise], vae)
  } finally {
    noise.dispose()
  }
}

/** How to draw decoded samples. */
export interface AugmentOptions {
  /** Samples of each example; default 1. */
  copies?: number
  /** Factor on the deviation of the posterior; default 1. */
  spread?: number
  /** Default 0. */
  seed?: number
}

/**
 * A training set and decoded samples of it: each sample is decoded from the posterior of one example, and keeps that example's target.
 *
 * @param set inputs (windows, channels, samples)
 * @returns the examples, then the samples: (1 + copies) times as many; the caller's to dispose of
 */
export async function augmentWithSamples(
  vae: Model<'vae'>,
  { inputs, targets }: TensorSet,
  { copies = 1, spread = 1, seed = 0 }: AugmentOptions = {},
): Promise<TensorSet> {
  const generator = new Generator(seed)
  const samples: Tensor[] = []
  for (let copy = 0; copy < copies; copy++) {
    using drawn = randn([inputs.shape[0]!, vae.config.latentDim], { generator, dtype: inputs.dtype as 'float32' })
    using noise = drawn.mul_(spread).to(inputs.device)
    samples.push(await runInBatches([inputs, noise], vae))
  }
  const whole = {
    inputs: cat([inputs, ...samples], 0),
    targets: cat(new Array<Tensor>(copies + 1).fill(targets), 0),
  }
  for (const sample of samples) sample.dispose()
  return whole
}
