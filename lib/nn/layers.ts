import { noGrad } from '../autograd.ts'
import { empty, ones, zeros } from '../creation.ts'
import { EegTorchError } from '../errors.ts'
import { ops } from '../ops/index.ts'
import type { Tensor } from '../tensor.ts'
import { Module } from './module.ts'

/** One number for every dimension, or one for each. */
export type Sizes = number | readonly number[]

/** A tensor that is trained. */
export function parameter(tensor: Tensor): Tensor {
  tensor.requiresGrad = true
  return tensor
}

/** Uniform within ± bound, trained. */
function uniform(shape: readonly number[], bound: number): Tensor {
  return parameter(noGrad(() => empty(shape).uniform_(-bound, bound) as Tensor))
}

/** `x A^T + b`: PyTorch's `torch.nn.Linear`, initialised like it. (.., in) -> (.., out). */
export class Linear extends Module {
  weight: Tensor
  bias: Tensor | null

  constructor(inFeatures: number, outFeatures: number, { bias = true }: { bias?: boolean } = {}) {
    super()
    requireSizes({ inFeatures, outFeatures })
    const bound = 1 / Math.sqrt(inFeatures)
    this.weight = uniform([outFeatures, inFeatures], bound)
    this.bias = bias ? uniform([outFeatures], bound) : null
  }

  override forward(x: Tensor): Tensor {
    return kernels.linear!(x, this.weight, this.bias) as Tensor
  }
}

/** What convolutions share. */
export interface ConvOptions {
  stride?: Sizes
  padding?: Sizes
  dilation?: Sizes
  groups?: number
  bias?: boolean
}

/** A convolution over the last dimensions: PyTorch's `torch.nn.Conv1d` to `Conv3d`, initialised like them. */
abstract class Convolution extends Module {
  weight: Tensor
  bias: Tensor | null
  readonly #options: Required<Omit<ConvOptions, 'bias'>>
  readonly #dimensions: number

  constructor(dimensions: number, inChannels: number, outChannels: number, kernel: Sizes, options: ConvOptions = {}) {
    super()
    const { stride = 1, padding = 0, dilation = 1, groups = 1, bias = true } = options
    requireSizes({ inChannels, outChannels, groups })
    requireSizes(Object.fromEntries(each(kernel, dimensions, 'kernel').map((size) => ['kernel', size])))
    if (inChannels % groups !== 0 || outChannels % groups !== 0) {
      throw new EegTorchError('INVALID_OPTION', 'a convolution cannot be cut into these groups', {
        option: 'groups',
        expected: `a divisor of ${inChannels} and ${outChannels}`,
        received: String(groups),
      })
    }
    const shape = [outChannels, inChannels / groups, ...each(kernel, dimensions, 'kernel')]
    const bound = 1 / Math.sqrt(shape.slice(1).reduce((product, size) => product * size, 1))
    this.weight = uniform(shape, bound)
    this.bias = bias ? uniform([outChannels], bound) : null
    this.#options = { stride, padding, dilation, groups }
    this.#dimensions = dimensions
  }

