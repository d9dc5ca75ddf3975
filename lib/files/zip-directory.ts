import { EegTorchError } from '../errors.ts'
import { MAX_DEFLATE_RATIO } from './max-deflate-ratio.ts'

/** One file in a zip archive, as its central directory describes it. */
export interface ZipEntry {
  /** Path inside the archive, as written there; {@link isSafePath} says whether it may be joined to a folder. */
  name: string
  /** 0: stored as it is; 8: deflate. Others cannot be read. */
  method: number
  /** Bytes in the archive. */
  compressedSize: number
  /** Bytes when unpacked. */
  size: number
  crc32: number
  /** Where the entry's local header starts, in bytes from the start of the file. */
  headerOffset: number
  /** Permission bits that a Unix archiver stored, else 0. */
  mode: number
}

/** Where the central directory lies, from the record at the end of the file. */
export interface DirectoryLocation {
  offset: number
  size: number
  count: number
}

/** The end record is 22 bytes and may carry a comment of 65,535; zip64 puts a locator of 20 bytes before it. */
export const TAIL_BYTES: number = 22 + 65_535 + 20

const ENTRY_BYTES = 46
const LOCAL_HEADER_BYTES = 30
const END_SIGNATURE = 0x06054b50
const LOCATOR_SIGNATURE = 0x07064b50
const END64_SIGNATURE = 0x06064b50
const ENTRY_SIGNATURE = 0x02014b50
const LOCAL_SIGNATURE = 0x04034b50
const MAX_32 = 0xffff_ffff

/** Finds the end record in the last bytes of a file; `position` is where `tail` starts in the file. */
export function findEnd(tail: Buffer, position: number, file: string): { end: number; zip64At: number | undefined } {
  for (let at = tail.length - 22; at >= 0; at--) {
    if (tail.readUInt32LE(at) !== END_SIGNATURE || at + 22 + tail.readUInt16LE(at + 20) !== tail.length) continue
    const locator = at - 20
    const isZip64 = locator >= 0 && tail.readUInt32LE(locator) === LOCATOR_SIGNATURE
    return { end: position + at, zip64At: isZip64 ? offset64(tail, locator + 8, file) : undefined }
  }
  throw new EegTorchError('FILE_INVALID', 'not a zip archive, or cut off: its end record is missing', { file })
}

/** Reads the end record, or the zip64 one where there is one; checks that the directory lies inside the file. */
export function readLocation(record: Buffer, end: number, isZip64: boolean, file: string): DirectoryLocation {
  const minimum = isZip64 ? 56 : 22
  if (record.length < minimum || record.readUInt32LE(0) !== (isZip64 ? END64_SIGNATURE : END_SIGNATURE)) {
    throw invalid('its end record is damaged', file)
  }
  const disks = isZip64
    ? [record.readUInt32LE(16), record.readUInt32LE(20)]
    : [record.readUInt16LE(4), record.readUInt16LE(6)]
  if (disks.some((disk) => disk !== 0)) {
    throw new EegTorchError('FILE_UNSUPPORTED', 'zip archives in several parts cannot be read', { file })
  }
  const location = isZip64
    ? { count: offset64(record, 32, file), size: offset64(record, 40, file), offset: offset64(record, 48, file) }
    : { count: record.readUInt16LE(10), size: record.readUInt32LE(12), offset: record.readUInt32LE(16) }
  if (location.offset + location.size > end || location.count * ENTRY_BYTES > location.size) {
    throw new EegTorchError('FILE_TRUNCATED', 'the zip directory reaches past the end of the file', {
      file,
      expected: `${location.count} entries in ${location.size} bytes at ${location.offset}`,
      received: `${end} bytes before the end record`,
    })
  }
  return location
}

/** Reads the central directory; every size and offset is checked against the file before anything believes it. */
export function readDirectory(bytes: Buffer, location: DirectoryLocation, file: string): Map<string, ZipEntry> {
  const entries = new Map<string, ZipEntry>()
  let at = 0
  for (let index = 0; index < location.count; index++) {
    if (at + ENTRY_BYTES > bytes.length || bytes.readUInt32LE(at) !== ENTRY_SIGNATURE) {
      throw invalid(`entry ${index} of its directory is damaged`, file)
    }
    const [nameBytes, extraBytes, commentBytes] = [28, 30, 32].map((field) => bytes.readUInt16LE(at + field)) as [
      number,
      number,
      number,
    ]
    const next = at + ENTRY_BYTES + nameBytes + extraBytes + commentBytes
    if (next > bytes.length) throw invalid(`entry ${index} of its directory is damaged`, file)
    const entry = readEntry(bytes, at, nameBytes, extraBytes, file)
    checkEntry(entry, location.offset, file)
    if (entries.has(entry.name)) throw invalid(`it holds ${JSON.stringify(entry.name)} twice`, file)
    entries.set(entry.name, entry)
    at = next
  }
  refuseOverlap(entries, file)
  return entries
}

