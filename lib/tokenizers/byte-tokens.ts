const BYTE = /^<0x([0-9A-F]{2})>$/i
const SPACE = /\u2581/g
const REPLACEMENT = '\ufffd'
const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/**
 * Llama's tokens as text: marks of spaces become spaces, runs of bytes characters. As in the reference each byte of a run that is
 * no UTF-8 gives a replacement character of its own.
 *
 * @param spaceBefore whether one space at the beginning is the tokenizer's own
 */
export function joinByteTokens(tokens: readonly string[], spaceBefore: boolean): string {
  const texts: string[] = []
  let bytes: number[] = []
  const flush = (): void => {
    if (bytes.length > 0) texts.push(readBytes(bytes))
    bytes = []
  }
  for (const token of tokens) {
    const byte = BYTE.exec(token)?.[1]
    if (byte !== undefined) {
      bytes.push(Number.parseInt(byte, 16))
      continue
    }
    flush()
    texts.push(token.replace(SPACE, ' '))
  }
  flush()
  const text = texts.join('')
  return spaceBefore && text.startsWith(' ') ? text.slice(1) : text
}

function readBytes(bytes: number[]): string {
  try {
    return strict.decode(Uint8Array.from(bytes))
  } catch {
    return REPLACEMENT.repeat(bytes.length)
  }
}

/** By the character that stands for it in byte-level tokens (Radford et al. 2019): printable bytes are themselves, the others follow from U+0100 on. */
const BYTE_OF: ReadonlyMap<string, number> = byteCharacters()
const lossy = new TextDecoder('utf-8', { ignoreBOM: true })

/** Byte-level tokens as text. A token with characters that stand for no byte, such as an added one with a space, is text itself. */
export function joinByteLevelTokens(tokens: readonly string[]): string {
  const bytes = tokens.flatMap((token) => {
    const read = [...token].map((character) => BYTE_OF.get(character))
    return read.includes(undefined) ? [...new TextEncoder().encode(token)] : (read as number[])
  })
  return lossy.decode(Uint8Array.from(bytes))
}

function byteCharacters(): Map<string, number> {
  const isPrintable = (byte: number) => (byte > 0x20 && byte < 0x7f) || (byte > 0xa0 && byte !== 0xad)
  let next = 0x100
  return new Map(
    Array.from({ length: 256 }, (_, byte) => [String.fromCodePoint(isPrintable(byte) ? byte : next++), byte]),
  )
}
