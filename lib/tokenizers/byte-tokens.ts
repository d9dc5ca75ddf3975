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
