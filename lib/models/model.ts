import { cancellable } from '../cancellable.ts'
import { writeCheckpoint } from '../checkpoints/checkpoint.ts'
import type { Device, DType } from '../dtype.ts'
import { isDevice } from '../dtype.ts'
import { EegTorchError } from '../errors.ts'
import { camelCase } from '../names.ts'
import { packageVersion } from '../setup/paths.ts'
import { Tensor } from '../tensor.ts'
import type { TrainStepOptions } from '../training/options.ts'
import { createTrainStep, type TrainStep } from '../training/train-step.ts'
import type { ModelConfigs, ModelInputs, ModelName, ModelOutputs } from './configs.generated.ts'
import { type ModelId, nativeModels } from './native-models.ts'
import { fromReferenceNames, toReferenceNames, withOurNames } from './option-names.ts'

/** Tensors by name. */
export type NamedTensors = Record<string, Tensor>

/** Where a model goes, and in which floating-point type it computes. */
export interface ModelPlacement {
  device?: Device
  dtype?: 'float32' | 'float64' | 'float16' | 'bfloat16'
}

/** How to run a network on the compute thread. */
export interface AsyncOptions {
  signal?: AbortSignal | undefined
}

const collected = new FinalizationRegistry<ModelId>((id) => nativeModels.removeObject(id))

/**
 * A network of the registry, with its weights. It computes in C++; one call crosses the border once.
 *
 * New networks are in training mode, as in PyTorch: call {@link Model.eval} before using one for predictions.
 * Its memory is freed by `using`, {@link Model.dispose}, or after the last reference is gone.
 */
export class Model<N extends ModelName = ModelName> implements Disposable {
  /** The registry's name, such as `eegnet`. */
  readonly name: N
  /** Every option, defaults filled in, in our spelling (`nChans`). */
  readonly config: Readonly<ModelConfigs[N]>
  /** The same in the reference's spelling (`n_chans`), as checkpoints hold it. */
  readonly referenceConfig: Readonly<Record<string, unknown>>
  /** Names of the inputs, those that may be absent included, and outputs, in order. */
  readonly inputs: readonly string[]
  readonly outputs: readonly string[]
  /** @internal the addon's number for it; -1 once disposed of */
  id: ModelId
  readonly #needed: readonly string[]

  /**
   * Use {@link models} to make one.
   *
   * @param budget @internal bytes that the weights may take, where the options come from a file
   * @param draw @internal false where weights are loaded afterwards: those of large networks are then neither drawn nor in memory
   */
  constructor(name: N, options: Readonly<Record<string, unknown>> = {}, budget?: number, draw?: boolean) {
    this.id = withOurNames(name, () => nativeModels.makeModel(name, toReferenceNames(name, options), budget, draw))
    collected.register(this, this.id, this)
    this.name = name
    const inputs = nativeModels.modelInputs(this.id)
    this.inputs = inputs.map((input) => camelCase(input.replace('?', '')))
    this.#needed = this.inputs.filter((_, i) => !inputs[i]!.endsWith('?'))
    this.outputs = nativeModels.modelOutputs(this.id).map(camelCase)
    this.referenceConfig = Object.freeze(nativeModels.modelConfig(this.id))
    this.config = Object.freeze(fromReferenceNames(this.referenceConfig)) as unknown as ModelConfigs[N]
  }

  /**
   * Computes the first output: logits of a classifier, the latent of an encoder. Inputs come in the order of {@link Model.inputs}.
   *
   * @throws EegTorchError `SHAPE_MISMATCH`, `DTYPE_MISMATCH`, `DEVICE_MISMATCH` for an input that does not fit
   */
  forward(...inputs: Tensor[]): Tensor {
    const outputs = nativeModels.modelRun(this.id, idsOf(inputs)).map((id) => new Tensor(id))
    return keepFirst(outputs)
  }

