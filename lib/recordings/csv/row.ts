import type { EegTorchError } from '../../errors.ts'
import { invalid } from '../invalid.ts'
import { decodeText } from '../read-text.ts'
import { type LineBytes, textOf } from './lines.ts'

const [ZERO, POINT, MINUS] = [0x30, 0x2e, 0x2d]
/** As many digits make a whole number that a double holds. Divided by a power of ten that it holds too, it is rounded once, as `Number` rounds. */
const MOST_DIGITS = 15
const POWERS = Array.from({ length: MOST_DIGITS + 1 }, (_, i) => 10 ** i)

const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i

/**
 * Reads the numbers of a row; an empty cell is no number.
 *
 * @param out as many as the table has columns
 * @throws EegTorchError `FILE_INVALID` naming the line, for anything else than numbers or another count of cells
 */
export function readRow(line: LineBytes, separator: string, out: Float64Array, row: number, file: string): void {
  const code = separator.charCodeAt(0)
  const { bytes, end } = line
  let at = line.start
  for (let cell = 0; cell < out.length; cell++) {
    if (at > end) throw otherCount(line, separator, out.length, row, file)
    const start = at
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
      } else if (digit === POINT - ZERO && beforePoint < 0) beforePoint = digits
      else break
    }
    if (digits > 0 && digits <= MOST_DIGITS && (at === end || bytes[at] === code)) {
      const size = beforePoint < 0 ? whole : whole / POWERS[digits - beforePoint]!
      out[cell] = isNegative ? -size : size
    } else {
      at = start
      while (at < end && bytes[at] !== code) at++
      out[cell] = numberOf(textOf({ bytes, start, end: at }), row, file)
    }
    at++
  }
  if (at <= end) throw otherCount(line, separator, out.length, row, file)
}

function otherCount(line: LineBytes, separator: string, count: number, row: number, file: string): EegTorchError {
  const received = `${textOf(line).split(separator).length}`
  return invalid(file, `line ${row + 2} has another number of cells`, `${count}`, received)
}

function numberOf(cell: string, row: number, file: string): number {
  const trimmed = cell.trim()
  if (NUMBER.test(trimmed)) return Number(trimmed)
  if (trimmed === '' || /^(nan|n\/a|null)$/i.test(trimmed)) return Number.NaN
  throw invalid(
    file,
    `line ${row + 2} holds something other than numbers`,
    'a number',
    JSON.stringify(decodeText(Buffer.from(trimmed, 'latin1')).slice(0, 40)),
  )
}
