import { markAsUntransferable } from 'node:worker_threads'
import {
  type Device,
  type DType,
  type DTypeOf,
  dtypeOfArray,
  dtypes,
  isDevice,
  isDType,
  type Scalar,
  type TypedArray,
} from './dtype.ts'
import { EegTorchError } from './errors.ts'
import type { Generator } from './generator.ts'
import { native } from './native.ts'
import { type DTypeOfNested, type NestedNumbers, packNested } from './nested-numbers.ts'
import { ops } from './ops/index.ts'
import type { Sizes } from './ops/typed-methods.ts'
import { type Shape, Tensor } from './tensor.ts'

/** Options of every function that makes a tensor. */
export interface TensorOptions<D extends DType = DType> {
  /** Default: `float32`, or what the data is. */
  dtype?: D
  /** Default: `cpu`. */
  device?: Device
  requiresGrad?: boolean
}

function finish<D extends DType, S extends Shape>(tensor: Tensor, options: TensorOptions): Tensor<D, S> {
  const { device, requiresGrad } = options
  const placed = device === undefined || device === 'cpu' ? tensor : moved(tensor, device)
  if (requiresGrad) placed.requiresGrad = true
  return placed as Tensor<D, S>
}

function moved(tensor: Tensor, device: Device): Tensor {
  const result = tensor.to({ device })
  tensor.dispose()
  return result
}

/** @throws EegTorchError `INVALID_OPTION` for what is no dtype or no device */
function checkPlacement(dtype: unknown, device: unknown): void {
  const refuse = (option: string, expected: string, received: unknown) =>
    new EegTorchError('INVALID_OPTION', `there is no ${option} ${String(received)}`, { option, expected })
  if (dtype !== undefined && !isDType(dtype)) throw refuse('dtype', `one of ${dtypes.join(', ')}`, dtype)
  if (device !== undefined && !isDevice(device)) throw refuse('device', 'cpu, cuda, cuda:0 and so on, or meta', device)
}

/** LibTorch takes any other byte for true in one operator and for a number in the next. */
function requireBooleans(data: TypedArray): void {
  const wrong = data.find((byte: number | bigint) => byte !== 0 && byte !== 1)
  if (wrong === undefined) return
  throw new EegTorchError('INVALID_OPTION', 'a boolean is the byte 0 or 1', { received: String(wrong) })
}

function fromArray(data: TypedArray, dtype: DType, shape: readonly number[], share: boolean): Tensor {
  return new Tensor(native.fromBuffer(data.buffer, data.byteOffset, data.byteLength, dtype, shape, share))
}

/**
 * A tensor with a copy of the given numbers: nested arrays (`float32` for numbers, `int64` for bigints, `bool` for booleans, `complex64` for
 * `{ re, im }`), or a typed array of one dimension or of `shape`.
 *
 * @throws EegTorchError `SHAPE_MISMATCH` for rows of different lengths or a shape of another size; `INVALID_OPTION` for bigints past 64 bits
 */
export function tensor<A extends TypedArray, D extends DType = DTypeOf<A>, const S extends Shape = number[]>(
  data: A,
  options?: TensorOptions<D> & { shape?: S },
): Tensor<D, Sizes<S>>
export function tensor<N extends NestedNumbers, D extends DType = DTypeOfNested<N>>(
  data: N,
  options?: TensorOptions<D>,
): Tensor<D>
export function tensor(data: unknown, options: TensorOptions & { shape?: Shape } = {}): Tensor {
  const { dtype, device } = options
  checkPlacement(dtype, device)
  const own = dtypeOfArray(data)
  const array = own === undefined ? undefined : (data as TypedArray)
  const parts = array ? { data: array, dtype: own!, shape: options.shape ?? [array.length] } : packNested(data, dtype)
  return finish(converted(fromArray(parts.data, parts.dtype, parts.shape, false), dtype), options)
}

function converted(tensor: Tensor, dtype: DType | undefined): Tensor {
  if (dtype === undefined || tensor.dtype === dtype) return tensor
  const result = tensor.to(dtype)
  tensor.dispose()
  return result
}

/**
 * A tensor over a typed array's own memory, without a copy: writes on either side show on the other. `torch.from_numpy`'s counterpart. The array
 * stays alive as long as the tensor's storage, and its buffer can no longer be transferred to another thread: posting it copies, or throws from
 * Node 21 on if it is in the list of what to transfer.
 *
 * @param options.shape default: one dimension
 * @param options.dtype another dtype of the same element size, such as `float16` for a `Uint16Array` of bit patterns
 * @throws EegTorchError `SHAPE_MISMATCH` where shape or element size do not fit the array; `INVALID_OPTION` for what is no typed array, an array in memory
 *   that can be resized, or a `bool` of another byte than 0 or 1
 */
export function fromTypedArray<A extends TypedArray, D extends DType = DTypeOf<A>, const S extends Shape = number[]>(
  data: A,
  options: { shape?: S; dtype?: D } = {},
): Tensor<D, Sizes<S>> {
  const dtype = options.dtype ?? dtypeOfArray(data)
  if (dtype === undefined) {
    throw new EegTorchError('INVALID_OPTION', 'data has the wrong type', {
      expected: 'a typed array',
      received: typeof data,
    })
  }
  checkPlacement(dtype, undefined)
  if (dtype === 'bool') requireBooleans(data)
  requireFixedSize(data)
  const shared = fromArray(data, dtype, options.shape ?? [data.length], true) as Tensor<D, Sizes<S>>
  // Transferred, the memory would be another thread's, which may free it under the tensor.
  markAsUntransferable(data.buffer)
  return shared
}

