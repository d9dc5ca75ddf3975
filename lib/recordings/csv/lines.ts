import { readSync } from 'node:fs'
import { invalid } from '../invalid.ts'

/** A line of a text without its break, each byte a character. */
export interface Line {
  readonly text: string
  /** The byte of the file at which it begins. */
  readonly at: number
  /** False where the file ends without a break. */
  readonly isEnded: boolean
}

/** Bytes that are read at once at most. */
const CHUNK_BYTES = 1 << 20
/** No table has longer lines; without breaks a file would be held as a whole. */
const LONGEST = 1 << 24

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
  const chunk = Buffer.allocUnsafe(Math.min(length, CHUNK_BYTES))
  let [rest, at] = ['', from]
  for (let position = from; ; ) {
    const count = readSync(descriptor, chunk, 0, chunk.length, position)
    position += count
    const text = rest + chunk.toString('latin1', 0, count)
    const breaks = /\r\n|\n|\r/g
    let start = 0
    for (let found = breaks.exec(text); found !== null; found = breaks.exec(text)) {
      // What follows may be the other half of the break.
      if (found[0] === '\r' && breaks.lastIndex === text.length && count > 0) break
      if (!use({ text: text.slice(start, found.index), at: at + start, isEnded: true })) return
      start = breaks.lastIndex
    }
    rest = text.slice(start)
    at += start
    if (count === 0) {
      if (rest !== '') use({ text: rest, at, isEnded: false })
      return
    }
    if (rest.length > LONGEST) throw invalid(file, 'a line is too long for a table', `${LONGEST} bytes`, 'more')
  }
}
