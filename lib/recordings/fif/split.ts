import { existsSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { EegTorchError } from '../../errors.ts'
import { gunzipFile, isGzipFile } from '../../files/gunzip.ts'
import type { TruncatedPolicy } from '../edf-header.ts'
import { BLOCK, type FifTag, type FifTags, KIND, readNumber, readTags, readText } from './tags.ts'

/** One file of a recording. */
export interface FifPart extends FifTags {
  readonly file: string
}

const NEXT_FILE = 2
/** More would be files that refer to one another in circles. */
const MOST_PARTS = 1000
/** Bytes that a compressed file unpacks to: a FIF file is no longer. */
const LONGEST = 2 ** 31

/**
 * The file and those that go on where it ends (recorders split at 2 GB). Those that are compressed by gzip are held in memory, unpacked.
 *
 * @throws EegTorchError `FILE_NOT_FOUND` for a missing part, `FILE_TRUNCATED` for one that is cut off, unless `read` was asked for
 */
export async function readParts(file: string, truncated: TruncatedPolicy, warnings: string[]): Promise<FifPart[]> {
  const parts: FifPart[] = []
  for (let next: string | undefined = file; next !== undefined && parts.length < MOST_PARTS; ) {
    const unpacked = isGzipFile(next) ? await gunzipFile(next, LONGEST, truncated === 'read') : undefined
    const part: FifPart = { file: next, ...readTags(next, unpacked) }
    if (!part.isWhole && truncated === 'error') {
      throw new EegTorchError('FILE_TRUNCATED', 'the file ends before its last tag', { file: next })
    }
    if (!part.isWhole) warnings.push(`${basename(next)} is cut off: the complete buffers were read.`)
    parts.push(part)
    const following = nextOf(part)
    if (following !== undefined && parts.some((known) => known.file === following)) break
    if (following !== undefined && !existsSync(following)) {
      if (truncated === 'error') {
        throw new EegTorchError('FILE_NOT_FOUND', `${basename(next)} goes on in a file that is missing`, {
          file: following,
        })
      }
      warnings.push(`${basename(following)}, in which the recording goes on, is missing.`)
    }
    next = following !== undefined && existsSync(following) ? following : undefined
  }
  return parts
}

function nextOf({ file, tags }: FifPart): string | undefined {
  const inside = tags.filter(({ blocks }) => blocks.at(-1) === BLOCK.reference)
  for (const block of new Set(inside.map((tag) => tag.block))) {
    const find = (kind: number): FifTag | undefined => inside.find((tag) => tag.block === block && tag.kind === kind)
    if (readNumber(file, find(KIND.refRole)) !== NEXT_FILE) continue
    const name = find(KIND.refFileName)
    if (name !== undefined) return join(dirname(file), basename(readText(file, name).replaceAll('\0', '')))
    const number = readNumber(file, find(KIND.refFileNumber))
    // `x_raw.fif` goes on in `x_raw-1.fif`.
    if (number !== undefined)
      return file.replace(/(-\d+)?(\.fif(\.gz)?)$/i, (_whole, _number, ending) => `-${number}${ending}`)
  }
  return undefined
}
