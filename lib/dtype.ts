/** Every dtype of LibTorch, by PyTorch's name. */
export type DType =
  | 'float32'
  | 'float64'
  | 'float16'
  | 'bfloat16'
  | 'uint8'
  | 'int8'
  | 'int16'
  | 'int32'
  | 'int64'
  | 'uint16'
  | 'uint32'
  | 'uint64'
  | 'bool'
  | 'complex32'
  | 'complex64'
  | 'complex128'
  | 'float8_e4m3fn'
  | 'float8_e5m2'
  | 'float8_e4m3fnuz'
  | 'float8_e5m2fnuz'
  | 'float8_e8m0fnu'
  | 'float4_e2m1fn_x2'
  | 'qint8'
  | 'quint8'
  | 'qint32'

/** `'cpu'`, `'cuda'` (the current GPU), `'cuda:1'`, or `'meta'` (shapes without numbers). */
export type Device = 'cpu' | 'cuda' | 'meta' | `cuda:${number}`

/** How the numbers of a tensor are kept, by PyTorch's names. */
export type Layout = 'strided' | 'sparse_coo' | 'sparse_csr' | 'sparse_csc' | 'sparse_bsr' | 'sparse_bsc' | 'mkldnn'

/** The order of a dense tensor's dimensions in memory, by PyTorch's names. */
export type MemoryFormat = 'contiguous' | 'preserve' | 'channels_last' | 'channels_last_3d'

/** A complex number: `re + im i`. */
export interface Complex {
  re: number
  im: number
}

/** A whole number, such as a size or an index; past 2^53 as a bigint. */
export type Int = number | bigint

/** A number that an operator takes. JavaScript does not tell 2 from 2.0: whole numbers count as integers. */
export type Scalar = number | bigint | boolean | Complex

/** Arrays of JavaScript that a tensor can be made of, or read into. */
export type TypedArray =
  | Float32Array
  | Float64Array
  | Uint8Array
  | Uint8ClampedArray
  | Int8Array
  | Int16Array
  | Int32Array
  | BigInt64Array
  | Uint16Array
  | Uint32Array
  | BigUint64Array

/** The typed array that holds a dtype's elements: bit patterns (`Uint16Array`) for 16-bit floats, pairs for complex numbers. */
export type ArrayOf<D extends DType> = D extends 'float32' | 'complex64'
  ? Float32Array
  : D extends 'float64' | 'complex128'
    ? Float64Array
    : D extends 'int64'
      ? BigInt64Array
      : D extends 'uint64'
        ? BigUint64Array
        : D extends 'int32' | 'qint32'
          ? Int32Array
          : D extends 'uint32'
            ? Uint32Array
            : D extends 'int16'
              ? Int16Array
              : D extends 'uint16' | 'float16' | 'bfloat16' | 'complex32'
                ? Uint16Array
                : D extends 'int8' | 'qint8'
                  ? Int8Array
                  : Uint8Array

/** The dtype that a typed array's elements have as a tensor. */
export type DTypeOf<A extends TypedArray> = A extends Float32Array
  ? 'float32'
  : A extends Float64Array
    ? 'float64'
    : A extends BigInt64Array
      ? 'int64'
      : A extends BigUint64Array
        ? 'uint64'
        : A extends Int32Array
          ? 'int32'
          : A extends Uint32Array
            ? 'uint32'
            : A extends Int16Array
              ? 'int16'
              : A extends Uint16Array
                ? 'uint16'
                : A extends Int8Array
                  ? 'int8'
                  : 'uint8'

type ArrayConstructor = new (buffer: ArrayBuffer) => TypedArray

const arrays: Record<DType, ArrayConstructor> = {
  float32: Float32Array,
  float64: Float64Array,
  float16: Uint16Array,
  bfloat16: Uint16Array,
  uint8: Uint8Array,
  int8: Int8Array,
  int16: Int16Array,
  int32: Int32Array,
  int64: BigInt64Array,
  uint16: Uint16Array,
  uint32: Uint32Array,
  uint64: BigUint64Array,
  bool: Uint8Array,
  complex32: Uint16Array,
  complex64: Float32Array,
  complex128: Float64Array,
  float8_e4m3fn: Uint8Array,
  float8_e5m2: Uint8Array,
  float8_e4m3fnuz: Uint8Array,
  float8_e5m2fnuz: Uint8Array,
  float8_e8m0fnu: Uint8Array,
  float4_e2m1fn_x2: Uint8Array,
  qint8: Int8Array,
  quint8: Uint8Array,
  qint32: Int32Array,
}

export const dtypes = Object.keys(arrays) as DType[]

export function isDType(value: unknown): value is DType {
  return typeof value === 'string' && Object.hasOwn(arrays, value)
}

export function isDevice(value: unknown): value is Device {
  return typeof value === 'string' && /^(cpu|meta|cuda(:\d+)?)$/.test(value)
}

export function isFloatingPoint(dtype: DType): boolean {
  return /^b?float/.test(dtype)
}

/** A typed array of the right kind over a buffer, in the caller's realm. */
export function arrayOver<D extends DType>(dtype: D, buffer: ArrayBuffer): ArrayOf<D> {
  return new arrays[dtype](buffer) as ArrayOf<D>
}

const arrayDtypes: Record<string, DType> = {
  Float32Array: 'float32',
  Float64Array: 'float64',
  Uint8Array: 'uint8',
  Uint8ClampedArray: 'uint8',
  Int8Array: 'int8',
  Int16Array: 'int16',
  Int32Array: 'int32',
  BigInt64Array: 'int64',
  Uint16Array: 'uint16',
  Uint32Array: 'uint32',
  BigUint64Array: 'uint64',
  Buffer: 'uint8',
}

/** The dtype of a typed array, by its class's name: arrays of other realms count too. Undefined for anything else. */
export function dtypeOfArray(value: unknown): DType | undefined {
  return ArrayBuffer.isView(value) ? arrayDtypes[value.constructor.name] : undefined
}
