import { cancellable } from './cancellable.ts'
import { type ArrayOf, arrayOver, type Complex, type Device, type DType, type Layout } from './dtype.ts'
import { EegTorchError } from './errors.ts'
import { at, type Index, type SetValue, set } from './indexing.ts'
import { adopt, markHeld, release } from './memory.ts'
import { native } from './native.ts'
import type { TensorMethods } from './ops/methods.generated.ts'
import type { TypedMethods } from './ops/typed-methods.ts'
import { printTensor } from './print.ts'

/** Sizes of a tensor's dimensions; a tuple of literals where they are known to the compiler. */
export type Shape = readonly number[]

/** What `item` gives for a dtype. */
export type ItemOf<D extends DType> = D extends `complex${string}`
  ? Complex
  : D extends 'bool'
    ? boolean
    : D extends 'int64' | 'uint64'
      ? number | bigint
      : number

/** Nested arrays of a tensor's numbers. */
export type Nested<T> = T | Nested<T>[]

/**
 * An n-dimensional array in LibTorch's memory, with PyTorch's semantics: views share storage, `add_` writes in place, gradients are recorded
 * when one of the operands requires them. Every ATen operator whose first argument is a tensor is a method; `ops.aten` has all of them.
 *
 * Memory: `using x = …`, `dispose()` or a surrounding `scope()` free it at once; otherwise it is freed some time after the last
 * reference is gone and the event loop has turned.
 */
export interface Tensor<D extends DType = DType, S extends Shape = Shape>
  extends TypedMethods<D, S>,
    Omit<TensorMethods, keyof TypedMethods<D, S>> {
  /** Never exists: carries the type parameters. */
  readonly __type?: [D, S]
}

// biome-ignore lint/suspicious/noUnsafeDeclarationMerging: the generated operator methods are added to the prototype below
export class Tensor<D extends DType = DType, S extends Shape = Shape> implements Disposable {
  /** @internal the addon's number for it; -1 once disposed of */
  id: number

  /** @internal */
  constructor(id: number) {
    this.id = id
    adopt(this)
  }

  get shape(): S {
    return native.shape(this.id) as unknown as S
  }

  get dtype(): D {
    return native.dtype(this.id) as D
  }

  get device(): Device {
    return native.device(this.id) as Device
  }

  get layout(): Layout {
    return native.layout(this.id) as Layout
  }

  /** Steps in elements from one index to the next, for each dimension. */
  get strides(): number[] {
    return native.strides(this.id)
  }

  /** Where in its storage the first element lies, in elements. */
  get storageOffset(): number {
    return native.storageOffset(this.id)
  }

  get ndim(): number {
    return this.shape.length
  }

  /** The number of elements. */
  get length(): number {
    return native.elementCount(this.id)
  }

  get isContiguous(): boolean {
    return native.isContiguous(this.id)
  }

  /** Whether it looks into the storage of a tensor that it was made from. */
  get isView(): boolean {
    return native.isView(this.id)
  }

  get disposed(): boolean {
    return this.id < 0
  }

  /** Whether operators on it are recorded for `backward`. Set it on a leaf of a floating or complex dtype. */
  get requiresGrad(): boolean {
    return native.requiresGrad(this.id)
  }

  set requiresGrad(value: boolean) {
    native.setRequiresGrad(this.id, value)
  }

  /** The gradient that `backward` accumulated, or null. Setting null clears it. */
  get grad(): Tensor<D, S> | null {
    const id = native.grad(this.id)
    return id === null ? null : new Tensor<D, S>(id)
  }

  set grad(gradient: Tensor | null) {
    native.setGrad(this.id, gradient === null ? null : gradient.id)
  }

  get isLeaf(): boolean {
    return native.isLeaf(this.id)
  }

  /** The name of what computed it, such as `AddBackward0`; null for a leaf. */
  get gradFn(): string | null {
    return native.gradFunction(this.id)
  }

  /**
   * Adds to the `grad` of every leaf the derivative of this tensor with respect to it.
   *
   * @param options.gradient derivative of the final scalar with respect to this tensor; needed unless it has one element
   * @param options.retainGraph keep the graph for another `backward`; default: as `createGraph`
   * @param options.createGraph record the derivative itself, for derivatives of higher order
   * @param options.inputs leaves to accumulate into, instead of all
   */
  backward(options: BackwardOptions = {}): void {
    native.backward(...backwardArguments([this], options))
  }

  /** `backward` on the compute thread. A `signal` drops it while it waits for its turn, with `CANCELLED`; one that runs is finished. */
  async backwardAsync({ signal, ...options }: BackwardOptions & { signal?: AbortSignal } = {}): Promise<void> {
    const args = backwardArguments([this], options)
    await cancellable(signal, (cancellation) => native.backwardAsync(...args, cancellation))
  }

