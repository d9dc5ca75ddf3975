import type { Complex, DType, Scalar, TypedArray } from './dtype.ts'
import { EegTorchError } from './errors.ts'

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

/** Numbers in row-major order. */
export interface PackedNumbers {
  data: TypedArray
  dtype: DType
  shape: number[]
}

/**
 * Nested arrays in a typed array: of the dtype that they have by themselves, or of one that holds them exactly where the wanted dtype needs it.
 *
 * @throws EegTorchError `SHAPE_MISMATCH` for rows of different lengths; `INVALID_OPTION` for what is no number, and for bigints past 64 bits
 */
export function packNested(data: unknown, wanted: DType | undefined): PackedNumbers {
  const shape = shapeOf(data)
  const flat: Scalar[] = []
  flatten(data, shape, 0, flat)
  const isWide = wanted !== undefined && wanted !== 'float32' && wanted !== 'complex64'
  const Floats = isWide ? Float64Array : Float32Array
  if (flat.some(isComplex)) {
    const pairs = flat.flatMap((v) => (isComplex(v) ? [v.re, v.im] : [Number(v), 0]))
    return { data: new Floats(pairs), dtype: isWide ? 'complex128' : 'complex64', shape }
  }
  if (flat.length > 0 && flat.every((v) => typeof v === 'boolean')) {
    return { data: Uint8Array.from(flat, Number), dtype: 'bool', shape }
  }
  const isFraction = (value: Scalar) => typeof value === 'number' && !Number.isInteger(value)
  if (flat.some((v) => typeof v === 'bigint') && !flat.some(isFraction)) {
    const integers = flat.map((value) => BigInt(value as number | bigint | boolean))
    return { ...packIntegers(integers, wanted === 'uint64'), shape }
  }
  return { data: new Floats(flat.map(Number)), dtype: isWide ? 'float64' : 'float32', shape }
}

function packIntegers(integers: bigint[], isUnsigned: boolean): { data: TypedArray; dtype: DType } {
  const [low, high] = isUnsigned ? [0n, 2n ** 64n - 1n] : [-(2n ** 63n), 2n ** 63n - 1n]
  const wrong = integers.find((value) => value < low || value > high)
  if (wrong !== undefined) {
    throw new EegTorchError('INVALID_OPTION', 'a bigint is out of range', {
      expected: `integers from ${low} to ${high}`,
      received: String(wrong),
    })
  }
  return isUnsigned
    ? { data: BigUint64Array.from(integers), dtype: 'uint64' }
    : { data: BigInt64Array.from(integers), dtype: 'int64' }
}

const isComplex = (value: unknown): value is Complex =>
  typeof value === 'object' &&
  value !== null &&
  typeof (value as Complex).re === 'number' &&
  typeof (value as Complex).im === 'number'

const isScalar = (value: unknown): value is Scalar =>
  typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean' || isComplex(value)

function shapeOf(data: unknown): number[] {
  const shape: number[] = []
  for (let level = data; Array.isArray(level); level = level[0]) shape.push(level.length)
  return shape
}

/** Appends the numbers in row-major order, checking that each row has its level's length. */
function flatten(data: unknown, shape: number[], depth: number, out: Scalar[]): void {
  if (depth === shape.length && !Array.isArray(data)) {
    if (!isScalar(data)) throw notANumber(data)
    out.push(data)
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

function notANumber(value: unknown): EegTorchError {
  return new EegTorchError('INVALID_OPTION', 'data has the wrong type', {
    expected: 'numbers, bigints, booleans or { re, im }',
    received: String(value),
  })
}
