import { readSync } from 'node:fs'
import { EegTorchError } from '../errors.ts'
import { PickleBytes } from './bytes.ts'

/** From this length on, bytes stay in the file. */
const FAR = 2 ** 16
const WINDOW = 2 ** 16
const LONGEST_TEXT = 2 ** 28
const NEWLINE = 0x0a

/** Bytes of a pickle that stay in its file: where they are. As an array it is empty. */
export class FarBytes extends Uint8Array {
  readonly position: number
  readonly size: number

  constructor(position: number, size: number) {
    super(0)
    this.position = position
    this.size = size
  }
}

/** The bytes of a pickle in an open file; long ones are not read but named, so that arrays larger than the memory cost nothing. */
export class FileBytes extends PickleBytes {
  readonly #descriptor: number
  readonly #size: number
  readonly #name: string
  #window: Buffer = Buffer.alloc(0)
  #start = 0

  constructor(descriptor: number, size: number, position: number, file: string) {
    super(new Uint8Array(0), position, file)
    this.#descriptor = descriptor
    this.#size = size
    this.#name = file
  }

  override uint8 = (): number => this.#read(1).readUInt8()
  override uint16 = (): number => this.#read(2).readUInt16LE()
  override uint32 = (): number => this.#read(4).readUInt32LE()
  override int32 = (): number => this.#read(4).readInt32LE()
  override float64 = (): number => this.#read(8).readDoubleBE()
  override uint64 = (): number => Number(this.#read(8).readBigUInt64LE())

  override take(length: number): Uint8Array {
    if (length < FAR) return Uint8Array.from(this.#read(length))
    const start = this.#advance(length)
    return new FarBytes(start, length)
  }

  override utf8(length: number): string {
    return new TextDecoder('utf-8', { ignoreBOM: true }).decode(this.#read(length))
  }

  override integer(length: number): number | bigint {
    return new PickleBytes(this.#read(length), 0, this.#name).integer(length)
  }

  override line(): string {
    const parts: string[] = []
    for (;;) {
      const left = Math.min(WINDOW, this.#size - this.position)
      if (left <= 0 || parts.length * WINDOW > LONGEST_TEXT) throw this.truncated(1)
      const bytes = this.#read(left)
      const end = bytes.indexOf(NEWLINE)
      parts.push(bytes.toString('latin1', 0, end < 0 ? bytes.length : end))
      if (end < 0) continue
      this.position -= bytes.length - end - 1
      return parts.join('')
    }
  }

  override truncated(needed: number): EegTorchError {
    return new EegTorchError('FILE_TRUNCATED', 'the pickle ends too early', {
      file: this.#name,
      expected: `${needed} more bytes at ${this.position}`,
      received: String(this.#size - this.position),
    })
  }

  #read(length: number): Buffer {
    if (length > LONGEST_TEXT) {
      throw new EegTorchError('FILE_UNSAFE', 'the pickle holds a single value of absurd length', {
        file: this.#name,
        expected: `at most ${LONGEST_TEXT} bytes`,
        received: String(length),
      })
    }
    const start = this.#advance(length)
    if (start < this.#start || start + length > this.#start + this.#window.length) this.#fill(start, length)
    return this.#window.subarray(start - this.#start, start - this.#start + length)
  }

  #fill(start: number, length: number): void {
    const bytes = Buffer.alloc(Math.min(Math.max(length, WINDOW), this.#size - start))
    let done = 0
    while (done < bytes.length) {
      const count = readSync(this.#descriptor, bytes, done, bytes.length - done, start + done)
      if (count === 0) throw this.truncated(length)
      done += count
    }
    this.#window = bytes
    this.#start = start
  }

  #advance(length: number): number {
    if (length > this.#size - this.position) throw this.truncated(length)
    const start = this.position
    this.position += length
    return start
  }
}
