import type { EegTorchError } from '../../errors.ts'
import { invalid } from '../invalid.ts'
import { decodeText } from '../read-text.ts'
import { type LineBytes, textOf } from './lines.ts'

const [ZERO, POINT, COMMA, MINUS, QUOTE] = [0x30, 0x2e, 0x2c, 0x2d, 0x22]
/** As many digits make a whole number that a double holds. Divided by a power of ten that it holds too, it is rounded once, as `Number` rounds. */
const MOST_DIGITS = 15
const POWERS = Array.from({ length: MOST_DIGITS + 1 }, (_, i) => 10 ** i)

const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i

/**
 * Reads the numbers of a row, in quotation marks or without; an empty cell is no number. A comma is a decimal point where it separates no cells.
 *
 * @param out as many as the table has columns
 * @throws EegTorchError `FILE_INVALID` naming the line, for anything else than numbers or another count of cells
 */
export function readRow(line: LineBytes, separator: string, out: Float64Array, row: number, file: string): void {
  const code = separator.charCodeAt(0)
  const comma = code === COMMA ? POINT : COMMA
  const { bytes, end } = line
  let at = line.start
  for (let cell = 0; cell < out.length; cell++) {
    if (at > end) throw otherCount(line, separator, out.length, row, file)
    const start = at
    const isQuoted = bytes[at] === QUOTE
    if (isQuoted) at++
    const isNegative = bytes[at] === MINUS
    if (isNegative) at++
    let whole = 0
    let digits = 0
    let beforePoint = -1
    for (; at < end; at++) {
      const digit = bytes[at]! - ZERO
      if (digit >= 0 && digit <= 9) {
        whole = whole * 10 + digit
        digits++
      } else if ((bytes[at] === POINT || bytes[at] === comma) && beforePoint < 0) beforePoint = digits
      else break
    }
    const isClosed = !isQuoted || (at < end && bytes[at] === QUOTE)
    if (isQuoted && isClosed) at++
    if (digits > 0 && digits <= MOST_DIGITS && isClosed && (at === end || bytes[at] === code)) {
      const size = beforePoint < 0 ? whole : whole / POWERS[digits - beforePoint]!
      out[cell] = isNegative ? -size : size
    } else {
      at = isQuoted ? afterQuotes(bytes, start, end) : start
      while (at < end && bytes[at] !== code) at++
      out[cell] = numberOf(withPoint(textOf({ bytes, start, end: at }), separator), row, file)
    }
    at++
  }
  if (at <= end) throw otherCount(line, separator, out.length, row, file)
}

/** The byte behind the mark that closes a quotation, or `end`. */
function afterQuotes(bytes: Buffer, start: number, end: number): number {
  const close = bytes.indexOf(QUOTE, start + 1)
  return close < 0 || close >= end ? end : close + 1
}

/** The cells of a line; a separator between quotation marks separates nothing. */
export function cellsOf(text: string, separator: string): string[] {
  const cells = ['']
  let isQuoted = false
  for (const character of text) {
    if (character === '"') isQuoted = !isQuoted
    if (character === separator && !isQuoted) cells.push('')
    else cells[cells.length - 1] += character
  }
  return cells
}

/** A cell without the quotation marks around it. */
export const unquoted = (cell: string): string => cell.trim().replace(/^"(.*)"$/, '$1')

function otherCount(line: LineBytes, separator: string, count: number, row: number, file: string): EegTorchError {
  const received = `${cellsOf(textOf(line), separator).length}`
  return invalid(file, `line ${row + 2} has another number of cells`, `${count}`, received)
}

/** A cell with its decimal comma as a point. */
export const withPoint = (cell: string, separator: string): string =>
  separator === ',' ? cell : cell.replace(',', '.')

function numberOf(cell: string, row: number, file: string): number {
  const trimmed = unquoted(cell).trim()
  if (NUMBER.test(trimmed)) return Number(trimmed)
  if (trimmed === '' || /^(nan|n\/a|null)$/i.test(trimmed)) return Number.NaN
  throw invalid(
    file,
    `line ${row + 2} holds something other than numbers`,
    'a number',
    JSON.stringify(decodeText(Buffer.from(trimmed, 'latin1')).slice(0, 40)),
  )
}