  override forward(x: Tensor): Tensor {
    const { stride, padding, dilation, groups } = this.#options
    const [s, p, d] = [stride, padding, dilation].map((sizes) => each(sizes, this.#dimensions, 'sizes'))
    return ops.aten.convolution(x, this.weight, this.bias, s!, p!, d!, false, new Array(s!.length).fill(0), groups)
  }
}

/** (batch, in, samples) -> (batch, out, samples left). */
export class Conv1d extends Convolution {
  constructor(inChannels: number, outChannels: number, kernel: Sizes, options?: ConvOptions) {
    super(1, inChannels, outChannels, kernel, options)
  }
}

/** (batch, in, rows, columns) -> (batch, out, rows left, columns left). */
export class Conv2d extends Convolution {
  constructor(inChannels: number, outChannels: number, kernel: Sizes, options?: ConvOptions) {
    super(2, inChannels, outChannels, kernel, options)
  }
}

/** How {@link BatchNorm} norms; defaults are PyTorch's. */
export interface BatchNormOptions {
  eps?: number
  /** Weight of a new batch in the running statistics. */
  momentum?: number
  affine?: boolean
}

/** Batch norm over all dimensions but the second: PyTorch's `torch.nn.BatchNorm1d` to `BatchNorm3d` (Ioffe and Szegedy 2015). */
export class BatchNorm extends Module {
  weight: Tensor | null
  bias: Tensor | null
  running_mean: Tensor
  running_var: Tensor
  num_batches_tracked: Tensor
  readonly #eps: number
  readonly #momentum: number

  constructor(channels: number, { eps = 1e-5, momentum = 0.1, affine = true }: BatchNormOptions = {}) {
    super()
    requireSizes({ channels })
    this.weight = affine ? parameter(ones([channels])) : null
    this.bias = affine ? parameter(zeros([channels])) : null
    this.running_mean = zeros([channels])
    this.running_var = ones([channels])
    this.num_batches_tracked = zeros([], { dtype: 'int64' })
    this.#eps = eps
    this.#momentum = momentum
  }

  override forward(x: Tensor): Tensor {
    const [training, momentum, eps] = this.#count()
    const { weight, bias, running_mean: mean, running_var: variance } = this
    return ops.aten.batch_norm(x, weight, bias, mean, variance, training, momentum, eps, false)
  }

  /**
   * Batch norm, ELU and pooling over time in one pass over memory. x: (batch, channels, 1, samples).
   *
   * @param pool samples that are pooled, and whether to their mean or their largest value
   */
  withEluAndPool(x: Tensor, pool: { size: number; stride?: number; mode?: 'mean' | 'max' }): Tensor {
    const { weight, bias, running_mean: mean, running_var: variance } = this
    const { size, stride = size, mode = 'mean' } = pool
    const numbers = [...this.#count(), size, stride, mode === 'max']
    return kernels.batch_norm_elu_pool!(x, weight, bias, mean, variance, ...numbers) as Tensor
  }

  /**
   * EEGNet's head (Lawhern et al. 2018): `temporal` filters, this batch norm, then `spatial` filters, with the electrodes mixed first.
   *
   * @param eeg (batch, channels, samples)
   * @param temporal (filters, 1, 1, taps)
   * @param spatial (filters * D, 1, channels, 1)
   * @param padding zeros on each side
   * @returns (batch, filters * D, 1, samples left)
   */
  asFilterBank(eeg: Tensor, temporal: Tensor, spatial: Tensor, padding: number): Tensor {
    const { weight, bias, running_mean: mean, running_var: variance } = this
    const numbers = this.#count()
    return kernels.filter_bank!(eeg, temporal, weight, bias, mean, variance, ...numbers, spatial, padding) as Tensor
  }

  #count(): [training: boolean, momentum: number, eps: number] {
    if (this.training) this.num_batches_tracked.add_(1)
    return [this.training, this.#momentum, this.#eps]
  }
}

/** Layer norm over the last dimensions: PyTorch's `torch.nn.LayerNorm` (Ba et al. 2016). */
export class LayerNorm extends Module {
  weight: Tensor
  bias: Tensor
  readonly #shape: readonly number[]
  readonly #eps: number

  constructor(shape: Sizes, { eps = 1e-5 }: { eps?: number } = {}) {
    super()
    this.#shape = typeof shape === 'number' ? [shape] : shape
    this.#eps = eps
    this.weight = parameter(ones(this.#shape))
    this.bias = parameter(zeros(this.#shape))
  }

  override forward(x: Tensor): Tensor {
    return ops.aten.layer_norm(x, this.#shape, this.weight, this.bias, this.#eps)
  }
}

/** Zeroes elements in training (Srivastava et al. 2014): masks come from a counter-based generator, the same for any number of threads. */
export class Dropout extends Module {
  readonly probability: number

  constructor(probability = 0.5) {
    super()
    this.probability = probability
  }

  override forward(x: Tensor): Tensor {
    return kernels.dropout!(x, this.probability, this.training) as Tensor
  }
}

const kernels = ops.namespace('eegtorch')

function each(sizes: Sizes, dimensions: number, option: string): number[] {
  if (typeof sizes === 'number') return new Array<number>(dimensions).fill(sizes)
  if (sizes.length === dimensions) return [...sizes]
  throw new EegTorchError('INVALID_OPTION', 'a convolution was given another number of sizes than it has dimensions', {
    option,
    expected: `one number, or ${dimensions}`,
    received: `${sizes.length}`,
  })
}

function requireSizes(sizes: Record<string, number>): void {
  for (const [option, size] of Object.entries(sizes)) {
    if (Number.isInteger(size) && size >= 1) continue
    throw new EegTorchError('INVALID_OPTION', 'a layer has no such size', {
      option,
      expected: 'a whole number, 1 or more',
      received: String(size),
    })
  }
}
