import { fromTypedArray } from '../creation.ts'
import type { Tensor } from '../tensor.ts'
import type { FeatureRows } from './lda.ts'

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
  return { values: tensor.reshape([-1]).toTypedArray() as Float64Array, width }
}
