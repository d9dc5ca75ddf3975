import { EegTorchError } from '../errors.ts'

/** Bytes of the header that every page begins with, the pages of a large value once. */
export const PAGE_HEADER = 16
const NODE_HEADER = 8

const MAGIC = 0xbeefc0de
const DATA_VERSION = 1
const NO_PAGE = 2n ** 64n - 1n
const PAGE_SIZES = { least: 256, most: 65536 }

const IS_BRANCH = 0x01
const IS_LEAF = 0x02
/** A leaf of equal-sized keys without values, as sub-databases of duplicates have. */
const IS_FIXED = 0x20
const NODE_IS_BIG = 0x01
const NODE_IS_DATABASE = 0x02
const NODE_HAS_DUPLICATES = 0x04

/** What one of the two meta pages says. */
export interface LmdbMeta {
  pageSize: number
  /** Page of the main database's root; undefined for an empty environment. */
  root: number | undefined
  /** Entries of the main database. */
  entries: number
  lastPage: number
  transaction: bigint
}

/** A key with where its value lies: bytes from `offset` on, counted from the start of the page, or a page of its own. */
export interface LeafNode {
  key: Buffer
  size: number
  /** Of a value inside the page. */
  offset?: number
  /** First page of a value that has pages of its own. */
  page?: number
}

/**
 * Reads a meta page of LMDB's data format 1, as 64-bit little-endian machines write it.
 *
 * @param bytes the page's first 152 bytes or more
 * @returns undefined for bytes that are no meta page
 * @throws EegTorchError `FILE_UNSUPPORTED` for another format version
 */
export function readMeta(bytes: Buffer, file: string): LmdbMeta | undefined {
  const at = PAGE_HEADER
  if (bytes.readUInt32LE(at) !== MAGIC) return undefined
  const version = bytes.readUInt32LE(at + 4)
  if (version !== DATA_VERSION) {
    throw new EegTorchError('FILE_UNSUPPORTED', 'this version of the LMDB format is not read', {
      file,
      expected: String(DATA_VERSION),
      received: String(version),
    })
  }
  const [free, main] = [at + 24, at + 72]
  const pageSize = bytes.readUInt32LE(free)
  const root = bytes.readBigUInt64LE(main + 40)
  const [entries, lastPage] = [bytes.readBigUInt64LE(main + 32), bytes.readBigUInt64LE(at + 120)].map(Number)
  const isPower = (pageSize & (pageSize - 1)) === 0
  if (!isPower || pageSize < PAGE_SIZES.least || pageSize > PAGE_SIZES.most) return undefined
  if (!Number.isSafeInteger(entries! + lastPage! * pageSize)) return undefined
  return {
    pageSize,
    root: root === NO_PAGE ? undefined : Number(root),
    entries: entries!,
    lastPage: lastPage!,
    transaction: bytes.readBigUInt64LE(at + 128),
  }
}

/**
 * The nodes of a branch or leaf page, every place in it checked.
 *
 * @throws EegTorchError `FILE_INVALID`; `FILE_UNSUPPORTED` for databases of duplicates
 */
export function readTreePage(
  page: Buffer,
  number: number,
  file: string,
): { children: number[] } | { leaves: LeafNode[] } {
  if (page.readBigUInt64LE(0) !== BigInt(number)) throw damaged(`page ${number} calls itself another`, file)
  const flags = page.readUInt16LE(10)
  if (flags & IS_FIXED) throw duplicates(file)
  const kind = flags & (IS_BRANCH | IS_LEAF)
  if (kind === IS_BRANCH) return { children: nodesOf(page, number, file).map((at) => childOf(page, at)) }
  if (kind === IS_LEAF) return { leaves: nodesOf(page, number, file).map((at) => leafOf(page, at, number, file)) }
  throw damaged(`page ${number} is neither branch nor leaf`, file)
}

/** Where the nodes of a page begin. */
function nodesOf(page: Buffer, number: number, file: string): number[] {
  const [lower, upper] = [page.readUInt16LE(12), page.readUInt16LE(14)]
  if (lower < PAGE_HEADER || lower % 2 !== 0 || lower > upper || upper > page.length) {
    throw damaged(`page ${number} has wrong bounds`, file)
  }
  return Array.from({ length: (lower - PAGE_HEADER) / 2 }, (_, i) => {
    const at = page.readUInt16LE(PAGE_HEADER + 2 * i)
    if (at < upper || at + NODE_HEADER > page.length) throw damaged(`a node of page ${number} lies outside of it`, file)
    return at
  })
}

function childOf(page: Buffer, at: number): number {
  return page.readUInt32LE(at) + page.readUInt16LE(at + 4) * 2 ** 32
}

function leafOf(page: Buffer, at: number, number: number, file: string): LeafNode {
  const [size, flags, keySize] = [page.readUInt32LE(at), page.readUInt16LE(at + 4), page.readUInt16LE(at + 6)]
  if (flags & (NODE_IS_DATABASE | NODE_HAS_DUPLICATES)) throw duplicates(file)
  const offset = at + NODE_HEADER + keySize
  const isBig = (flags & NODE_IS_BIG) !== 0
  if (offset + (isBig ? 8 : size) > page.length) throw damaged(`a value of page ${number} lies outside of it`, file)
  const key = Buffer.from(page.subarray(at + NODE_HEADER, offset))
  return isBig ? { key, size, page: Number(page.readBigUInt64LE(offset)) } : { key, size, offset }
}

function duplicates(file: string): EegTorchError {
  return new EegTorchError(
    'FILE_UNSUPPORTED',
    'LMDB environments of several databases, or with duplicate keys, are not read',
    {
      file,
      expected: 'one unnamed database',
    },
  )
}

/** The error for a tree that makes no sense. */
export function damaged(what: string, file: string): EegTorchError {
  return new EegTorchError('FILE_INVALID', `the LMDB file is damaged: ${what}`, { file })
}
