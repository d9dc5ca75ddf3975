// Types of the main methods that say more than the schemas do: which dtype and which shape comes back. Each stands before the
// generated signatures of its name, which take what it does not.
import type { Device, DType, Layout, MemoryFormat } from '../dtype.ts'
import type { Shape, Tensor } from '../tensor.ts'
import type { TensorMethods } from './methods.generated.ts'

/** A shape as written: `readonly` taken off. */
export type Sizes<S extends Shape> = { -readonly [K in keyof S]: S[K] }

/** Dtypes of whole numbers. */
export type Whole = 'bool' | `int${8 | 16 | 32 | 64}` | `uint${8 | 16 | 32 | 64}`

/** Dtypes of what a function such as `exp` gives: whole numbers become `float32`. */
export type FloatOf<D extends DType> = D extends Whole ? 'float32' : D
/** The dtype of a sum: whole numbers add up in 64 bits. */
export type SumOf<D extends DType> = D extends Whole ? 'int64' : D
/** The dtype of sizes of numbers: complex ones have real sizes. */
export type AbsoluteOf<D extends DType> = D extends 'complex64'
  ? 'float32'
  : D extends 'complex128'
    ? 'float64'
    : D extends 'complex32'
      ? 'float16'
      : D
/** The dtype after arithmetic with a number, whose being whole the compiler does not know. */
export type WithNumber<D extends DType> = D extends Whole ? DType : D

/** A shape whose -1 is worked out when it runs. */
export type Resolved<T extends Shape> = { -readonly [K in keyof T]: T[K] extends -1 ? number : T[K] }

/** A shape with two of its dimensions exchanged. */
export type Swapped<S extends Shape, I extends number, J extends number> = number extends S['length'] | I | J
  ? Shape
  : `${I}` | `${J}` extends keyof S
    ? { -readonly [K in keyof S]: K extends `${I}` ? S[J] : K extends `${J}` ? S[I] : S[K] }
    : Shape

/** The shape of a matrix product. */
export type Product<A extends Shape, B extends Shape> = number extends A['length'] | B['length']
  ? Shape
  : B extends readonly [number]
    ? A extends readonly [...infer Rows extends number[], number]
      ? Rows
      : Shape
    : B extends readonly [number, infer Columns extends number]
      ? A extends readonly [...infer Rows extends number[], number]
        ? [...Rows, Columns]
        : Shape
      : Shape

/** A method that changes neither the dtype nor the shape named here. */
export type Keeps<D extends DType, S extends Shape> = () => Tensor<D, S>
/** Arithmetic with a number or a tensor of the same dtype and shape. */
export interface WithScalar<D extends DType, S extends Shape> {
  (other: number): Tensor<WithNumber<D>, S>
  (other: Tensor<D, S>): Tensor<D, S>
}
/** Division: whole numbers give floating ones. */
export interface DividedBy<D extends DType, S extends Shape> {
  (other: number): Tensor<FloatOf<D>, S>
  (other: Tensor<D, S>): Tensor<FloatOf<D>, S>
}
/** A comparison, element by element. */
export interface Compared<D extends DType, S extends Shape> {
  (other: number | bigint | boolean): Tensor<'bool', S>
  (other: Tensor<D, S>): Tensor<'bool', S>
}
/** Arithmetic that writes into the tensor itself. */
export interface InPlace<D extends DType, S extends Shape> {
  (other: number): Tensor<D, S>
  (other: Tensor): Tensor<D, S>
}

/** `to`: the same numbers in another dtype or on another device. */
export interface Conversion<D extends DType, S extends Shape> {
  /** Another dtype; itself where it has it already. */
  <E extends DType>(dtype: E, options?: ConversionOptions): Tensor<E, S>
  /** Another device. */
  (device: Device, options?: ConversionOptions): Tensor<D, S>
  <E extends DType>(options: ConversionOptions & { dtype: E; device?: Device; layout?: Layout }): Tensor<E, S>
  (options: ConversionOptions & { device?: Device; layout?: Layout }): Tensor<D, S>
}

