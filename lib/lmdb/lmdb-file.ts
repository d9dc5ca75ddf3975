import { fstatSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { EegTorchError } from '../errors.ts'
import { readAt } from '../files/read-at.ts'
import { withFile } from '../files/with-file.ts'
import { damaged, type LmdbMeta, PAGE_HEADER, readMeta, readTreePage } from './pages.ts'

const META_BYTES = 152
/** liblmdb's own bound of a tree's depth. */
const MAX_DEPTH = 32
const DATA_FILE = 'data.mdb'

/**
 * The entries of an LMDB environment as they were committed last: keys in order, and where their values lie in the file. The whole tree is read and checked
 * when it is opened; values are read when they are asked for. Nothing is mapped, and no lock is taken: not for files that are being written to.
 */
export class LmdbFile {
  /** The file itself, `data.mdb` of a folder. */
  readonly path: string
  /** Bytes of the file that the places were checked against. */
  readonly fileSize: number
  /** Keys, byte for byte a character, in the order of the bytes. */
  readonly keys: readonly string[]
  /** Where each value begins, in bytes. */
  readonly offsets: Float64Array
  /** Bytes of each value. */
  readonly sizes: Float64Array

  /**
   * @param path a folder with `data.mdb`, or a file
   * @throws EegTorchError `FILE_NOT_FOUND`, `FILE_INVALID`, `FILE_TRUNCATED`, `FILE_UNSUPPORTED`
   */
  constructor(path: string) {
    this.path = dataFile(path)
    const tree = withFile(this.path, (descriptor) => new TreeReader(descriptor, this.path).read())
    this.keys = tree.keys
    this.offsets = Float64Array.from(tree.offsets)
    this.sizes = Float64Array.from(tree.sizes)
    this.fileSize = tree.fileSize
  }

  /** Position of a key, or -1. */
  indexOf(key: string): number {
    let [low, high] = [0, this.keys.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if (this.keys[middle]! < key) low = middle + 1
      else high = middle
    }
    return this.keys[low] === key ? low : -1
  }

  /** The value at a position of {@link keys}. @throws EegTorchError `FILE_TRUNCATED` where the file has changed */
  read(index: number): Buffer {
    const [offset, size] = [this.offsets[index]!, this.sizes[index]!]
    return withFile(this.path, (descriptor) =>
      readAt(descriptor, offset, size, `the value of ${this.keys[index]}`, this.path),
    )
  }

  /** The value of a key, or undefined. */
  get(key: string): Buffer | undefined {
    const index = this.indexOf(key)
    return index < 0 ? undefined : this.read(index)
  }
}

/** Whether a path is an LMDB environment: a folder with `data.mdb`, or a file that begins as one. */
export function isLmdb(path: string): boolean {
  try {
    return withFile(dataFile(path), (descriptor) => {
      if (fstatSync(descriptor).size < META_BYTES) return false
      return readMeta(readAt(descriptor, 0, META_BYTES, 'the first page', path), path) !== undefined
    })
  } catch (error) {
    return error instanceof EegTorchError && error.code === 'FILE_UNSUPPORTED'
  }
}

function dataFile(path: string): string {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ? join(path, DATA_FILE) : path
}

interface Tree {
  keys: string[]
  offsets: number[]
  sizes: number[]
  fileSize: number
}

class TreeReader {
  readonly #descriptor: number
  readonly #file: string
  readonly #fileSize: number
  readonly #meta: LmdbMeta
  readonly #tree: Tree
  /** Pages that may still be read: a tree whose branches go in circles would be read for ever. */
  #pagesLeft: number

  constructor(descriptor: number, file: string) {
    this.#descriptor = descriptor
    this.#file = file
    this.#fileSize = fstatSync(descriptor).size
    this.#meta = this.#readMeta()
    this.#pagesLeft = this.#meta.lastPage + 1
    this.#tree = { keys: [], offsets: [], sizes: [], fileSize: this.#fileSize }
  }

  read(): Tree {
    if (this.#meta.root !== undefined) this.#walk(this.#meta.root, 0)
    const { keys } = this.#tree
    if (keys.length !== this.#meta.entries) {
      throw damaged(`it promises ${this.#meta.entries} entries and has ${keys.length}`, this.#file)
    }
    return this.#tree
  }

  /** The newer of two meta pages; the other is what was before the last commit. */
  #readMeta(): LmdbMeta {
    const first = readMeta(readAt(this.#descriptor, 0, META_BYTES, 'the first page', this.#file), this.#file)
    // Where the first is damaged, the second lies after a page of the usual size.
    const at = first?.pageSize ?? 4096
    const second =
      this.#fileSize < at + META_BYTES
        ? undefined
        : readMeta(readAt(this.#descriptor, at, META_BYTES, 'the second page', this.#file), this.#file)
    const newer = first && second && second.transaction > first.transaction ? second : (first ?? second)
    if (newer === undefined) {
      throw new EegTorchError('FILE_INVALID', 'this is no LMDB file', { file: this.#file })
    }
    const bytes = (newer.lastPage + 1) * newer.pageSize
    if (bytes <= this.#fileSize) return newer
    throw new EegTorchError('FILE_TRUNCATED', 'the LMDB file is shorter than it says', {
      file: this.#file,
      expected: `${bytes} bytes`,
      received: String(this.#fileSize),
    })
  }

  #walk(number: number, depth: number): void {
    if (depth > MAX_DEPTH || this.#pagesLeft-- <= 0) throw damaged('its tree goes in circles', this.#file)
    const page = readTreePage(this.#page(number), number, this.#file)
    if ('children' in page) {
      for (const child of page.children) this.#walk(child, depth + 1)
      return
    }
    for (const { key, size, offset, page: own } of page.leaves) {
      const name = key.toString('latin1')
      const before = this.#tree.keys.at(-1)
      if (before !== undefined && !(before < name)) throw damaged('its keys are not in order', this.#file)
      this.#tree.keys.push(name)
      this.#tree.sizes.push(size)
      this.#tree.offsets.push(own === undefined ? number * this.#meta.pageSize + offset! : this.#valueAt(own, size))
    }
  }

  #valueAt(number: number, size: number): number {
    const { pageSize, lastPage } = this.#meta
    if (number >= 2 && number + Math.ceil((PAGE_HEADER + size) / pageSize) <= lastPage + 1) {
      return number * pageSize + PAGE_HEADER
    }
    throw damaged(`the value on page ${number} does not fit into the file`, this.#file)
  }

  #page(number: number): Buffer {
    const { pageSize, lastPage } = this.#meta
    if (!(number >= 2 && number <= lastPage)) throw damaged(`there is no page ${number}`, this.#file)
    return readAt(this.#descriptor, number * pageSize, pageSize, `page ${number}`, this.#file)
  }
}
