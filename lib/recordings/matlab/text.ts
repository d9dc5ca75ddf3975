/** Lines of a text whose characters are stored column by column; undefined if they are not as many as its sizes say. */
export function rowsOf(characters: readonly string[], [nRows = 0, ...rest]: readonly number[]): string[] | undefined {
  const nColumns = rest.reduce((product, dim) => product * dim, 1)
  if (nRows > characters.length) return []
  if (nRows === 1) return [characters.join('')]
  if (nRows * nColumns !== characters.length) return undefined
  return Array.from({ length: nRows }, (_, row) =>
    Array.from({ length: nColumns }, (_, column) => characters[column * nRows + row]!).join(''),
  )
}