/** How to convert. */
export interface ConversionOptions {
  nonBlocking?: boolean
  copy?: boolean
  memoryFormat?: MemoryFormat
}

type SameNames =
  | 'neg'
  | 'relu'
  | 'relu_'
  | 'clone'
  | 'detach'
  | 'contiguous'
  | 'zero_'
  | 'neg_'
  | 'square'
  | 'sign'
  | 'floor'
  | 'ceil'
  | 'round'
  | 'trunc'
  | 'alias'
  | 'conj'
  | 'exp_'
  | 'sqrt_'
  | 'sigmoid_'
  | 'tanh_'
  | 'abs_'
  | 'rand_like'
  | 'randn_like'
  | 'zeros_like'
  | 'ones_like'
  | 'empty_like'
  | 'resolve_conj'
type FloatNames =
  | 'exp'
  | 'expm1'
  | 'log'
  | 'log2'
  | 'log10'
  | 'log1p'
  | 'sqrt'
  | 'rsqrt'
  | 'sin'
  | 'cos'
  | 'tan'
  | 'asin'
  | 'acos'
  | 'atan'
  | 'sinh'
  | 'cosh'
  | 'tanh'
  | 'sigmoid'
  | 'erf'
  | 'erfc'
  | 'reciprocal'
type ArithmeticNames = 'add' | 'sub' | 'mul' | 'remainder'
type ComparisonNames = 'eq' | 'ne' | 'lt' | 'le' | 'gt' | 'ge'
type InPlaceNames = 'add_' | 'sub_' | 'mul_' | 'div_' | 'fill_'
type TestNames = 'isnan' | 'isinf' | 'isfinite' | 'logical_not'

type Family<Names extends keyof TensorMethods, Signature> = { [K in Names]: Signature & TensorMethods[K] }

/** Methods whose results' dtype or shape follow from the tensor's own. */
export interface TypedMethods<D extends DType, S extends Shape>
  extends Family<SameNames, Keeps<D, S>>,
    Family<FloatNames, Keeps<FloatOf<D>, S>>,
    Family<TestNames, Keeps<'bool', S>>,
    Family<ArithmeticNames, WithScalar<D, S>>,
    Family<ComparisonNames, Compared<D, S>>,
    Family<InPlaceNames, InPlace<D, S>> {
  abs: Keeps<AbsoluteOf<D>, S> & TensorMethods['abs']
  div: DividedBy<D, S> & TensorMethods['div']
  pow: ((exponent: number) => Tensor<WithNumber<D>, S>) & TensorMethods['pow']
  sum: (() => Tensor<SumOf<D>, []>) & TensorMethods['sum']
  mean: (() => Tensor<D, []>) & TensorMethods['mean']
  softmax: ((dim: number) => Tensor<FloatOf<D>, S>) & TensorMethods['softmax']
  argmax: (() => Tensor<'int64', []>) & TensorMethods['argmax']
  argmin: (() => Tensor<'int64', []>) & TensorMethods['argmin']
  to: Conversion<D, S> & TensorMethods['to']
  reshape: (<const T extends Shape>(shape: T) => Tensor<D, Resolved<T>>) & TensorMethods['reshape']
  view: (<const T extends Shape>(shape: T) => Tensor<D, Resolved<T>>) &
    (<E extends DType>(dtype: E) => Tensor<E>) &
    TensorMethods['view']
  t: (() => Tensor<D, S extends readonly [infer A extends number, infer B extends number] ? [B, A] : Shape>) &
    TensorMethods['t']
  transpose: (<I extends number, J extends number>(dim0: I, dim1: J) => Tensor<D, Swapped<S, I, J>>) &
    TensorMethods['transpose']
  matmul: (<T extends Shape>(other: Tensor<D, T>) => Tensor<D, Product<S, T>>) & TensorMethods['matmul']
  unsqueeze: ((dim: 0) => Tensor<D, number extends S['length'] ? Shape : [1, ...S]>) & TensorMethods['unsqueeze']
  select: ((dim: number, index: number) => Tensor<D>) & TensorMethods['select']
}
