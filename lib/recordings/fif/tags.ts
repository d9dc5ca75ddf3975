import { fstatSync } from 'node:fs'
import { EegTorchError } from '../../errors.ts'
import { readAt } from '../../files/read-at.ts'
import { withFile } from '../../files/with-file.ts'
import { numbersOf, type SampleType } from '../binary/sample-types.ts'
import { invalid } from '../invalid.ts'
import { decodeText } from '../read-text.ts'

/** A tag, without its data. */
export interface FifTag {
  readonly kind: number
  readonly type: number
  readonly size: number
  /** Byte of its data. */
  readonly position: number
  /** Kinds of the blocks around it, outermost first. */
  readonly blocks: readonly number[]
  /** Number of the innermost block: tags of one block share it. */
  readonly block: number
  /** The file as it was unpacked, where it is compressed. */
  readonly unpacked?: Buffer
}

/** Kinds of tags and blocks (FIFF specification; MNE's own above 350). */
export const KIND = {
  fileId: 100,
  blockStart: 104,
  blockEnd: 105,
  refRole: 115,
  refFileNumber: 117,
  refFileName: 118,
  nChannels: 200,
  samplingRate: 201,
  channel: 203,
  date: 204,
  comment: 206,
  firstSample: 208,
  lastSample: 209,
  channelName: 258,
  buffer: 300,
  skip: 301,
  epoch: 302,
  nameList: 3507,
  eventList: 3561,
  minimum: 3568,
  maximum: 3569,
} as const
export const BLOCK = {
  measurement: 101,
  raw: 102,
  continuous: 112,
  channelInfo: 113,
  reference: 118,
  shielded: 119,
  bads: 359,
  events: 361,
  epochs: 373,
  annotations: 3810,
} as const

/** Types of numbers, without the bit that says matrix. */
export const TYPES: Readonly<Record<number, SampleType>> = {
  2: 'int16',
  3: 'int32',
  4: 'float32',
  5: 'float64',
  16: 'int16',
}
export const MATRIX = 0x4000_0000
const TAG_BYTES = 16
/** Headers and lists are small; samples are never read as one tag. */
const LONGEST_VALUE = 2 ** 26

/** Whether a file that begins like this is a FIF file: its first tag is an identifier of 20 bytes. */
export const isFif = (start: Buffer): boolean =>
  start.length >= 16 &&
  start.readInt32BE(0) === KIND.fileId &&
  start.readInt32BE(4) === 31 &&
  start.readInt32BE(8) === 20

/** The tags of a file, and whether it is whole. */
export interface FifTags {
  readonly tags: readonly FifTag[]
  readonly isWhole: boolean
}

/** The bytes in which tags are looked for. */
interface TagBytes {
  readonly size: number
  /** Bytes that lie inside the size. */
  read(position: number, length: number, what: string): Buffer
}

/**
 * Reads the list of tags by going from one to the next.
 *
 * @param unpacked what the file unpacks to, where it is compressed
 * @throws EegTorchError `FILE_INVALID`, `FILE_TRUNCATED` for what is no FIF file
 */
export function readTags(file: string, unpacked?: Buffer): FifTags {
  if (unpacked !== undefined) {
    const read = (position: number, length: number) => unpacked.subarray(position, position + length)
    const { tags, isWhole } = listTags({ size: unpacked.length, read }, file)
    return { tags: tags.map((tag) => ({ ...tag, unpacked })), isWhole }
  }
  return withFile(file, (descriptor) => {
    const { size } = fstatSync(descriptor)
    return listTags({ size, read: (...range) => readAt(descriptor, ...range, file) }, file)
  })
}

function listTags(bytes: TagBytes, file: string): FifTags {
  const { size } = bytes
  const tags: FifTag[] = []
  let open: { kind: number; id: number }[] = []
  let [position, nBlocks] = [0, 0]
  if (!isFif(bytes.read(0, Math.min(size, TAG_BYTES), 'its first tag'))) {
    throw new EegTorchError(size < TAG_BYTES ? 'FILE_TRUNCATED' : 'FILE_INVALID', 'this is no FIF file', { file })
  }
  for (;;) {
    if (position === size) return { tags, isWhole: open.length === 0 }
    if (position + TAG_BYTES > size) return { tags, isWhole: false }
    const head = bytes.read(position, TAG_BYTES, 'a tag')
    const [kind, type, length, next] = [
      head.readInt32BE(0),
      head.readUInt32BE(4),
      head.readInt32BE(8),
      head.readInt32BE(12),
    ]
    const data = position + TAG_BYTES
    if (length < 0)
      throw invalid(file, `the tag at byte ${position} has a negative size`, '0 bytes or more', `${length}`)
    if (data + length > size) return { tags, isWhole: false }
    if (kind === KIND.blockStart && length >= 4) {
      open = [...open, { kind: bytes.read(data, 4, 'a block').readInt32BE(0), id: ++nBlocks }]
    } else if (kind === KIND.blockEnd) open = open.slice(0, -1)
    else
      tags.push({
        kind,
        type,
        size: length,
        position: data,
        blocks: open.map((b) => b.kind),
        block: open.at(-1)?.id ?? 0,
      })
    if (next === -1) return { tags, isWhole: open.length === 0 }
    if (next !== 0 && next < data + length)
      throw invalid(file, 'its tags go round in circles', 'a next tag further on', `from ${position} to ${next}`)
    position = next === 0 ? data + length : next
  }
}

/** The bytes of a tag's value. */
export function readValue(file: string, { position, size, unpacked }: FifTag): Buffer {
  if (size > LONGEST_VALUE)
    throw invalid(file, 'a value is too long to be one of a header', `at most ${LONGEST_VALUE} bytes`, `${size}`)
  if (unpacked !== undefined) return unpacked.subarray(position, position + size)
  return withFile(file, (descriptor) => readAt(descriptor, position, size, 'a value', file))
}

/** Numbers of a tag: of a list, or of a matrix without the sizes at its end. */
export function readNumbers(file: string, tag: FifTag): Float64Array {
  const type = TYPES[tag.type & 0xffff]
  if (type === undefined)
    throw invalid(file, `the tag of kind ${tag.kind} holds no numbers`, 'a type of numbers', `type ${tag.type}`)
  const bytes = readValue(file, tag)
  if ((tag.type & MATRIX) === 0) return numbersOf(bytes, type, false)
  const nDims = bytes.length < 4 ? 0 : bytes.readInt32BE(bytes.length - 4)
  if (!(nDims >= 1 && nDims <= 8 && bytes.length >= 4 * (nDims + 1)))
    throw invalid(file, 'a matrix has no sizes', '1 size or more', `${nDims}`)
  return numbersOf(bytes.subarray(0, bytes.length - 4 * (nDims + 1)), type, false)
}

/** The first number of a tag. */
export function readNumber(file: string, tag: FifTag | undefined): number | undefined {
  return tag === undefined ? undefined : readNumbers(file, tag)[0]
}

export const readText = (file: string, tag: FifTag): string => decodeText(readValue(file, tag))

/** Names joined by colons; a colon inside one is written out. */
export function readNames(file: string, tag: FifTag | undefined): string[] {
  const text = tag === undefined ? '' : readText(file, tag)
  return text === '' ? [] : text.split(':').map((name) => name.replaceAll('{COLON}', ':'))
}