  /** The one element as a number, boolean, bigint (past 2^53) or complex number. Waits for a GPU. */
  item(): ItemOf<D> {
    return native.item(this.id) as ItemOf<D>
  }

  /**
   * The elements in row-major order, as a copy. 16-bit floats come as bit patterns: use `.to('float32')` first for numbers.
   *
   * @param options.share look into the tensor's own memory instead, where it is contiguous and on the CPU: writes on either side show on
   *   the other, and the memory lives as long as the array
   */
  toTypedArray(options: { share?: boolean } = {}): ArrayOf<D> {
    return arrayOver(this.dtype, native.toBuffer(this.id, options.share ?? false))
  }

  /** Nested arrays of numbers (booleans, bigints past 2^53, complex numbers), as PyTorch's `tolist`; a plain one for no dimensions. */
  toArray(): Nested<ItemOf<D>> {
    return toNested(this) as Nested<ItemOf<D>>
  }

  /**
   * Part of the tensor, as PyTorch's `x[…]`: `x.at(0, slice(1, 3), '...', null)` is a view; `x.at([2, 0])`, `x.at(indexTensor)` and
   * `x.at(mask)` copy.
   *
   * @throws EegTorchError `SHAPE_MISMATCH` naming the dimension and its size for an index out of range
   */
  at(...indices: Index[]): Tensor<D> {
    return at(this, indices) as Tensor<D>
  }

  /**
   * Writes a number, or a tensor that extends to the shape, to `at(...indices)`: PyTorch's `x[…] = value`. Gives the tensor back.
   *
   * @throws EegTorchError `SHAPE_MISMATCH` for an index out of range or values that do not fit
   */
  set(indices: readonly Index[], value: SetValue): this {
    set(this, indices, value)
    return this
  }

  /** The parts along the first dimension, as views. */
  *[Symbol.iterator](): Generator<Tensor<D>> {
    const [size] = this.shape as Shape
    if (size === undefined) {
      throw new EegTorchError('SHAPE_MISMATCH', 'a tensor of no dimensions has no parts to go through')
    }
    for (let i = 0; i < size; i++) yield this.select(0, i) as Tensor<D>
  }

  /** Whether both look into the same storage. */
  sharesStorageWith(other: Tensor): boolean {
    return native.sharesStorage(this.id, other.id)
  }

  /** Frees the memory now, unless other tensors share it. Any later use is an error. */
  dispose(): void {
    release(this)
  }

  [Symbol.dispose](): void {
    release(this)
  }

  /** As PyTorch prints it. */
  toString(): string {
    return this.disposed ? 'tensor(disposed)' : printTensor(this)
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return this.toString()
  }

  /** Writes `toString()` to standard output. */
  print(): void {
    process.stdout.write(`${this.toString()}\n`)
  }
}

markHeld(Tensor.prototype)

/** How {@link Tensor.backward} walks back. Names and defaults are PyTorch's. */
export interface BackwardOptions {
  gradient?: Tensor
  retainGraph?: boolean
  createGraph?: boolean
  inputs?: readonly Tensor[]
}

function backwardArguments(outputs: Tensor[], options: BackwardOptions): Parameters<typeof native.backward> {
  const { gradient, inputs, createGraph = false, retainGraph = createGraph } = options
  const ids = (tensors: readonly Tensor[]) => tensors.map(({ id }) => id)
  return [ids(outputs), gradient ? [gradient.id] : null, inputs ? ids(inputs) : null, retainGraph, createGraph, false]
}

const halves = new Set<DType>([
  'float16',
  'bfloat16',
  'float8_e4m3fn',
  'float8_e5m2',
  'float8_e4m3fnuz',
  'float8_e5m2fnuz',
])

function toNested(tensor: Tensor): unknown {
  const { dtype, shape } = tensor
  const wide = halves.has(dtype) ? (tensor.to('float32') as Tensor) : tensor
  const values = elementsOf(wide)
  if (wide !== tensor) wide.dispose()
  let at = 0
  const build = (depth: number): unknown =>
    depth === shape.length ? values(at++) : Array.from({ length: shape[depth]! }, () => build(depth + 1))
  return build(0)
}

/** Reads element i of a tensor's typed array as what `item` would give. */
function elementsOf(tensor: Tensor): (i: number) => unknown {
  const { dtype } = tensor
  const array = tensor.toTypedArray() as ArrayLike<number | bigint>
  if (dtype === 'bool') return (i) => array[i] !== 0
  if (dtype.startsWith('complex')) return (i) => ({ re: array[2 * i], im: array[2 * i + 1] })
  if (dtype === 'int64' || dtype === 'uint64') return (i) => safeInteger(array[i] as bigint)
  return (i) => array[i]
}

function safeInteger(value: bigint): number | bigint {
  const number = Number(value)
  return Number.isSafeInteger(number) ? number : value
}