function readEntry(bytes: Buffer, at: number, nameBytes: number, extraBytes: number, file: string): ZipEntry {
  const flags = bytes.readUInt16LE(at + 8)
  const name = decodeName(bytes.subarray(at + ENTRY_BYTES, at + ENTRY_BYTES + nameBytes))
  if (flags & 0x2041)
    throw new EegTorchError('FILE_UNSUPPORTED', `entry ${JSON.stringify(name)} is encrypted`, { file })
  const extra = bytes.subarray(at + ENTRY_BYTES + nameBytes, at + ENTRY_BYTES + nameBytes + extraBytes)
  const [compressedSize, size, headerOffset] = [20, 24, 42].map((field) => bytes.readUInt32LE(at + field)) as [
    number,
    number,
    number,
  ]
  const madeOnUnix = bytes.readUInt8(at + 5) === 3
  return {
    name,
    method: bytes.readUInt16LE(at + 10),
    crc32: bytes.readUInt32LE(at + 16),
    mode: madeOnUnix ? (bytes.readUInt32LE(at + 38) >>> 16) & 0o777 : 0,
    ...widen({ size, compressedSize, headerOffset }, extra, name, file),
  }
}

type Sizes = Pick<ZipEntry, 'size' | 'compressedSize' | 'headerOffset'>

/** Replaces fields that hold 0xffffffff by their 64-bit values in the zip64 extra field, which lists only those, in this order. */
function widen(sizes: Sizes, extra: Buffer, name: string, file: string): Sizes {
  if (Object.values(sizes).every((value) => value !== MAX_32)) return sizes
  const field = extraField(extra, 1)
  const wide = { ...sizes }
  let at = 0
  for (const key of ['size', 'compressedSize', 'headerOffset'] as const) {
    if (wide[key] !== MAX_32) continue
    if (field === undefined || at + 8 > field.length)
      throw invalid(`the sizes of ${JSON.stringify(name)} are missing`, file)
    wide[key] = offset64(field, at, file)
    at += 8
  }
  return wide
}

function extraField(extra: Buffer, wanted: number): Buffer | undefined {
  for (let at = 0; at + 4 <= extra.length; ) {
    const length = extra.readUInt16LE(at + 2)
    if (extra.readUInt16LE(at) === wanted) return extra.subarray(at + 4, at + 4 + length)
    at += 4 + length
  }
  return undefined
}

function checkEntry(entry: ZipEntry, directoryOffset: number, file: string): void {
  const { name, method, size, compressedSize, headerOffset } = entry
  if (headerOffset + LOCAL_HEADER_BYTES + compressedSize > directoryOffset) {
    throw new EegTorchError('FILE_TRUNCATED', `entry ${JSON.stringify(name)} reaches past the end of the data`, {
      file,
      expected: `${compressedSize} bytes at ${headerOffset}`,
      received: `${directoryOffset} bytes of data`,
    })
  }
  const largest = method === 0 ? compressedSize : compressedSize * MAX_DEFLATE_RATIO
  if (method === 0 ? size !== largest : method === 8 && size > largest) {
    throw invalid(`entry ${JSON.stringify(name)} claims ${size} bytes from ${compressedSize}`, file)
  }
}

/** Entries that share bytes are how a small archive unpacks to petabytes; no honest archiver writes them. */
function refuseOverlap(entries: Map<string, ZipEntry>, file: string): void {
  const sorted = [...entries.values()].sort((a, b) => a.headerOffset - b.headerOffset)
  for (let i = 1; i < sorted.length; i++) {
    const before = sorted[i - 1]!
    if (before.headerOffset + LOCAL_HEADER_BYTES + before.compressedSize > sorted[i]!.headerOffset) {
      throw new EegTorchError(
        'FILE_UNSAFE',
        `entries ${JSON.stringify(before.name)} and ${JSON.stringify(sorted[i]!.name)} overlap`,
        { file },
      )
    }
  }
}

/** Length of an entry's local header in bytes, after checking that it describes the same entry as the directory. */
export function localHeaderLength(header: Buffer, entry: ZipEntry, file: string): number {
  const agrees =
    header.length === LOCAL_HEADER_BYTES &&
    header.readUInt32LE(0) === LOCAL_SIGNATURE &&
    header.readUInt16LE(8) === entry.method
  if (!agrees) throw invalid(`the header of ${JSON.stringify(entry.name)} disagrees with the directory`, file)
  return LOCAL_HEADER_BYTES + header.readUInt16LE(26) + header.readUInt16LE(28)
}

/** Whether an entry's name stays inside the folder that it is joined to. */
export function isSafePath(name: string): boolean {
  return !/^[/\\]|^[A-Za-z]:|[\\\0]/.test(name) && !name.split('/').includes('..')
}

/** Names are UTF-8 where they are valid as such, else one character a byte; old archivers do not say which. */
function decodeName(bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return bytes.toString('latin1')
  }
}

function offset64(bytes: Buffer, at: number, file: string): number {
  const value = bytes.readBigUInt64LE(at)
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw invalid(`it claims an offset of ${value} bytes`, file)
  return Number(value)
}

function invalid(what: string, file: string): EegTorchError {
  return new EegTorchError('FILE_INVALID', `damaged zip archive: ${what}`, { file })
}
