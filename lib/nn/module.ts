import { type Device, isDevice } from '../dtype.ts'
import { EegTorchError } from '../errors.ts'
import { Arena } from '../memory.ts'
import { Model, type ModelPlacement } from '../models/model.ts'
import { type ModelId, nativeModels } from '../models/native-models.ts'
import { randomState, setRandomState } from '../runtime.ts'
import { Tensor } from '../tensor.ts'
import type { TrainStepOptions } from '../training/options.ts'
import { createTrainStep, type Trainable, type TrainStep } from '../training/train-step.ts'
import { nativeRecording } from './native-recording.ts'
import { forget, note, type RecordedResult } from './record.ts'

/** A part of a network. */
type Part = Module | Model

const collected = new FinalizationRegistry<ModelId>((id) => nativeModels.removeObject(id))

/**
 * A network, or a part of one, written in TypeScript. Properties that are tensors are its parameters (those that require gradients) and
 * its buffers (the others); properties that are modules, models of the registry, or arrays of them, are its parts. Names in the state
 * dict are the names of the properties, joined by dots, as in PyTorch. Tensors in private (`#`) fields belong to nobody.
 *
 * `forward` calls operators, in the order in which they run. Training and {@link Module.forwardAsync} record it once for each shape of
 * the inputs and each mode, and replay it natively (see `record` for what a recorded function may do).
 */
export abstract class Module implements Disposable, Trainable {
  #training = true
  #id: ModelId | undefined
  readonly #recorded = new Set<string>()

  /** What the network computes from its inputs. */
  abstract forward(...inputs: Tensor[]): RecordedResult

  /** Whether dropout is on and batch norms use the batch's own statistics. */
  get training(): boolean {
    return this.#training
  }

  /** Sets the mode, of all parts too. */
  train(on = true): this {
    this.#training = on
    for (const [, part] of this.parts()) part.train(on)
    return this
  }

  eval(): this {
    return this.train(false)
  }

  /**
   * Moves parameters and buffers, those of the parts too: `net.to('cuda')`, `net.to({ dtype: 'float16' })`. Counters stay integers. A training step
   * that was prepared before keeps the old ones.
   */
  to(placement: Device | ModelPlacement): this {
    const { device, dtype } = isDevice(placement) ? { device: placement, dtype: undefined } : placement
    const own = this as unknown as Record<string, unknown>
    for (const [name, value] of Object.entries(this)) {
      if (!(value instanceof Tensor)) continue
      const placed = device === undefined ? value.detach() : value.detach().to(device)
      const moved = dtype === undefined || !value.is_floating_point() ? placed : placed.to(dtype)
      moved.requiresGrad = value.requiresGrad
      own[name] = moved
    }
    for (const [, part] of this.parts()) part.to(placement)
    this.#forget()
    return this
  }

  /** The parts by name, in the order of the properties. */
  parts(): [name: string, part: Module | Model][] {
    return Object.entries(this).flatMap(([name, value]): [string, Part][] => {
      if (isPart(value)) return [[name, value]]
      if (!Array.isArray(value)) return []
      return value.flatMap((item, i): [string, Part][] => (isPart(item) ? [[`${name}.${i}`, item]] : []))
    })
  }

