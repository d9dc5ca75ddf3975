import {
  type Complex,
  type Device,
  type DType,
  type DTypeOf,
  dtypeOfArray,
  type Scalar,
  type TypedArray,
} from './dtype.ts'
import { EegTorchError } from './errors.ts'
import type { Generator } from './generator.ts'
import { native } from './native.ts'
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

/** Numbers in nested arrays, all rows of one length. */
export type NestedNumbers = Scalar | readonly NestedNumbers[]

type Item<N> = N extends readonly (infer I)[] ? I : N
// Deeper nesting than this stays an unknown dtype: the compiler does not follow endless recursion.
type Leaf<N> = Item<Item<Item<Item<Item<N>>>>>
/** The dtype that `tensor` gives nested arrays. */
export type DTypeOfNested<N> =
  Leaf<N> extends boolean
    ? 'bool'
    : Leaf<N> extends bigint
      ? 'int64'
      : Leaf<N> extends number
        ? 'float32'
        : Leaf<N> extends Complex
          ? 'complex64'
          : DType

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
  const arrayDtype = dtypeOfArray(data)
  const made =
    arrayDtype === undefined
      ? fromNested(data as NestedNumbers, options.dtype)
      : fromArray(data as TypedArray, arrayDtype, options.shape ?? [(data as TypedArray).length], false)
  return finish(converted(made, options.dtype), options)
}

function converted(tensor: Tensor, dtype: DType | undefined): Tensor {
  if (dtype === undefined || tensor.dtype === dtype) return tensor
  const result = tensor.to(dtype)
  tensor.dispose()
  return result
}

/**
 * A tensor over a typed array's own memory, without a copy: writes on either side show on the other. `torch.from_numpy`'s counterpart. The array
 * stays alive as long as the tensor's storage.
 *
 * @param options.shape default: one dimension
 * @param options.dtype another dtype of the same element size, such as `float16` for a `Uint16Array` of bit patterns
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
  return fromArray(data, dtype, options.shape ?? [data.length], true) as Tensor<D, Sizes<S>>
}

const isComplex = (value: unknown): value is Complex =>
  typeof value === 'object' &&
  value !== null &&
  typeof (value as Complex).re === 'number' &&
  typeof (value as Complex).im === 'number'

function shapeOf(data: NestedNumbers): number[] {
  const shape: number[] = []
  for (let level = data; Array.isArray(level); level = level[0] as NestedNumbers) shape.push(level.length)
  return shape
}

/** Appends the numbers in row-major order, checking that each row has its level's length. */
function flatten(data: NestedNumbers, shape: number[], depth: number, out: Scalar[]): void {
  if (depth === shape.length && !Array.isArray(data)) {
    out.push(data as Scalar)
    return
  }
  if (!Array.isArray(data) || data.length !== shape[depth]) {
    throw new EegTorchError('SHAPE_MISMATCH', `nested arrays are ragged at depth ${depth}`, {
      expected: depth < shape.length ? `${shape[depth]} items` : 'a number',
      received: Array.isArray(data) ? `${data.length} items` : String(data),
    })
  }
  for (const item of data) flatten(item, shape, depth + 1, out)
}

/** Nested arrays as a tensor of the dtype that they are by themselves, or of one that holds them exactly where `wanted` needs it. */
function fromNested(data: NestedNumbers, wanted: DType | undefined): Tensor {
  const shape = shapeOf(data)
  const flat: Scalar[] = []
  flatten(data, shape, 0, flat)
  requireScalars(flat)
  const isWide = wanted !== undefined && wanted !== 'float32' && wanted !== 'complex64'
  const Floats = isWide ? Float64Array : Float32Array
  if (flat.some(isComplex)) {
    const pairs = flat.flatMap((v) => (isComplex(v) ? [v.re, v.im] : [Number(v), 0]))
    return fromArray(new Floats(pairs), isWide ? 'complex128' : 'complex64', shape, false)
  }
  if (flat.length > 0 && flat.every((v) => typeof v === 'boolean')) {
    return fromArray(Uint8Array.from(flat, Number), 'bool', shape, false)
  }
  const isFraction = (value: Scalar) => typeof value === 'number' && !Number.isInteger(value)
  if (flat.some((v) => typeof v === 'bigint') && !flat.some(isFraction))
    return fromIntegers(flat as (number | bigint | boolean)[], shape, wanted)
  return fromArray(new Floats(flat.map(Number)), isWide ? 'float64' : 'float32', shape, false)
}

