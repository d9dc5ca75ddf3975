/**
 * Dense linear algebra for matrices of a few hundred rows, in double precision. A matrix is a Float64Array in row-major
 * order with its size beside it.
 */

/**
 * Lower triangular L with L L' = the symmetric (n, n) matrix, or undefined where the matrix is not positive definite.
 */
export function cholesky(matrix: Float64Array, n: number): Float64Array | undefined {
  const lower = new Float64Array(n * n)
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      let rest = matrix[i * n + j]!
      for (let k = 0; k < j; k++) rest -= lower[i * n + k]! * lower[j * n + k]!
      if (i !== j) lower[i * n + j] = rest / lower[j * n + j]!
      // A pivot that is rounding error of its diagonal means dependent rows.
      else if (rest > n * Number.EPSILON * matrix[i * n + i]!) lower[i * n + i] = Math.sqrt(rest)
      else return undefined
    }
  }
  return lower
}

/** Solves L x = right for a lower triangular L. */
export function solveLower(lower: Float64Array, right: Float64Array): Float64Array {
  const n = right.length
  const x = right.slice()
  for (let i = 0; i < n; i++) {
    for (let k = 0; k < i; k++) x[i]! -= lower[i * n + k]! * x[k]!
    x[i]! /= lower[i * n + i]!
  }
  return x
}

/** Solves L' x = right for a lower triangular L. */
export function solveLowerTransposed(lower: Float64Array, right: Float64Array): Float64Array {
  const n = right.length
  const x = right.slice()
  for (let i = n - 1; i >= 0; i--) {
    for (let k = i + 1; k < n; k++) x[i]! -= lower[k * n + i]! * x[k]!
    x[i]! /= lower[i * n + i]!
  }
  return x
}

/** Sum of the diagonal. */
export function trace(matrix: Float64Array, n: number): number {
  let total = 0
  for (let i = 0; i < n; i++) total += matrix[i * n + i]!
  return total
}