  /**
   * {@link Model.forward} on the compute thread: the event loop stays free. The way there and back takes some tenths of a millisecond:
   * what is computed sooner is sooner there by `forward`. A signal may follow the inputs; aborted before the computation begins, it
   * rejects with `CANCELLED`.
   */
  async forwardAsync(...inputs: Tensor[] | [...Tensor[], AsyncOptions]): Promise<Tensor> {
    const last = inputs.at(-1)
    const hasOptions = last !== undefined && !(last instanceof Tensor) && 'signal' in last
    const tensors = (hasOptions ? inputs.slice(0, -1) : inputs) as Tensor[]
    return keepFirst(await this.#runAsync(idsOf(tensors), hasOptions ? last.signal : undefined))
  }

  /** Computes every output from inputs by name: `net.run({ eeg }).logits`. */
  run(inputs: ModelInputs[N]): ModelOutputs[N] {
    return this.#byName(nativeModels.modelRun(this.id, this.#inOrder(inputs)).map((id) => new Tensor(id)))
  }

  /** {@link Model.run} on the compute thread; aborted before it begins, it rejects with `CANCELLED`. */
  async runAsync(inputs: ModelInputs[N], { signal }: AsyncOptions = {}): Promise<ModelOutputs[N]> {
    return this.#byName(await this.#runAsync(this.#inOrder(inputs), signal))
  }

  /**
   * Computes a part of a network that has some by name: `encode` and `decode` of image autoencoders.
   *
   * @param inputs of that part, in its order
   * @returns its outputs, in order
   * @throws EegTorchError `UNKNOWN_NAME` for a part that is not there
   */
  call(method: string, ...inputs: Tensor[]): Tensor[] {
    return nativeModels.modelCall(this.id, method, idsOf(inputs)).map((id) => new Tensor(id))
  }

  /** {@link Model.call} on the compute thread; aborted before it begins, it rejects with `CANCELLED`. */
  async callAsync(method: string, inputs: readonly Tensor[], { signal }: AsyncOptions = {}): Promise<Tensor[]> {
    const call = (token?: number) => nativeModels.modelCallAsync(this.id, method, idsOf(inputs), token)
    return (await cancellable(signal, call)).map((id) => new Tensor(id))
  }

  /** Whether dropout is on and batch norms use the batch's own statistics. */
  get training(): boolean {
    return nativeModels.modelIsTraining(this.id)
  }

  /** Sets the mode of the calls that follow; those already waiting on the compute thread keep theirs. */
  train(on = true): this {
    nativeModels.modelTrain(this.id, on)
    return this
  }

  eval(): this {
    return this.train(false)
  }

  /**
   * Moves parameters and buffers, in place: `net.to('cuda')`, `net.to({ dtype: 'float64' })`. Counters stay integers.
   *
   * @throws EegTorchError `DEVICE_MISMATCH` where there is no such GPU
   */
  to(placement: Device | ModelPlacement): this {
    const { device, dtype } = isDevice(placement) ? { device: placement } : (placement as ModelPlacement)
    nativeModels.modelMove(this.id, device ?? null, dtype ?? null)
    return this
  }

  /** The trained tensors by the reference's names. Their `grad` holds what `backward` left. */
  parameters(): NamedTensors {
    return tensorsOf(nativeModels.modelParameters(this.id))
  }

  /** What is kept but not trained, such as running statistics of batch norms. */
  buffers(): NamedTensors {
    return tensorsOf(nativeModels.modelBuffers(this.id))
  }

  /** How many numbers are trained. */
  parameterCount(): number {
    const parameters = Object.values(this.parameters())
    const count = parameters.reduce((sum, tensor) => sum + tensor.length, 0)
    for (const tensor of parameters) tensor.dispose()
    return count
  }

  /** @internal names of parameters and buffers, in PyTorch's order */
  tensorNames(): string[] {
    return nativeModels.modelShapes(this.id).names
  }

  /** Parameters and buffers by PyTorch's names and in its order, over the model's own memory. */
  stateDict(): NamedTensors {
    return tensorsOf(nativeModels.modelState(this.id))
  }

  /**
   * Copies a state dict in; names of older releases of the reference are understood. Strict: nothing is copied unless everything fits.
   *
   * @throws EegTorchError `CHECKPOINT_MISMATCH` that lists what is missing, unexpected or of another shape
   */
  loadStateDict(state: Readonly<NamedTensors> | ReadonlyMap<string, Tensor>): this {
    const entries = state instanceof Map ? [...state] : Object.entries(state)
    nativeModels.modelLoad(
      this.id,
      entries.map(([name]) => name),
      idsOf(entries.map(([, tensor]) => tensor)),
    )
    return this
  }

  /**
   * Writes the weights with the model's name and config, as one safetensors file that `models.load` and Python's readers open.
   *
   * @param metadata told along: preprocessing, channels, classes, split
   * @throws EegTorchError `FILE_WRITE_FAILED`; the old file then stays as it was
   */
  async save(path: string, metadata: Readonly<Record<string, unknown>> = {}): Promise<void> {
    const state = this.stateDict()
    try {
      const told = { ...metadata, model: this.name, config: this.referenceConfig, version: packageVersion() }
      await writeCheckpoint(path, state, told)
    } finally {
      for (const tensor of Object.values(state)) tensor.dispose()
    }
  }

  /**
   * Prepares training: the result takes one step on a batch, in one native call.
   *
   * @throws EegTorchError `INVALID_OPTION`, `UNKNOWN_NAME`
   */
  trainStep(options: TrainStepOptions): TrainStep {
    return createTrainStep(this, options)
  }

  /** Clears the gradients of all parameters. */
  zeroGrad(): this {
    nativeModels.modelZeroGrad(this.id)
    return this
  }

  get disposed(): boolean {
    return this.id < 0
  }

  /** Frees the weights now. Tensors taken from the model stay valid, and hold what they need. */
  dispose(): void {
    if (this.id < 0) return
    collected.unregister(this)
    nativeModels.removeObject(this.id)
    this.id = -1
  }

  [Symbol.dispose](): void {
    this.dispose()
  }

  #inOrder(inputs: Readonly<Record<string, Tensor | undefined>>): (number | null)[] {
    const extra = Object.keys(inputs).find((name) => !this.inputs.includes(name))
    const missing = this.#needed.find((name) => inputs[name] === undefined)
    if (extra === undefined && missing === undefined) return this.inputs.map((name) => idOf(inputs[name] ?? null))
    const what = missing === undefined ? `has no input ${extra}` : `lacks input ${missing}`
    throw new EegTorchError('INVALID_OPTION', `${this.name} ${what}`, { expected: this.inputs.join(', ') })
  }

