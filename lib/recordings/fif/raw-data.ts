import { SAMPLE_BYTES } from '../binary/sample-types.ts'
import type { StridedPiece } from '../binary/strided-source.ts'
import { invalid } from '../invalid.ts'
import { BLOCK, type FifTag, KIND, MATRIX, readNumber, TYPES } from './tags.ts'

/** Where the samples of one file are. */
export interface RawData {
  readonly pieces: readonly StridedPiece[]
  /** Number that the first sample has on the amplifier's clock. */
  readonly firstSample: number
  /** Stored samples before which something was left out, and how many. */
  readonly gaps: readonly { readonly before: number; readonly length: number }[]
  readonly nSamples: number
}

const RAW_BLOCKS: readonly number[] = [BLOCK.raw, BLOCK.continuous, BLOCK.shielded]

/**
 * Lists the buffers of raw data of one file. A skip stands for as many samples as so many buffers would have held.
 *
 * @param stored samples that files before this one hold
 * @throws EegTorchError `FILE_INVALID` for a buffer of another type or without whole samples
 */
export function rawDataOf(
  tags: readonly FifTag[],
  file: string,
  nChannels: number,
  stored: number,
): RawData | undefined {
  const inside = tags.filter(({ blocks }) => RAW_BLOCKS.includes(blocks.at(-1) ?? 0))
  const buffers = inside.filter(({ kind }) => kind === KIND.buffer)
  if (buffers.length === 0) return undefined
  const pieces: StridedPiece[] = []
  const gaps: { before: number; length: number }[] = []
  let firstSample =
    readNumber(
      file,
      inside.find(({ kind }) => kind === KIND.firstSample),
    ) ?? 0
  let [at, skipped] = [stored, 0]
  for (const tag of inside) {
    if (tag.kind === KIND.skip) skipped = Math.max(0, readNumber(file, tag) ?? 0)
    if (tag.kind !== KIND.buffer) continue
    const piece = pieceOf(tag, file, nChannels, at)
    // What was skipped before the first sample only moves the clock.
    if (skipped > 0 && at === stored) firstSample += skipped * piece.nSamples
    else if (skipped > 0) gaps.push({ before: at, length: skipped * piece.nSamples })
    skipped = 0
    pieces.push(piece)
    at += piece.nSamples
  }
  return { pieces, firstSample, gaps, nSamples: at - stored }
}

function pieceOf(tag: FifTag, file: string, nChannels: number, first: number): StridedPiece {
  const { type: code, size, position, unpacked } = tag
  const type = (code & MATRIX) === 0 ? TYPES[code] : undefined
  if (type === undefined)
    throw invalid(
      file,
      'a buffer has samples of an unknown type',
      `type ${Object.keys(TYPES).join(', ')}`,
      `type ${code}`,
    )
  const bytes = SAMPLE_BYTES[type]
  const frame = bytes * nChannels
  if (size === 0 || size % frame !== 0) {
    throw invalid(file, 'a buffer does not hold whole samples', `a multiple of ${frame} bytes`, `${size} bytes`)
  }
  const nSamples = size / frame
  return {
    file,
    unpacked,
    position,
    first,
    nSamples,
    type,
    littleEndian: false,
    sampleStride: frame,
    channelStride: bytes,
  }
}
