/** The solution of a square system of a few equations, by elimination with the largest pivot first. */
export function solve(matrix: readonly (readonly number[])[], right: readonly number[]): number[] {
  const n = matrix.length
  const rows = matrix.map((row, i) => [...row, right[i]!])
  for (let column = 0; column < n; column++) {
    const pivot = largest(rows, column)
    ;[rows[column], rows[pivot]] = [rows[pivot]!, rows[column]!]
    for (let below = column + 1; below < n; below++) {
      const factor = rows[below]![column]! / rows[column]![column]!
      rows[below] = rows[below]!.map((value, i) => value - factor * rows[column]![i]!)
    }
  }
  const solution = new Array<number>(n).fill(0)
  for (let i = n - 1; i >= 0; i--) {
    const known = solution.reduce((sum, value, j) => (j > i ? sum + rows[i]![j]! * value : sum), 0)
    solution[i] = (rows[i]![n]! - known) / rows[i]![i]!
  }
  return solution
}

function largest(rows: readonly (readonly number[])[], column: number): number {
  let best = column
  for (let i = column + 1; i < rows.length; i++) {
    if (Math.abs(rows[i]![column]!) > Math.abs(rows[best]![column]!)) best = i
  }
  return best
}
