import { inflateSync } from 'node:zlib'
import { EegTorchError } from '../../errors.ts'
import { MAX_DEFLATE_RATIO } from '../../files/max-deflate-ratio.ts'
import { SAMPLE_BYTES, type SampleType } from '../binary/sample-types.ts'
import { invalid } from '../invalid.ts'

/** Type codes of data elements (MAT-File Format, level 5, table 1-1). */
export const MATRIX = 14
export const COMPRESSED = 15
export const UTF8 = 16
export const UTF16 = 17
export const UTF32 = 18
const NUMBERS: Readonly<Record<number, SampleType>> = {
  1: 'int8',
  2: 'uint8',
  3: 'int16',
  4: 'uint16',
  5: 'int32',
  6: 'uint32',
  7: 'float32',
  9: 'float64',
  12: 'int64',
  13: 'uint64',
}
/** The most that zlib can be asked for at once. */
const MOST = 2 ** 32 - 1

/** One tagged piece of a file. */
export interface Element {
  readonly type: number
  readonly bytes: Buffer
}

/** Reads elements one behind the other; every length is held against the bytes that are there. */
export class ElementReader {
  #at = 0

  constructor(
    private readonly bytes: Buffer,
    readonly littleEndian: boolean,
    readonly file: string,
  ) {}

  get isAtEnd(): boolean {
    return this.#at >= this.bytes.length
  }

  get left(): number {
    return this.bytes.length - this.#at
  }

  /** The next element. @throws EegTorchError `FILE_TRUNCATED` or `FILE_INVALID` */
  next(): Element {
    if (this.left < 8) throw this.#short(8)
    const first = this.#uint32(this.#at)
    const small = first >>> 16
    if (small !== 0) {
      // Up to four bytes fit into the tag itself.
      if (small > 4) throw this.invalid('a short element is longer than 4 bytes', '4 bytes', `${small}`)
      const bytes = this.bytes.subarray(this.#at + 4, this.#at + 4 + small)
      this.#at += 8
      return { type: first & 0xffff, bytes }
    }
    const length = this.#uint32(this.#at + 4)
    const start = this.#at + 8
    if (length > this.bytes.length - start) throw this.#short(length)
    const padded = first === COMPRESSED ? length : Math.ceil(length / 8) * 8
    this.#at = Math.min(this.bytes.length, start + padded)
    return { type: first, bytes: this.bytes.subarray(start, start + length) }
  }

  /** The next element, which must hold numbers. */
  nextNumbers(what: string): { type: SampleType; bytes: Buffer } {
    const { type, bytes } = this.next()
    const named = NUMBERS[type]
    if (named === undefined) throw this.invalid(`${what} is not made of numbers`, 'a number type', `type ${type}`)
    return { type: named, bytes: bytes.subarray(0, bytes.length - (bytes.length % SAMPLE_BYTES[named])) }
  }

  /** A reader of what an element holds. */
  inside(element: Element): ElementReader {
    return new ElementReader(element.bytes, this.littleEndian, this.file)
  }

  /** A reader of what a compressed element unpacks to; zlib's checksum is verified. */
  unpacked({ bytes }: Element): ElementReader {
    try {
      const unpacked = inflateSync(bytes, {
        maxOutputLength: Math.min(MOST, Math.max(64, bytes.length * MAX_DEFLATE_RATIO)),
      })
      return new ElementReader(unpacked, this.littleEndian, this.file)
    } catch (cause) {
      const reason = (cause as Error).message
      throw new EegTorchError('FILE_INVALID', `a compressed variable is damaged (${reason})`, {
        file: this.file,
        cause,
      })
    }
  }

  invalid(what: string, expected: string, received: string): EegTorchError {
    return invalid(this.file, what, expected, received)
  }

  #uint32(at: number): number {
    return this.littleEndian ? this.bytes.readUInt32LE(at) : this.bytes.readUInt32BE(at)
  }

  #short(wanted: number): EegTorchError {
    return new EegTorchError('FILE_TRUNCATED', 'the file ends inside a variable', {
      file: this.file,
      expected: `${wanted} more bytes`,
      received: `${this.left}`,
    })
  }
}
