import { EegTorchError } from '../../errors.ts'
import { type FileState, stateOf } from '../../files/read-at.ts'
import { withFile } from '../../files/with-file.ts'
import { invalid } from '../invalid.ts'
import { decodeText } from '../read-text.ts'
import { eachLine, type Line, type LineBytes, textOf } from './lines.ts'
import { cellsOf, readRow, unquoted } from './row.ts'

/** A table of numbers in a file: its columns, and where its rows lie. */
export interface Table {
  readonly file: string
  readonly names: readonly string[]
  readonly separator: string
  readonly nRows: number
  /** Bytes at which rows 0, {@link ROWS_APART}, ... begin. */
  readonly places: readonly number[]
  /** How the file was when it was gone through. */
  readonly state: FileState
  /** Numbers of the first column. */
  readonly first: Float64Array
  /** False where the last line has no line break. */
  readonly isEnded: boolean
}

/** Rows from one place that is noted to the next. */
export const ROWS_APART = 64

/**
 * Goes through a table of numbers with a line of names, and keeps its first column; an empty cell is no number.
 *
 * @throws EegTorchError `FILE_INVALID` naming the line, for anything else; `FILE_TRUNCATED` for half a line at the end
 */
export function scanTable(file: string): Table {
  return withFile(file, (descriptor) => {
    const [scan, state] = [new Scan(file), stateOf(descriptor)]
    eachLine(descriptor, file, { from: 0 }, (line) => scan.take(line))
    return scan.table(state)
  })
}

class Scan {
  #head: { names: string[]; separator: string } | undefined
  readonly #places: number[] = []
  readonly #first: number[] = []
  /** Those of the last row. */
  #numbers = new Float64Array(0)
  /** Where empty lines begin of which it is not known yet whether they end the table; one is enough where they are an error in it. */
  readonly #blanks: number[] = []
  #isEnded = true

  constructor(private readonly file: string) {}

  take(line: Line): boolean {
    const { start, end, at, isEnded } = line
    this.#isEnded = isEnded
    if (this.#head === undefined) {
      this.#head = headOf(line)
      this.#numbers = new Float64Array(this.#head.names.length)
    } else if (start < end) {
      if (!isEnded) this.#requireWhole(textOf(line))
      for (const blank of this.#blanks.splice(0)) this.#addRow({ ...line, end: start }, blank)
      this.#addRow(line, at)
    } else if (this.#blanks.length === 0 || this.#head.names.length === 1) this.#blanks.push(at)
    return true
  }

  table(state: FileState): Table {
    const nRows = this.#first.length
    if (this.#head === undefined || nRows === 0) {
      const received = this.#head === undefined ? '0 lines' : '1 line'
      throw invalid(this.file, 'the table has no rows', 'a line of names and lines of numbers', received)
    }
    const { file } = this
    const [places, first, isEnded] = [this.#places, Float64Array.from(this.#first), this.#isEnded]
    return { file, ...this.#head, nRows, places, state, first, isEnded }
  }

  #addRow(line: LineBytes, at: number): void {
    const row = this.#first.length
    readRow(line, this.#head!.separator, this.#numbers, row, this.file)
    this.#first.push(this.#numbers[0]!)
    if (row % ROWS_APART === 0) this.#places.push(at)
  }

  /** The last line may be half of one, and half a number is another number. */
  #requireWhole(text: string): void {
    const { names, separator } = this.#head!
    if (cellsOf(text, separator).length === names.length) return
    throw new EegTorchError('FILE_TRUNCATED', 'the file ends in the middle of a line', {
      file: this.file,
      expected: `${names.length} numbers and a line break`,
      received: JSON.stringify(text.slice(0, 60)),
    })
  }
}

/** What separates the names of a table: the first of `,`, `;` and tab that stands in no quotation. */
export const separatorOf = (head: string): string | undefined => /[,;\t]/.exec(head.replaceAll(/"[^"]*"/g, ''))?.[0]

function headOf({ bytes, start, end }: LineBytes): { names: string[]; separator: string } {
  const text = decodeText(bytes.subarray(start, end)).replace(/^\uFEFF/, '')
  const separator = separatorOf(text) ?? ','
  return { separator, names: cellsOf(text, separator).map(unquoted) }
}
