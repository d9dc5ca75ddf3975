import { fromTypedArray } from '../creation.ts'
import type { Tensor } from '../tensor.ts'

/** Rows of numbers: `values` has shape (rows, width). */
export interface FeatureRows {
  values: Float64Array
  width: number
}

/** Class probabilities of some rows. */
export interface Decoded {
  predicted: Int32Array
  /** One array of `classes` numbers a row, summing to 1. */
  probabilities: number[][]
}

/** Rows as a matrix, (rows, width). */
export function tensorOf({ values, width }: FeatureRows): Tensor {
  return fromTypedArray(values, { shape: [values.length / width, width] })
}

/** Rows that hold a square matrix each, (rows, n, n). */
export function matricesOf({ values, width }: FeatureRows): Tensor {
  const n = Math.sqrt(width)
  return fromTypedArray(values, { shape: [values.length / width, n, n] })
}

/** A tensor of (rows, ...) as rows. */
export function rowsOf(tensor: Tensor): FeatureRows {
  const width = tensor.shape.slice(1).reduce((a, b) => a * b, 1)
  using flat = tensor.reshape([-1])
  return { values: flat.toTypedArray() as Float64Array, width }
}

/** Copies some rows of a (rows, width) array. */
export function takeRows({ values, width }: FeatureRows, rows: ArrayLike<number>): FeatureRows {
  const taken = new Float64Array(rows.length * width)
  for (let i = 0; i < rows.length; i++) taken.set(values.subarray(rows[i]! * width, (rows[i]! + 1) * width), i * width)
  return { values: taken, width }
}
