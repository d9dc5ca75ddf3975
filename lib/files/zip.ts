import { closeSync, createReadStream, createWriteStream, fstatSync, openSync } from 'node:fs'
import { type Readable, Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { constants, crc32, createInflateRaw, inflateRaw, inflateRawSync } from 'node:zlib'
import { EegTorchError } from '../errors.ts'
import { readAt } from './read-at.ts'
import { findEnd, localHeaderLength, readDirectory, readLocation, TAIL_BYTES, type ZipEntry } from './zip-directory.ts'

export { isSafePath, type ZipEntry } from './zip-directory.ts'

/** The most that is read into memory at once; larger entries are streamed or read in ranges. */
const MAX_READ_BYTES = 2 ** 32 - 2

/**
 * A zip archive open for reading: wheels and PyTorch checkpoints. The directory is read and checked when it is opened; data
 * is read when asked for. Stored and deflated entries, zip64 included.
 */
export class ZipFile {
  readonly path: string
  /** Size of the archive in bytes. */
  readonly size: number
  /** Entries by name, in the order of the directory. */
  readonly entries: ReadonlyMap<string, ZipEntry>
  readonly #descriptor: number
  #isOpen = true

  /** @internal use {@link openZip} */
  constructor(path: string, descriptor: number) {
    this.path = path
    this.#descriptor = descriptor
    this.size = fstatSync(descriptor).size
    this.entries = this.#readEntries()
  }

  /** The entry of this name. @throws EegTorchError `FILE_INVALID` when the archive has none */
  entry(name: string): ZipEntry {
    const entry = this.entries.get(name)
    if (entry === undefined) throw this.#error('FILE_INVALID', `the archive has no entry ${JSON.stringify(name)}`)
    return entry
  }

  /** Where an entry's bytes start in the file: with `compressedSize`, enough to map a stored entry into memory. */
  dataOffset(entry: ZipEntry): number {
    const start = entry.headerOffset
    const offset = start + localHeaderLength(this.#readAt(start, 30), entry, this.path)
    if (offset + entry.compressedSize > this.size) {
      throw this.#error('FILE_TRUNCATED', `entry ${JSON.stringify(entry.name)} reaches past the end of the file`)
    }
    return offset
  }

  /** The whole content of an entry, its size and checksum verified. */
  readSync(entry: ZipEntry): Buffer {
    const data = this.#readCompressed(entry)
    if (entry.method === 0) return this.#verified(entry, data)
    try {
      return this.#verified(entry, inflateRawSync(data, inflateOptions(entry)))
    } catch (cause) {
      throw this.#damaged(entry, cause)
    }
  }

  /** As {@link readSync}; unpacking runs off the JavaScript thread. */
  async read(entry: ZipEntry): Promise<Buffer> {
    const data = this.#readCompressed(entry)
    if (entry.method === 0) return this.#verified(entry, data)
    const unpacked = await new Promise<Buffer>((resolve, reject) => {
      inflateRaw(data, inflateOptions(entry), (cause, result) =>
        cause ? reject(this.#damaged(entry, cause)) : resolve(result),
      )
    })
    return this.#verified(entry, unpacked)
  }

  /** Bytes of a stored entry from `offset` on; the checksum is not verified. Deflated entries cannot be read in parts. */
  readRangeSync(entry: ZipEntry, offset: number, length: number): Buffer {
    if (entry.method !== 0) {
      throw this.#error(
        'FILE_UNSUPPORTED',
        `entry ${JSON.stringify(entry.name)} is compressed and cannot be read in parts`,
      )
    }
    if (offset < 0 || length < 0 || offset + length > entry.size) {
      throw new EegTorchError('FILE_TRUNCATED', `entry ${JSON.stringify(entry.name)} is too short`, {
        file: this.path,
        expected: `${length} bytes at ${offset}`,
        received: `${entry.size} bytes`,
      })
    }
    return this.#readAt(this.dataOffset(entry) + offset, length)
  }

  /** The content of an entry as a stream, for what should not be held in memory; it fails at its end when size or checksum is wrong. */
  stream(entry: ZipEntry): Readable {
    const start = this.dataOffset(entry)
    this.#requireMethod(entry)
    if (entry.compressedSize === 0) return new Verifier(entry, this.path).end()
    const source = createReadStream(this.path, {
      start,
      end: start + entry.compressedSize - 1,
      highWaterMark: 2 ** 20,
    })
    const verifier = new Verifier(entry, this.path)
    const fail = (cause: Error) => verifier.destroy(damaged(entry, this.path, cause))
    source.on('error', fail)
    verifier.on('close', () => source.destroy())
    if (entry.method === 0) return source.pipe(verifier)
    return source.pipe(createInflateRaw({ chunkSize: 2 ** 18 }).on('error', fail)).pipe(verifier)
  }

  /**
   * Writes the content of an entry to a new file.
   *
   * @throws EegTorchError `FILE_INVALID` when size or checksum is wrong; file system errors pass as they are
   */
  async extract(entry: ZipEntry, target: string, onBytes?: (count: number) => void): Promise<void> {
    const source = this.stream(entry)
    if (onBytes) source.on('data', (chunk: Buffer) => onBytes(chunk.length))
    await pipeline(source, createWriteStream(target, { flags: 'wx' }))
  }

  close(): void {
    if (!this.#isOpen) return
    this.#isOpen = false
    closeSync(this.#descriptor)
  }

  #readEntries(): Map<string, ZipEntry> {
    const position = Math.max(0, this.size - TAIL_BYTES)
    const tail = this.#readAt(position, this.size - position)
    const { end, zip64At } = findEnd(tail, position, this.path)
    const record = zip64At === undefined ? tail.subarray(end - position) : this.#readAt(zip64At, 56)
    const location = readLocation(record, zip64At ?? end, zip64At !== undefined, this.path)
    return readDirectory(this.#readAt(location.offset, location.size), location, this.path)
  }

  #readCompressed(entry: ZipEntry): Buffer {
    this.#requireMethod(entry)
    if (Math.max(entry.size, entry.compressedSize) > MAX_READ_BYTES) {
      throw this.#error('FILE_UNSUPPORTED', `entry ${JSON.stringify(entry.name)} is too large to be read at once`)
    }
    return this.#readAt(this.dataOffset(entry), entry.compressedSize)
  }

  #requireMethod(entry: ZipEntry): void {
    if (entry.method === 0 || entry.method === 8) return
    throw new EegTorchError('FILE_UNSUPPORTED', `entry ${JSON.stringify(entry.name)} is packed in an unknown way`, {
      file: this.path,
      expected: 'stored (0) or deflate (8)',
      received: `method ${entry.method}`,
    })
  }

  #verified(entry: ZipEntry, content: Buffer): Buffer {
    if (content.length === entry.size && crc32(content) === entry.crc32) return content
    throw this.#damaged(entry)
  }

  #readAt(position: number, length: number): Buffer {
    if (!this.#isOpen) throw this.#error('USED_AFTER_DISPOSE', 'the archive is closed')
    return readAt(this.#descriptor, position, length, 'what it lists', this.path)
  }

  #damaged(entry: ZipEntry, cause?: unknown): EegTorchError {
    if (cause instanceof EegTorchError) return cause
    return damaged(entry, this.path, cause)
  }

  #error(
    code: 'FILE_INVALID' | 'FILE_TRUNCATED' | 'FILE_UNSUPPORTED' | 'USED_AFTER_DISPOSE',
    what: string,
  ): EegTorchError {
    return new EegTorchError(code, what, { file: this.path })
  }
}

