import { native } from './native.ts'

const registry = new FinalizationRegistry<number>((id) => native.removeObject(id))

/**
 * A source of random numbers of its own, on the CPU, for operators that take one; the others draw from the process's default
 * source, which `manualSeed` sets. PyTorch's `torch.Generator`: the same seed gives the same numbers.
 */
export class Generator {
  /** @internal */
  readonly id: number

  constructor(seed: number | bigint) {
    this.id = native.makeGenerator(seed)
    registry.register(this, this.id)
  }
}
