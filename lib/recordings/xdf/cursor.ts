import { fstatSync } from 'node:fs'
import { EegTorchError } from '../../errors.ts'
import { readInto } from '../../files/read-at.ts'
import { invalid } from '../invalid.ts'

/** Bytes that are read at once. */
const WINDOW_BYTES = 1 << 20

/** A part of an open file that is held in memory, and moves to where it is wanted. */
export class FileWindow {
  readonly size: number
  #bytes: Buffer = Buffer.alloc(0)
  #view: DataView = new DataView(new ArrayBuffer(0))
  #start = 0
  #end = 0

  readonly #width: number

  /** @param reach how many bytes will be wanted in all, as far as that is known */
  constructor(
    private readonly descriptor: number,
    readonly file: string,
    reach: number = WINDOW_BYTES,
  ) {
    this.size = fstatSync(descriptor).size
    this.#width = Math.min(reach, WINDOW_BYTES)
  }

  /** Bytes of the file, of which `length` from `position` on are there; the next call may change them. */
  get bytes(): Buffer {
    return this.#bytes
  }

  /** {@link bytes} as numbers are read from them. */
  get view(): DataView {
    return this.#view
  }

  /** Brings bytes of the file into {@link bytes}. @returns where they begin there */
  locate(position: number, length: number): number {
    if (position < this.#start || position + length > this.#end) this.#move(position, length)
    return position - this.#start
  }

  #move(position: number, length: number): void {
    const wanted = Math.max(length, Math.min(this.#width, this.size - position))
    if (this.#bytes.length < wanted) {
      this.#bytes = Buffer.allocUnsafe(wanted)
      this.#view = new DataView(this.#bytes.buffer, this.#bytes.byteOffset, wanted)
    }
    this.#end = this.#start
    readInto(this.descriptor, this.#bytes.subarray(0, wanted), position, 'its chunks', this.file)
    this.#start = position
    this.#end = position + wanted
  }
}

/** Reads numbers one behind the other, never beyond its part of the file. */
export class Cursor {
  #at: number

  constructor(
    private readonly window: FileWindow,
    start: number = 0,
    private readonly end: number = window.size,
  ) {
    this.#at = start
  }

  /** The byte of the file that comes next. */
  get position(): number {
    return this.#at
  }

  get left(): number {
    return this.end - this.#at
  }

  /** A length that says first how many bytes it takes. */
  length(): number {
    const width = this.uint8()
    if (width === 1) return this.uint8()
    if (width === 4) return this.uint32()
    if (width === 8) {
      const at = this.#take(8)
      return Number(this.window.bytes.readBigUInt64LE(at))
    }
    throw invalid(this.window.file, 'a length takes an impossible number of bytes', '1, 4 or 8', `${width}`)
  }

  // The window's bytes are asked for after it has moved.
  uint8(): number {
    const at = this.#take(1)
    return this.window.bytes[at]!
  }

  uint16(): number {
    const at = this.#take(2)
    return this.window.bytes.readUInt16LE(at)
  }

  uint32(): number {
    const at = this.#take(4)
    return this.window.bytes.readUInt32LE(at)
  }

  float64(): number {
    const at = this.#take(8)
    return this.window.bytes.readDoubleLE(at)
  }

  text(): string {
    const { left } = this
    const at = this.#take(left)
    return this.window.bytes.toString('utf8', at, at + left)
  }

  /** The next bytes as a part of their own. */
  part(length: number): Cursor {
    this.skip(length)
    return new Cursor(this.window, this.#at - length, this.#at)
  }

  skip(length: number): void {
    if (length > this.left) throw this.short(length)
    this.#at += length
  }

  short(wanted: number): EegTorchError {
    return new EegTorchError('FILE_TRUNCATED', 'the file ends inside a chunk', {
      file: this.window.file,
      expected: `${wanted} more bytes`,
      received: `${this.left}`,
    })
  }

  /** Brings the next bytes into the window. @returns where they begin there */
  #take(length: number): number {
    this.skip(length)
    return this.window.locate(this.#at - length, length)
  }
}
