import { readSync } from 'node:fs'
import { invalid } from '../invalid.ts'

/** Bytes of a line, without its break; the next line may lie over them. */
export interface LineBytes {
  readonly bytes: Buffer
  readonly start: number
  readonly end: number
}

/** A line of a text. */
export interface Line extends LineBytes {
  /** The byte of the file at which it begins. */
  readonly at: number
  /** False where the file ends without a break. */
  readonly isEnded: boolean
}

/** Bytes that are read at once at most. */
const CHUNK_BYTES = 1 << 20
/** No table has longer lines; without breaks a file would be held as a whole. */
const LONGEST = 1 << 24
const [LINE_FEED, RETURN] = [10, 13]

/**
 * Reads an open text line by line from a byte on, a piece at a time; breaks are `\n`, `\r\n` and `\r`.
 *
 * @param part the first byte, and how many bytes will be needed, as far as that is known
 * @param use returns false where it needs no more
 * @throws EegTorchError `FILE_INVALID` for a line of more than 16 MiB
 */
export function eachLine(
  descriptor: number,
  file: string,
  { from, length = CHUNK_BYTES }: { from: number; length?: number },
  use: (line: Line) => boolean,
): void {
  let bytes = Buffer.allocUnsafe(Math.min(length, CHUNK_BYTES))
  let [held, position] = [0, from]
  for (;;) {
    if (held === bytes.length) bytes = Buffer.concat([bytes], Math.max(2 * held, CHUNK_BYTES))
    const count = readSync(descriptor, bytes, held, bytes.length - held, position)
    position += count
    const filled = held + count
    let start = 0
    for (let end = nextBreak(bytes, 0, filled); end < filled; end = nextBreak(bytes, start, filled)) {
      // What follows may be the other half of the break.
      if (bytes[end] === RETURN && end + 1 === filled && count > 0) break
      if (!use({ bytes, start, end, at: position - filled + start, isEnded: true })) return
      start = end + (bytes[end] === RETURN && end + 1 < filled && bytes[end + 1] === LINE_FEED ? 2 : 1)
    }
    if (count === 0) {
      if (start < filled) use({ bytes, start, end: filled, at: position - filled + start, isEnded: false })
      return
    }
    bytes.copyWithin(0, start, filled)
    held = filled - start
    if (held > LONGEST) throw invalid(file, 'a line is too long for a table', `${LONGEST} bytes`, 'more')
  }
}

/** Where the next break is, or `end`. */
function nextBreak(bytes: Buffer, start: number, end: number): number {
  let at = start
  while (at < end && bytes[at] !== LINE_FEED && bytes[at] !== RETURN) at++
  return at
}

/** Each byte a character. */
export const textOf = ({ bytes, start, end }: LineBytes): string => bytes.toString('latin1', start, end)