/**
 * Opens a zip archive and reads its directory.
 *
 * @throws EegTorchError `FILE_NOT_FOUND`; `FILE_INVALID`, `FILE_TRUNCATED`, `FILE_UNSUPPORTED` or `FILE_UNSAFE` for what is not a sound archive
 */
export function openZip(path: string): ZipFile {
  const descriptor = openForReading(path)
  try {
    return new ZipFile(path, descriptor)
  } catch (error) {
    closeSync(descriptor)
    throw error
  }
}

function openForReading(path: string): number {
  try {
    const descriptor = openSync(path, 'r')
    if (fstatSync(descriptor).isFile()) return descriptor
    closeSync(descriptor)
  } catch (cause) {
    throw new EegTorchError('FILE_NOT_FOUND', `cannot be opened (${(cause as Error).message})`, { file: path, cause })
  }
  throw new EegTorchError('FILE_INVALID', 'not a file', { file: path })
}

/** Passes bytes on, and fails when they are more, fewer or others than the directory says. */
class Verifier extends Transform {
  readonly #entry: ZipEntry
  readonly #file: string
  #size = 0
  #checksum = 0

  constructor(entry: ZipEntry, file: string) {
    super({ highWaterMark: 2 ** 20 })
    this.#entry = entry
    this.#file = file
  }

  override _transform(
    chunk: Buffer,
    _encoding: BufferEncoding,
    done: (error?: Error | null, data?: Buffer) => void,
  ): void {
    this.#size += chunk.length
    this.#checksum = crc32(chunk, this.#checksum)
    if (this.#size > this.#entry.size) done(damaged(this.#entry, this.#file))
    else done(null, chunk)
  }

  override _flush(done: (error?: Error | null) => void): void {
    const isWhole = this.#size === this.#entry.size && this.#checksum === this.#entry.crc32
    done(isWhole ? null : damaged(this.#entry, this.#file))
  }
}

function damaged(entry: ZipEntry, file: string, cause?: unknown): EegTorchError {
  const detail = cause === undefined ? 'its size or checksum is wrong' : (cause as Error).message
  return new EegTorchError('FILE_INVALID', `entry ${JSON.stringify(entry.name)} is damaged (${detail})`, {
    file,
    cause,
  })
}

function inflateOptions(entry: ZipEntry): { maxOutputLength: number; finishFlush: number } {
  return { maxOutputLength: Math.max(1, entry.size), finishFlush: constants.Z_FINISH }
}