function requireScalars(values: readonly unknown[]): void {
  const wrong = values.find((value) => !['number', 'bigint', 'boolean'].includes(typeof value) && !isComplex(value))
  if (wrong === undefined) return
  throw new EegTorchError('INVALID_OPTION', 'data has the wrong type', {
    expected: 'numbers, bigints, booleans or { re, im }',
    received: String(wrong),
  })
}

function fromIntegers(flat: (number | bigint | boolean)[], shape: number[], wanted: DType | undefined): Tensor {
  const [low, high] = wanted === 'uint64' ? [0n, 2n ** 64n - 1n] : [-(2n ** 63n), 2n ** 63n - 1n]
  const integers = flat.map((value) => BigInt(value))
  const wrong = integers.find((value) => value < low || value > high)
  if (wrong !== undefined) {
    throw new EegTorchError('INVALID_OPTION', 'a bigint is out of range', {
      expected: `integers from ${low} to ${high}`,
      received: String(wrong),
    })
  }
  return wanted === 'uint64'
    ? fromArray(BigUint64Array.from(integers), 'uint64', shape, false)
    : fromArray(BigInt64Array.from(integers), 'int64', shape, false)
}

/** Options of every function that draws random numbers. */
export interface RandomOptions<D extends DType = DType> extends TensorOptions<D> {
  /** Draws from it; default: the generator that `manualSeed` seeds. */
  generator?: Generator
}

type FactoryOptions = { dtype: DType; device?: Device; generator?: Generator }

function factoryOptions(options: RandomOptions = {}, dtype: DType = 'float32'): FactoryOptions {
  const { device, generator } = options
  return { dtype: options.dtype ?? dtype, ...(device && { device }), ...(generator && { generator }) }
}

function finished<D extends DType, S extends Shape>(tensor: Tensor, options: TensorOptions = {}): Tensor<D, S> {
  if (options.requiresGrad) tensor.requiresGrad = true
  return tensor as Tensor<D, S>
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
  return (shape, options) => finished(ops.aten[name](shape, factoryOptions(options)), options)
}

export const zeros: TensorFactory = ofShape('zeros')

export const ones: TensorFactory = ofShape('ones')

/** Memory as it is found: for what will be written before it is read. */
export const empty: TensorFactory = ofShape('empty')

/** Normal numbers of mean 0 and variance 1. */
export const randn: TensorFactory<RandomOptions> = ofShape('randn')

/** Uniform numbers in [0, 1). */
export const rand: TensorFactory<RandomOptions> = ofShape('rand')

export function full<const S extends Shape, D extends DType = 'float32'>(
  shape: S,
  value: Scalar,
  options: TensorOptions<D> = {},
): Tensor<D, Sizes<S>> {
  return finished(ops.aten.full(shape, value, factoryOptions(options)), options)
}

/** Whole numbers in [low, high). */
export function randint<const S extends Shape, D extends DType = 'int64'>(
  low: number,
  high: number,
  shape: S,
  options: RandomOptions<D> = {},
): Tensor<D, Sizes<S>> {
  return finished(ops.aten.randint(low, high, shape, factoryOptions(options, 'int64')), options)
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

export function linspace<D extends DType = 'float32'>(
  start: number,
  end: number,
  steps: number,
  options: TensorOptions<D> = {},
): Tensor<D, [number]> {
  return finished(ops.aten.linspace(start, end, steps, factoryOptions(options)), options)
}

export function eye<D extends DType = 'float32'>(
  n: number,
  options: TensorOptions<D> = {},
): Tensor<D, [number, number]> {
  return finished(ops.aten.eye(n, factoryOptions(options)), options)
}

export function zerosLike<D extends DType, S extends Shape>(like: Tensor<D, S>): Tensor<D, S> {
  return ops.aten.zeros_like(like) as Tensor<D, S>
}

export function onesLike<D extends DType, S extends Shape>(like: Tensor<D, S>): Tensor<D, S> {
  return ops.aten.ones_like(like) as Tensor<D, S>
}

export function stack(tensors: readonly Tensor[], dim = 0): Tensor {
  return ops.aten.stack([...tensors], dim)
}

export function cat(tensors: readonly Tensor[], dim = 0): Tensor {
  return ops.aten.cat([...tensors], dim)
}