  async #runAsync(inputs: (number | null)[], signal: AbortSignal | undefined): Promise<Tensor[]> {
    const ids = await cancellable(signal, (token) => nativeModels.modelRunAsync(this.id, inputs, token))
    return ids.map((id) => new Tensor(id))
  }

  #byName(tensors: Tensor[]): ModelOutputs[N] {
    return Object.fromEntries(tensors.map((tensor, i) => [this.outputs[i], tensor])) as unknown as ModelOutputs[N]
  }
}

function idsOf(tensors: readonly Tensor[]): number[] {
  return tensors.map(idOf)
}

function idOf<T extends Tensor | null>(tensor: T): T extends null ? null : number
function idOf(tensor: Tensor | null): number | null {
  if (tensor === null) return null
  if (tensor instanceof Tensor) return tensor.id
  throw new EegTorchError('INVALID_OPTION', 'a model takes tensors', { expected: 'a Tensor', received: typeof tensor })
}

function keepFirst([first, ...others]: Tensor[]): Tensor {
  for (const tensor of others) tensor.dispose()
  return first!
}

function tensorsOf({ names, ids }: { names: string[]; ids: number[] }): NamedTensors {
  return Object.fromEntries(names.map((name, i) => [name, new Tensor<DType>(ids[i]!)]))
}
