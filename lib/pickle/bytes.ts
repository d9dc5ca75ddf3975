import { EegTorchError } from '../errors.ts'

const NEWLINE = 0x0a
const MAX_STRING_BYTES = 2 ** 28
/** Python's integers have no limit; nothing in a checkpoint is longer than a random generator's state. */
const MAX_INTEGER_BYTES = 4096

/** The bytes of a pickle, read front to back; every length is checked before it is believed. */
export class PickleBytes {
  position: number
  readonly #bytes: Uint8Array
  readonly #view: DataView
  readonly #file: string

  constructor(bytes: Uint8Array, position: number, file: string) {
    // what is taken out of a Buffer is plain bytes too
    this.#bytes = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.position = position
    this.#file = file
  }

  uint8 = (): number => this.#view.getUint8(this.#advance(1))
  uint16 = (): number => this.#view.getUint16(this.#advance(2), true)
  uint32 = (): number => this.#view.getUint32(this.#advance(4), true)
  int32 = (): number => this.#view.getInt32(this.#advance(4), true)
  /** Python writes this one big-endian. */
  float64 = (): number => this.#view.getFloat64(this.#advance(8), false)

  /** A length of 8 bytes; one that no file can have is as good as too long. */
  uint64 = (): number => Number(this.#view.getBigUint64(this.#advance(8), true))

  take(length: number): Uint8Array {
    const start = this.#advance(length)
    return this.#bytes.subarray(start, start + length)
  }

  /** Lone surrogates, which Python can write, become U+FFFD. */
  utf8(length: number): string {
    return new TextDecoder('utf-8', { ignoreBOM: true }).decode(this.#take(length, MAX_STRING_BYTES))
  }

  /** Two's complement, little-endian. */
  integer(length: number): number | bigint {
    const bytes = this.#take(length, MAX_INTEGER_BYTES)
    if (length === 0) return 0
    const magnitude = BigInt(`0x${Buffer.from(bytes).reverse().toString('hex')}`)
    return narrow(BigInt.asIntN(8 * length, magnitude))
  }

  /** Text up to the end of the line, one character per byte. */
  line(): string {
    const end = this.#bytes.indexOf(NEWLINE, this.position)
    if (end < 0) throw this.truncated(this.#bytes.length - this.position + 1)
    const line = this.#take(end - this.position, MAX_STRING_BYTES)
    this.position++
    return Buffer.from(line.buffer, line.byteOffset, line.byteLength).toString('latin1')
  }

  truncated(needed: number): EegTorchError {
    return new EegTorchError('FILE_TRUNCATED', 'the pickle ends too early', {
      file: this.#file,
      expected: `${needed} more bytes at ${this.position}`,
      received: String(this.#bytes.length - this.position),
    })
  }

  #take(length: number, limit: number): Uint8Array {
    if (length <= limit) return this.take(length)
    throw new EegTorchError('FILE_UNSAFE', 'the pickle holds a single value of absurd length', {
      file: this.#file,
      expected: `at most ${limit} bytes`,
      received: String(length),
    })
  }

  #advance(length: number): number {
    if (length > this.#bytes.length - this.position) throw this.truncated(length)
    const start = this.position
    this.position += length
    return start
  }
}

/** A number where it holds the integer exactly, else a bigint. */
export function narrow(integer: bigint): number | bigint {
  const number = Number(integer)
  return Number.isSafeInteger(number) ? number : integer
}

/** Python's integer as text, `12L` of Python 2 included; undefined when it is none. */
export function parseInteger(text: string): number | bigint | undefined {
  const digits = text.endsWith('L') ? text.slice(0, -1) : text
  return digits.length <= MAX_INTEGER_BYTES && /^[+-]?[0-9]+$/.test(digits)
    ? narrow(BigInt(digits.replace('+', '')))
    : undefined
}

/** Python's float as `repr` writes it; undefined when it is none. */
export function parseFloatText(text: string): number | undefined {
  const special = /^([+-]?)(inf|nan)$/.exec(text)
  if (special) return special[2] === 'nan' ? Number.NaN : special[1] === '-' ? -Infinity : Infinity
  return /^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$/.test(text) ? Number(text) : undefined
}

/** Text of the `raw-unicode-escape` codec. */
export function parseRawUnicode(text: string): string {
  return text.replace(/\\u([0-9a-fA-F]{4})|\\U([0-9a-fA-F]{8})/g, (whole, short, long) => {
    const code = Number.parseInt(short ?? long, 16)
    return code <= 0x10ffff ? String.fromCodePoint(code) : whole
  })
}

const ESCAPES: ReadonlyMap<string, string> = new Map(
  Object.entries({ n: '\n', r: '\r', t: '\t', a: '\x07', b: '\b', f: '\f', v: '\v', '\\': '\\', "'": "'", '"': '"' }),
)

/** Python 2's `repr` of a byte string, one character per byte; undefined when it is none. */
export function parseQuoted(text: string): string | undefined {
  const quoted = /^(['"])(.*)\1$/s.exec(text.trim())
  return quoted?.[2]?.replace(/\\(?:x([0-9a-fA-F]{2})|(.))/gs, (whole, hex, letter) =>
    hex ? String.fromCharCode(Number.parseInt(hex, 16)) : (ESCAPES.get(letter) ?? whole),
  )
}
