import { noGrad } from '../autograd.ts'
import type { ModelInputs, ModelName, ModelOutputs } from '../models/configs.generated.ts'
import type { Model } from '../models/model.ts'
import { type Recorded, record } from '../nn/record.ts'
import type { Tensor } from '../tensor.ts'

type Inputs = Readonly<Record<string, Tensor>>

/** How a step is run. */
export interface StepOptions {
  /** On a GPU: as a CUDA graph for each kind of inputs ({@link record}), captured once and kept from run to run. */
  cudaGraph: boolean
  signal?: AbortSignal | undefined
}

/** The network of a sampling loop, which every step of every run asks. Its weights are not its own. */
export class StepNetwork<N extends ModelName> implements Disposable {
  readonly #net: Model<N>
  readonly #answer: (outputs: ModelOutputs[N]) => Tensor
  readonly #graphs = new Map<string, Recorded<Tensor[], Tensor>>()

  /** @param answer the output that counts */
  constructor(net: Model<N>, answer: (outputs: ModelOutputs[N]) => Tensor) {
    this.#net = net
    this.#answer = answer
  }

  /**
   * What the network says, without gradients, on the compute thread; the first step of a kind that is captured runs where it is called.
   *
   * @throws EegTorchError `INVALID_OPTION` for `cudaGraph` where the network is on no GPU; `CANCELLED`
   */
  async run(inputs: ModelInputs[N], { cudaGraph, signal }: StepOptions): Promise<Tensor> {
    if (!cudaGraph) return this.#answer(await noGrad(() => this.#net.runAsync(inputs, { signal })))
    const names = Object.keys(inputs)
    const key = names.join()
    const graph = this.#graphs.get(key) ?? this.#record(names)
    this.#graphs.set(key, graph)
    return noGrad(() => graph.async(...names.map((name) => (inputs as Inputs)[name]!)))
  }

  /** Forgets the graphs. */
  [Symbol.dispose](): void {
    for (const graph of this.#graphs.values()) graph[Symbol.dispose]()
    this.#graphs.clear()
  }

  #record(names: readonly string[]): Recorded<Tensor[], Tensor> {
    const named = (tensors: readonly Tensor[]) => Object.fromEntries(names.map((name, i) => [name, tensors[i]!]))
    return record((...tensors: Tensor[]) => this.#answer(this.#net.run(named(tensors) as ModelInputs[N])), {
      cudaGraph: true,
    })
  }
}