  /** The trained tensors by name: `conv.weight`. */
  parameters(): Record<string, Tensor> {
    return this.#tensors(
      (tensor) => tensor.requiresGrad,
      (model) => model.parameters(),
    )
  }

  /** What is kept but not trained, such as running statistics. */
  buffers(): Record<string, Tensor> {
    return this.#tensors(
      (tensor) => !tensor.requiresGrad,
      (model) => model.buffers(),
    )
  }

  /** Parameters and buffers by PyTorch's names and in its order, over the module's own memory. */
  stateDict(): Record<string, Tensor> {
    const { names, ids } = nativeModels.modelState(this.id)
    return Object.fromEntries(names.map((name, i) => [name, new Tensor(ids[i]!)]))
  }

  /**
   * Copies a state dict in. Strict: nothing is copied unless everything fits.
   *
   * @throws EegTorchError `CHECKPOINT_MISMATCH` that lists what is missing, unexpected or of another shape
   */
  loadStateDict(state: Readonly<Record<string, Tensor>> | ReadonlyMap<string, Tensor>): this {
    const entries = state instanceof Map ? [...state] : Object.entries(state as Record<string, Tensor>)
    const ids = entries.map(([, tensor]) => tensor.id)
    nativeModels.modelLoad(
      this.id,
      entries.map(([name]) => name),
      ids,
    )
    return this
  }

  /** {@link Module.forward} on the compute thread: the event loop stays free once the shape of the inputs is known. */
  async forwardAsync(...inputs: Tensor[]): Promise<Tensor> {
    const [first, ...others] = await this.runAsync(...inputs)
    for (const other of others) other.dispose()
    return first!
  }

  /** {@link Module.forwardAsync} with all outputs. */
  async runAsync(...inputs: Tensor[]): Promise<Tensor[]> {
    this.prepare(inputs, this.#training)
    nativeModels.modelTrain(this.id, this.#training)
    return (await nativeModels.modelRunAsync(this.id, idsOf(inputs))).map((id) => new Tensor(id))
  }

  /** Prepares training: the result takes one step on a batch, in one native call. */
  trainStep(options: TrainStepOptions): TrainStep {
    return createTrainStep(this, options)
  }

  /** Clears the gradients of all parameters. */
  zeroGrad(): this {
    nativeModels.modelZeroGrad(this.id)
    return this
  }

  /** @internal the addon's number for it: its tensors are those of the moment when it is first asked for */
  get id(): ModelId {
    if (this.#id === undefined) {
      const list = (tensors: Record<string, Tensor>) =>
        Object.entries(tensors).map(([name, { id }]): [string, number] => [name, id])
      const [parameters, buffers] = [this.parameters(), this.buffers()]
      this.#id = nativeRecording.makeRecordedModel(this.constructor.name, list(parameters), list(buffers))
      collected.register(this, this.#id, this)
      // handles of registered models would keep their weights when this is disposed of
      const own = this.#ownTensors()
      for (const tensor of [parameters, buffers].flatMap(Object.values<Tensor>)) if (!own.has(tensor)) tensor.dispose()
    }
    return this.#id
  }

  /** @internal Records the forward for inputs of these shapes, dtypes and devices in this mode, unless that was done. Leaves no trace in buffers. */
  prepare(inputs: readonly Tensor[], training: boolean): void {
    const kinds = inputs.map(({ shape, dtype, device }) => `${shape.join('x')} ${dtype} ${device}`)
    const kind = `${training} ${kinds.join('; ')}`
    if (this.#recorded.has(kind)) return
    const before = this.#training
    using held = new Arena()
    const undo = held.run(() => this.#remember())
    const contiguous = held.run(() => inputs.map((input) => input.contiguous()))
    try {
      this.train(training)
      const { recording, result } = note(contiguous, () => this.forward(...contiguous))
      for (const output of result instanceof Tensor ? [result] : result) output.dispose()
      nativeRecording.addTape(this.id, training, idsOf(contiguous), recording)
      forget(recording)
      this.#recorded.add(kind)
    } finally {
      this.train(before)
      held.run(undo)
    }
  }

  /** Frees the recordings and all tensors, those of the parts too. */
  dispose(): void {
    this.#forget()
    for (const [, part] of this.parts()) part.dispose()
    for (const value of Object.values(this)) if (value instanceof Tensor) value.dispose()
  }

  [Symbol.dispose](): void {
    this.dispose()
  }

  #forget(): void {
    if (this.#id !== undefined) {
      collected.unregister(this)
      nativeModels.removeObject(this.#id)
      this.#id = undefined
    }
    this.#recorded.clear()
  }

  // A first run in training mode would count a batch twice: buffers and random numbers are put back.
  #remember(): () => void {
    const random = randomState()
    const copies = Object.values(this.buffers()).map((buffer) => [buffer, buffer.clone()] as const)
    return () => {
      setRandomState(random)
      for (const [buffer, copy] of copies) buffer.copy_(copy)
    }
  }

  /** Tensors that are properties, of this and of its parts that are modules. */
  #ownTensors(): Set<Tensor> {
    const values = Object.values(this).filter((value) => value instanceof Tensor)
    const inner = this.parts().flatMap(([, part]) => (part instanceof Module ? [...part.#ownTensors()] : []))
    return new Set([...values, ...inner])
  }

  #tensors(wanted: (tensor: Tensor) => boolean, ofModel: (model: Model) => Record<string, Tensor>) {
    const found: Record<string, Tensor> = {}
    const visit = (part: Part, prefix: string) => {
      if (part instanceof Model) {
        for (const [name, tensor] of Object.entries(ofModel(part))) found[prefix + name] = tensor
        return
      }
      for (const [name, value] of Object.entries(part))
        if (value instanceof Tensor && wanted(value)) found[prefix + name] = value
      for (const [name, inner] of part.parts()) visit(inner, `${prefix}${name}.`)
    }
    visit(this, '')
    return found
  }
}

function isPart(value: unknown): value is Part {
  return value instanceof Module || value instanceof Model
}

function idsOf(tensors: readonly Tensor[]): number[] {
  return tensors.map((tensor) => {
    if (tensor instanceof Tensor) return tensor.id
    throw new EegTorchError('INVALID_OPTION', 'a module takes tensors', { received: typeof tensor })
  })
}
