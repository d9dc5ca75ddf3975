/**
 * Dense linear algebra for matrices of a few hundred rows, in double precision. A matrix is a Float64Array in row-major
 * order with its size beside it.
 */

/** Eigenvalues in rising order; row k of `vectors` is the eigenvector of `values[k]`. */
export interface Eigen {
  values: Float64Array
  vectors: Float64Array
}

/** Eigenvalues and orthonormal eigenvectors of a symmetric (n, n) matrix, by cyclic Jacobi rotations. */
export function symmetricEigen(matrix: Float64Array, n: number): Eigen {
  const a = matrix.slice()
  const vectors = identity(n)
  for (let sweep = 0; sweep < 60; sweep++) {
    let rotated = false
    for (let p = 0; p < n - 1; p++) {
      for (let q = p + 1; q < n; q++) {
        const coupling = Math.abs(a[p * n + q]!)
        // Below this a rotation no longer changes the eigenvalues.
        const negligible = Number.EPSILON * 0.1 * Math.sqrt(Math.abs(a[p * n + p]! * a[q * n + q]!))
        if (coupling <= negligible || coupling < Number.MIN_VALUE / Number.EPSILON) continue
        rotate(a, vectors, n, p, q)
        rotated = true
      }
    }
    if (!rotated) break
  }
  return sortEigen(a, vectors, n)
}

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

/**
 * Solves A v = value B v for symmetric A and positive definite B, both (n, n); the vectors satisfy v' B v = 1. Undefined
 * where B is not positive definite.
 */
export function generalisedEigen(a: Float64Array, b: Float64Array, n: number): Eigen | undefined {
  const lower = cholesky(b, n)
  if (lower === undefined) return undefined
  // C = inverse(L) A inverse(L'), one triangular solve for each side; A is symmetric, so its rows serve as columns.
  const half = mapRows(a, n, (row) => solveLower(lower, row))
  const reduced = mapRows(transpose(half, n), n, (row) => solveLower(lower, row))
  const { values, vectors } = symmetricEigen(symmetrise(reduced, n), n)
  return { values, vectors: mapRows(vectors, n, (row) => solveLowerTransposed(lower, row)) }
}

/** row' M row for a symmetric (n, n) matrix that starts at `offset` of an array. */
export function quadraticForm(matrix: Float64Array, offset: number, row: Float64Array): number {
  const n = row.length
  let total = 0
  for (let i = 0; i < n; i++) {
    let inner = 0
    for (let j = 0; j < n; j++) inner += matrix[offset + i * n + j]! * row[j]!
    total += row[i]! * inner
  }
  return total
}

/** Sum of the diagonal. */
export function trace(matrix: Float64Array, n: number): number {
  let total = 0
  for (let i = 0; i < n; i++) total += matrix[i * n + i]!
  return total
}

/** Turns the plane of axes p and q so that their coupling becomes zero. */
function rotate(a: Float64Array, vectors: Float64Array, n: number, p: number, q: number): void {
  const theta = (a[q * n + q]! - a[p * n + p]!) / (2 * a[p * n + q]!)
  const tangent = (theta < 0 ? -1 : 1) / (Math.abs(theta) + Math.hypot(theta, 1))
  const cosine = 1 / Math.hypot(tangent, 1)
  const sine = tangent * cosine
  for (let k = 0; k < n; k++) turn(a, p * n + k, q * n + k, cosine, sine)
  for (let k = 0; k < n; k++) turn(a, k * n + p, k * n + q, cosine, sine)
  for (let k = 0; k < n; k++) turn(vectors, p * n + k, q * n + k, cosine, sine)
  a[p * n + q] = 0
  a[q * n + p] = 0
}

function turn(values: Float64Array, i: number, j: number, cosine: number, sine: number): void {
  const [x, y] = [values[i]!, values[j]!]
  values[i] = cosine * x - sine * y
  values[j] = sine * x + cosine * y
}

function sortEigen(a: Float64Array, vectors: Float64Array, n: number): Eigen {
  const order = Array.from({ length: n }, (_, i) => i).sort((i, j) => a[i * n + i]! - a[j * n + j]!)
  const sorted = { values: new Float64Array(n), vectors: new Float64Array(n * n) }
  for (const [k, i] of order.entries()) {
    sorted.values[k] = a[i * n + i]!
    sorted.vectors.set(vectors.subarray(i * n, (i + 1) * n), k * n)
  }
  return sorted
}

function identity(n: number): Float64Array {
  const matrix = new Float64Array(n * n)
  for (let i = 0; i < n; i++) matrix[i * n + i] = 1
  return matrix
}

function mapRows(matrix: Float64Array, n: number, map: (row: Float64Array) => Float64Array): Float64Array {
  const mapped = new Float64Array(n * n)
  for (let i = 0; i < n; i++) mapped.set(map(matrix.subarray(i * n, (i + 1) * n)), i * n)
  return mapped
}

function transpose(matrix: Float64Array, n: number): Float64Array {
  return matrix.map((_, at) => matrix[(at % n) * n + Math.floor(at / n)]!)
}

function symmetrise(matrix: Float64Array, n: number): Float64Array {
  const turned = transpose(matrix, n)
  return matrix.map((value, i) => (value + turned[i]!) / 2)
}
