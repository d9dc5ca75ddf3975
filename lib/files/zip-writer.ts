import type { FileHandle } from 'node:fs/promises'
import { crc32 } from 'node:zlib'

const MAX_16 = 0xffff
const MAX_32 = 0xffffffff
/** One system call writes less than 2 GiB. */
const MAX_WRITE_BYTES = 2 ** 30
const ZIP64_FIELD = 1
/** The field that PyTorch pads with. */
const PADDING_FIELD = 0x4246
const UTF8_NAMES = 0x800
/** 1 January 1980: the same content gives the same bytes. */
const FIRST_DAY = 0x21

interface WrittenEntry {
  readonly name: Buffer
  readonly checksum: number
  readonly size: number
  readonly offset: number
}

/**
 * Writes a zip archive of stored entries, one after another, to an open file; entries and archives beyond 4 GiB included. Their bytes start at
 * multiples of 64, so that they can be mapped into memory.
 */
export class ZipWriter {
  readonly #file: FileHandle
  readonly #entries: WrittenEntry[] = []
  #position = 0

  constructor(file: FileHandle) {
    this.#file = file
  }

  /**
   * Adds an entry, whose content may come in parts: an array of bytes ends at 4 GiB. Names are the caller's business: the same one twice makes an
   * archive that readers refuse.
   */
  async add(name: string, ...parts: Uint8Array[]): Promise<void> {
    const entry = {
      name: Buffer.from(name),
      checksum: parts.reduce((sum, part) => crc32(part, sum), 0),
      size: parts.reduce((sum, part) => sum + part.length, 0),
      offset: this.#position,
    }
    this.#entries.push(entry)
    await this.#write(localHeader(entry))
    for (const part of parts) await this.#write(part)
  }

  /** Writes the directory; nothing can be added afterwards. */
  async end(): Promise<void> {
    const offset = this.#position
    for (const entry of this.#entries) await this.#write(directoryEntry(entry))
    await this.#write(endRecords(this.#entries.length, this.#position - offset, offset))
  }

  async #write(bytes: Uint8Array): Promise<void> {
    for (let done = 0; done < bytes.length; ) {
      const length = Math.min(bytes.length - done, MAX_WRITE_BYTES)
      const { bytesWritten } = await this.#file.write(bytes, done, length, this.#position)
      done += bytesWritten
      this.#position += bytesWritten
    }
  }
}

function localHeader({ name, checksum, size, offset }: WrittenEntry): Buffer {
  const wide = size >= MAX_32 ? extraField(ZIP64_FIELD, [size, size]) : Buffer.alloc(0)
  const start = offset + 30 + name.length + wide.length
  const padding = Buffer.alloc(4 + ((64 - ((start + 4) % 64)) % 64))
  padding.writeUInt16LE(PADDING_FIELD, 0)
  padding.writeUInt16LE(padding.length - 4, 2)
  const header = Buffer.alloc(30)
  header.writeUInt32LE(0x04034b50, 0)
  header.writeUInt16LE(wide.length > 0 ? 45 : 20, 4)
  header.writeUInt16LE(UTF8_NAMES, 6)
  header.writeUInt16LE(FIRST_DAY, 12)
  header.writeUInt32LE(checksum, 14)
  header.writeUInt32LE(Math.min(size, MAX_32), 18)
  header.writeUInt32LE(Math.min(size, MAX_32), 22)
  header.writeUInt16LE(name.length, 26)
  header.writeUInt16LE(wide.length + padding.length, 28)
  return Buffer.concat([header, name, wide, padding])
}

function directoryEntry({ name, checksum, size, offset }: WrittenEntry): Buffer {
  const large = [...(size >= MAX_32 ? [size, size] : []), ...(offset >= MAX_32 ? [offset] : [])]
  const wide = large.length > 0 ? extraField(ZIP64_FIELD, large) : Buffer.alloc(0)
  const entry = Buffer.alloc(46)
  entry.writeUInt32LE(0x02014b50, 0)
  entry.writeUInt16LE(wide.length > 0 ? 45 : 20, 4)
  entry.writeUInt16LE(wide.length > 0 ? 45 : 20, 6)
  entry.writeUInt16LE(UTF8_NAMES, 8)
  entry.writeUInt16LE(FIRST_DAY, 14)
  entry.writeUInt32LE(checksum, 16)
  entry.writeUInt32LE(Math.min(size, MAX_32), 20)
  entry.writeUInt32LE(Math.min(size, MAX_32), 24)
  entry.writeUInt16LE(name.length, 28)
  entry.writeUInt16LE(wide.length, 30)
  entry.writeUInt32LE(Math.min(offset, MAX_32), 42)
  return Buffer.concat([entry, name, wide])
}

function extraField(id: number, values: number[]): Buffer {
  const field = Buffer.alloc(4 + 8 * values.length)
  field.writeUInt16LE(id, 0)
  field.writeUInt16LE(8 * values.length, 2)
  for (const [i, value] of values.entries()) field.writeBigUInt64LE(BigInt(value), 4 + 8 * i)
  return field
}

/** The end of the directory, and before it what does not fit there. */
function endRecords(count: number, size: number, offset: number): Buffer {
  const end = Buffer.alloc(22)
  end.writeUInt32LE(0x06054b50, 0)
  end.writeUInt16LE(Math.min(count, MAX_16), 8)
  end.writeUInt16LE(Math.min(count, MAX_16), 10)
  end.writeUInt32LE(Math.min(size, MAX_32), 12)
  end.writeUInt32LE(Math.min(offset, MAX_32), 16)
  if (count < MAX_16 && size < MAX_32 && offset < MAX_32) return end
  const wide = Buffer.alloc(76)
  wide.writeUInt32LE(0x06064b50, 0)
  wide.writeBigUInt64LE(44n, 4)
  wide.writeUInt16LE(45, 12)
  wide.writeUInt16LE(45, 14)
  wide.writeBigUInt64LE(BigInt(count), 24)
  wide.writeBigUInt64LE(BigInt(count), 32)
  wide.writeBigUInt64LE(BigInt(size), 40)
  wide.writeBigUInt64LE(BigInt(offset), 48)
  wide.writeUInt32LE(0x07064b50, 56)
  wide.writeBigUInt64LE(BigInt(offset + size), 64)
  wide.writeUInt32LE(1, 72)
  return Buffer.concat([wide, end])
}
