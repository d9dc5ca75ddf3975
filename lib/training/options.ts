import type { ProcessGroup } from '../distributed/process-group.ts'
import { snakeCase } from '../names.ts'
import type { Augmentation } from './augment.ts'
import type {
  AdamOptions,
  AdamWOptions,
  CrossEntropyOptions,
  FocalOptions,
  LbfgsOptions,
  MseOptions,
  RmspropOptions,
  SgdOptions,
  TrainStepSettings,
} from './options.generated.ts'

/** An objective by name with its options; make one with {@link loss}. */
export type Loss = { readonly name: string } & Readonly<Record<string, unknown>>

/** Options for some of the parameters, in place of the optimiser's own. */
export type ParameterGroup<Options> = Options & {
  /** Names of parameters; `*` stands for any run of characters: `['*.bias', 'bnorm*']`. */
  params: readonly string[]
}

/** An optimiser by name with its options; make one with {@link optim}. */
export type Optimizer = { readonly name: string; readonly lr?: number } & Readonly<Record<string, unknown>>

/** Options of an optimiser, and groups of parameters with options of their own. */
export type WithGroups<Options> = Options & {
  /** The first group that names a parameter takes it; those of no group follow the options beside. */
  groups?: readonly ParameterGroup<Options>[]
  /**
   * Factor on the learning rate of each layer against that of the layer after it, for fine-tuning: with 0.75 the last layer trains at the full
   * rate, the one before it at 0.75 of it, and so on. A layer is a module of the network, or one of a numbered list of them, that has a weight of
   * two or more dimensions; norms belong to the layer before them.
   */
  layerDecay?: number | null
}

/** What a network is trained towards. Defaults are PyTorch's. */
export const loss: {
  /** Cross entropy of class scores (batch, classes) against class numbers (batch) or probabilities (batch, classes). */
  crossEntropy(options?: CrossEntropyOptions): Loss
  /**
   * Cross entropy in which an example counts by what its probability lacks to 1, to the power of gamma (Lin et al. 2017). Its mean, like that of
   * cross entropy, divides by the sum of the class weights.
   */
  focal(options?: FocalOptions): Loss
  /** Mean squared error of outputs and targets of one shape. */
  mse(options?: MseOptions): Loss
  /**
   * The network's own: its forward takes the batch's inputs and then its targets, and gives the mean loss first. A second output of class
   * scores (batch, classes) is counted against class numbers.
   */
  output(): Loss
} = {
  crossEntropy: (options = {}) => ({ ...options, name: 'cross_entropy' }),
  focal: (options = {}) => ({ ...options, name: 'focal' }),
  mse: (options = {}) => ({ ...options, name: 'mse' }),
  output: () => ({ name: 'output' }),
}

/** How the weights follow the gradient. Defaults are PyTorch's. */
export const optim: {
  /** Adam (Kingma and Ba 2015). */
  adam(options?: WithGroups<AdamOptions>): Optimizer
  /** Adam with decoupled weight decay (Loshchilov and Hutter 2019). */
  adamW(options?: WithGroups<AdamWOptions>): Optimizer
  /** Stochastic gradient descent, with or without momentum. */
  sgd(options?: WithGroups<SgdOptions>): Optimizer
  /** Gradients over their root mean square (Hinton's lecture 6e). */
  rmsprop(options?: WithGroups<RmspropOptions>): Optimizer
  /**
   * Limited-memory BFGS (Liu and Nocedal 1989). A step evaluates the loss up to `maxEval` times on its batch, each time with the same dropout, so
   * batches should be large. It moves all parameters as one: no groups.
   */
  lbfgs(options?: LbfgsOptions): Optimizer
} = {
  adam: (options = {}) => ({ ...options, name: 'adam' }),
  adamW: (options = {}) => ({ ...options, name: 'adamw' }),
  sgd: (options = {}) => ({ ...options, name: 'sgd' }),
  rmsprop: (options = {}) => ({ ...options, name: 'rmsprop' }),
  lbfgs: (options = {}) => ({ ...options, name: 'lbfgs' }),
}

/** What one training step does. */
export interface TrainStepOptions extends TrainStepSettings {
  /** Random changes of each batch before the network sees it, one after the other; never of those that are evaluated. */
  augmentations?: readonly Augmentation[]
  /** What to train towards. */
  loss: Loss
  /** How the weights follow. */
  optimizer: Optimizer
  /** Processes that train together, each on its own part of every batch. */
  group?: ProcessGroup | undefined
}

/** The same value with every key of every object as C++ spells it: `labelSmoothing` becomes `label_smoothing`. */
export function toNativeOptions(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(toNativeOptions)
  if (ArrayBuffer.isView(value)) return Array.from(value as unknown as ArrayLike<number>)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).filter(([, item]) => item !== undefined)
  return Object.fromEntries(entries.map(([key, item]) => [snakeCase(key), toNativeOptions(item)]))
}
