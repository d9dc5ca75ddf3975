import { noGrad } from '../autograd.ts'
import { type Recorded, record } from '../nn/record.ts'
import type { Tensor } from '../tensor.ts'

type Inputs = Readonly<Record<string, Tensor>>

/**
 * The network of a sampling loop on a GPU: a CUDA graph for each kind of inputs, captured once and launched in every step of every run
 * after that ({@link record}). Its first step of a kind runs where it is called.
 *
 * @throws EegTorchError `INVALID_OPTION` where the network is on no GPU
 */
export class StepGraphs<Given extends object> implements Disposable {
  readonly #run: (inputs: Given) => Tensor
  readonly #graphs = new Map<string, Recorded<Tensor[], Tensor>>()

  constructor(run: (inputs: Given) => Tensor) {
    this.#run = run
  }

  run(inputs: Given): Promise<Tensor> {
    const names = Object.keys(inputs)
    const key = names.join()
    const graph = this.#graphs.get(key) ?? this.#record(names)
    this.#graphs.set(key, graph)
    return noGrad(() => graph.async(...names.map((name) => (inputs as Inputs)[name]!)))
  }

  [Symbol.dispose](): void {
    for (const graph of this.#graphs.values()) graph[Symbol.dispose]()
    this.#graphs.clear()
  }

  #record(names: readonly string[]): Recorded<Tensor[], Tensor> {
    return record(
      (...tensors: Tensor[]) => this.#run(Object.fromEntries(names.map((name, i) => [name, tensors[i]!])) as Given),
      { cudaGraph: true },
    )
  }
}
