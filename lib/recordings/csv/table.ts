import { EegTorchError } from '../../errors.ts'
import { invalid } from '../invalid.ts'

/** Columns of numbers by name; an empty cell is no number. */
export interface Table {
  readonly names: readonly string[]
  readonly columns: readonly Float64Array[]
  /** False where the last line has no line break. */
  readonly isEnded: boolean
}

const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i

/** Reads a table of numbers with a line of names. @throws EegTorchError `FILE_INVALID` naming the line, for anything else */
export function parseTable(text: string, file: string): Table {
  const lines = text.replace(/^\uFEFF/, '').split(/\r\n|\n|\r/)
  const isEnded = lines.at(-1) === ''
  while (lines.length > 0 && lines.at(-1) === '') lines.pop()
  const head = lines[0] ?? ''
  const separator = /[,;\t]/.exec(head)?.[0] ?? ','
  const names = head.split(separator).map((name) => name.trim().replace(/^"(.*)"$/, '$1'))
  const nRows = lines.length - 1
  if (nRows < 1)
    throw invalid(file, 'the table has no rows', 'a line of names and lines of numbers', `${lines.length} lines`)
  // The last line may be half of one, and half a number is another number.
  if (!isEnded && lines.at(-1)!.split(separator).length !== names.length) {
    throw new EegTorchError('FILE_TRUNCATED', 'the file ends in the middle of a line', {
      file,
      expected: `${names.length} numbers and a line break`,
      received: JSON.stringify(lines.at(-1)!.slice(0, 60)),
    })
  }
  const columns = names.map(() => new Float64Array(nRows))
  for (let row = 0; row < nRows; row++) {
    const cells = lines[row + 1]!.split(separator)
    if (cells.length !== names.length) {
      throw invalid(file, `line ${row + 2} has another number of cells`, `${names.length}`, `${cells.length}`)
    }
    for (const [column, cell] of cells.entries()) columns[column]![row] = numberOf(cell.trim(), row, file)
  }
  return { names, columns, isEnded }
}

function numberOf(cell: string, row: number, file: string): number {
  if (NUMBER.test(cell)) return Number(cell)
  if (cell === '' || /^(nan|n\/a|null)$/i.test(cell)) return Number.NaN
  throw invalid(
    file,
    `line ${row + 2} holds something other than numbers`,
    'a number',
    JSON.stringify(cell.slice(0, 40)),
  )
}
