import type { Model } from '../models/model.ts'
import type { Tensor } from '../tensor.ts'
import { Module } from './module.ts'

/** One stage of a {@link Sequential}: a module, a model of the registry, or a function. */
export type Stage = Module | Model | ((x: Tensor) => Tensor)

/**
 * Stages one after the other. In the state dict they are named by their place, from 0, functions counted: PyTorch's
 * `torch.nn.Sequential`.
 */
export class Sequential extends Module {
  readonly #stages: readonly Stage[]

  constructor(...stages: Stage[]) {
    super()
    this.#stages = stages
    stages.forEach((stage, i) => {
      if (typeof stage !== 'function') Object.defineProperty(this, i, { value: stage, enumerable: true })
    })
  }

  override forward(x: Tensor): Tensor {
    let value = x
    for (const stage of this.#stages) {
      value = typeof stage === 'function' ? stage(value) : (stage.forward(value) as Tensor)
    }
    return value
  }
}
