import { BatchNorm, Conv2d, Dropout, Module, models, noGrad, ops, parameter, randn, type Tensor } from 'eegtorch'

/** EEGNet's convolution over electrodes, its weight bounded at every reading. */
class Spatial extends Module {
  readonly parametrizations: { weight: { original: Tensor } } & Module

  constructor(filters: number, channels: number) {
    super()
    this.parametrizations = named({ weight: named({ original: parameter(randn([filters, 1, channels, 1])) }) }) as never
  }

  override forward(): Tensor {
    return ops.aten.renorm(this.parametrizations.weight.original, 2, 0, 1)
  }
}

/** A module that only holds tensors and parts. */
class Holder extends Module {
  override forward(x: Tensor): Tensor {
    return x
  }
}

function named(parts: object): Module {
  return Object.assign(new Holder(), parts)
}

/** EEGNet (Lawhern et al. 2018) as a user of the library would write it, with the state dict of `models.eegnet`. */
export class EegNet extends Module {
  readonly conv_temporal: Conv2d
  readonly bnorm_temporal: BatchNorm
  readonly conv_spatial: Spatial
  readonly bnorm_1: BatchNorm
  readonly conv_separable_depth: Conv2d
  readonly conv_separable_point: Conv2d
  readonly bnorm_2: BatchNorm
  readonly final_layer: Module
  readonly #dropout: readonly [Dropout, Dropout]
  readonly drops: readonly Dropout[]

  constructor({
    nChans,
    nTimes,
    nOutputs,
    dropProb = 0.25,
  }: { nChans: number; nTimes: number; nOutputs: number; dropProb?: number }) {
    super()
    const norm = { momentum: 0.01, eps: 1e-3 }
    this.conv_temporal = new Conv2d(1, 8, [1, 64], { bias: false })
    this.bnorm_temporal = new BatchNorm(8, norm)
    this.conv_spatial = new Spatial(16, nChans)
    this.bnorm_1 = new BatchNorm(16, norm)
    this.conv_separable_depth = new Conv2d(16, 16, [1, 16], { padding: [0, 8], groups: 16, bias: false })
    this.conv_separable_point = new Conv2d(16, 16, 1, { bias: false })
    this.bnorm_2 = new BatchNorm(16, norm)
    const steps = Math.floor((Math.floor((nTimes + 1) / 4) + 1) / 8)
    this.final_layer = named({ conv_classifier: new Conv2d(16, nOutputs, [1, steps]) })
    this.#dropout = [new Dropout(dropProb), new Dropout(dropProb)]
    this.drops = this.#dropout
  }

  override forward(eeg: Tensor): Tensor {
    let x = this.bnorm_temporal.asFilterBank(eeg, this.conv_temporal.weight, this.conv_spatial.forward(), 32)
    x = this.#dropout[0].forward(this.bnorm_1.withEluAndPool(x, { size: 4 }))
    x = this.conv_separable_point.forward(this.conv_separable_depth.forward(x))
    x = this.#dropout[1].forward(this.bnorm_2.withEluAndPool(x, { size: 8 }))
    const [classifier] = this.final_layer.parts()[0]!.slice(1) as [Conv2d]
    return classifier.forward(x).flatten(1)
  }
}

/** The same network of the registry, with the same weights. */
export function inCpp(net: EegNet, options: { nChans: number; nTimes: number; nOutputs: number; dropProb?: number }) {
  return noGrad(() => models.eegnet(options).loadStateDict(net.stateDict()))
}