/** What shrinks gives pages back that a tensor would go on reading. */
function requireFixedSize({ buffer }: TypedArray): void {
  if (!(buffer as { resizable?: boolean }).resizable) return
  throw new EegTorchError('INVALID_OPTION', 'a tensor cannot share memory that can be resized', {
    option: 'data',
    expected: 'an ArrayBuffer of fixed size, or tensor(data), which copies',
    received: 'a resizable ArrayBuffer',
  })
}

/** Options of every function that draws random numbers. */
export interface RandomOptions<D extends DType = DType> extends TensorOptions<D> {
  /** Draws from it; default: the generator that `manualSeed` seeds. */
  generator?: Generator
}

type FactoryOptions = { dtype: DType; device?: Device; generator?: Generator }

function factoryOptions(options: RandomOptions = {}, dtype: DType = 'float32'): FactoryOptions {
  const { device, generator } = options
  checkPlacement(options.dtype, device)
  return { dtype: options.dtype ?? dtype, ...(device && { device }), ...(generator && { generator }) }
}

function finished<D extends DType, S extends Shape>(tensor: Tensor, options: TensorOptions = {}): Tensor<D, S> {
  if (options.requiresGrad) tensor.requiresGrad = true
  return tensor as Tensor<D, S>
}

function sizes<S extends Shape>(shape: S): S {
  if (Array.isArray(shape) && shape.every((size) => Number.isSafeInteger(size) && size >= 0)) return shape
  throw new EegTorchError('SHAPE_MISMATCH', 'this is no shape', {
    expected: 'a list of whole numbers, such as [2, 3]',
    received: Array.isArray(shape) ? `[${shape}]` : String(shape),
  })
}

/** Makes a tensor of a shape. */
export type TensorFactory<Options extends TensorOptions = TensorOptions> = <
  const S extends Shape,
  D extends DType = 'float32',
>(
  shape: S,
  options?: Options & { dtype?: D },
) => Tensor<D, Sizes<S>>

function ofShape(name: 'zeros' | 'ones' | 'empty' | 'randn' | 'rand'): TensorFactory<RandomOptions> {
  return (shape, options) => finished(ops.aten[name](sizes(shape), factoryOptions(options)), options)
}

/** Zeros of a shape. */
export const zeros: TensorFactory = ofShape('zeros')

/** Ones of a shape. */
export const ones: TensorFactory = ofShape('ones')

/** Memory as it is found: for what will be written before it is read. */
export const empty: TensorFactory = ofShape('empty')

/** Normal numbers of mean 0 and variance 1. */
export const randn: TensorFactory<RandomOptions> = ofShape('randn')

/** Uniform numbers in [0, 1). */
export const rand: TensorFactory<RandomOptions> = ofShape('rand')

/** A tensor of a shape, filled with one value; `float32` whatever the value, unlike PyTorch's. */
export function full<const S extends Shape, D extends DType = 'float32'>(
  shape: S,
  value: Scalar,
  options: TensorOptions<D> = {},
): Tensor<D, Sizes<S>> {
  return finished(ops.aten.full(sizes(shape), value, factoryOptions(options)), options)
}

/** Whole numbers in [low, high). */
export function randint<const S extends Shape, D extends DType = 'int64'>(
  low: number,
  high: number,
  shape: S,
  options: RandomOptions<D> = {},
): Tensor<D, Sizes<S>> {
  return finished(ops.aten.randint(low, high, sizes(shape), factoryOptions(options, 'int64')), options)
}

/** A random order of 0 … n - 1. */
export function randperm<D extends DType = 'int64'>(n: number, options: RandomOptions<D> = {}): Tensor<D, [number]> {
  return finished(ops.aten.randperm(n, factoryOptions(options, 'int64')), options)
}

/** start, start + step, … below end; `float32`, unlike PyTorch's, since JavaScript's numbers are not integers. */
export function arange<D extends DType = 'float32'>(
  start: number,
  end: number,
  step = 1,
  options: TensorOptions<D> = {},
): Tensor<D, [number]> {
  return finished(ops.aten.arange(start, end, step, factoryOptions(options)), options)
}

/** So many numbers at equal distances from start to end, both included; shape (steps). */
export function linspace<D extends DType = 'float32'>(
  start: number,
  end: number,
  steps: number,
  options: TensorOptions<D> = {},
): Tensor<D, [number]> {
  return finished(ops.aten.linspace(start, end, steps, factoryOptions(options)), options)
}

/** The identity matrix, (n, n). */
export function eye<D extends DType = 'float32'>(
  n: number,
  options: TensorOptions<D> = {},
): Tensor<D, [number, number]> {
  return finished(ops.aten.eye(n, factoryOptions(options)), options)
}

/** Zeros with the shape, dtype and device of another tensor. */
export function zerosLike<D extends DType, S extends Shape>(like: Tensor<D, S>): Tensor<D, S> {
  return ops.aten.zeros_like(like) as Tensor<D, S>
}

/** Ones with the shape, dtype and device of another tensor. */
export function onesLike<D extends DType, S extends Shape>(like: Tensor<D, S>): Tensor<D, S> {
  return ops.aten.ones_like(like) as Tensor<D, S>
}

/**
 * Tensors of one shape beside each other along a new dimension.
 *
 * @param dim where the new dimension stands in the result; below 0 from its end
 * @throws EegTorchError `LIBTORCH` for no tensors, or tensors of different shapes
 */
export function stack(tensors: readonly Tensor[], dim = 0): Tensor {
  return ops.aten.stack([...tensors], dim)
}

/**
 * Tensors one after the other along a dimension in which alone they may differ.
 *
 * @throws EegTorchError `LIBTORCH` for no tensors, or tensors that differ in another dimension
 */
export function cat(tensors: readonly Tensor[], dim = 0): Tensor {
  return ops.aten.cat([...tensors], dim)
}
