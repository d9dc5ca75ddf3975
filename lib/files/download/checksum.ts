import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { pipeline } from 'node:stream/promises'

/** What a host publishes of a file, to know it by. */
export interface Checksum {
  bytes?: number
  /** In hexadecimal digits; goes before `md5`. */
  sha256?: string
  md5?: string
}

/** What is there of a file. */
export type FileState =
  | { state: 'missing' }
  | { state: 'right'; bytes: number }
  | { state: 'wrong'; expected: string; received: string }

/** Holds a file against its size and checksum. Without either, a file that is there counts as right. */
export async function checkFile(path: string, published: Checksum): Promise<FileState> {
  const found = await stat(path).catch(() => undefined)
  if (found === undefined) return { state: 'missing' }
  if (!found.isFile()) return { state: 'wrong', expected: 'a file', received: 'a folder or a device' }
  const { bytes } = published
  if (bytes !== undefined && bytes !== found.size) {
    return { state: 'wrong', expected: `${bytes} bytes`, received: `${found.size} bytes` }
  }
  const wrong = await compareDigest(path, published)
  return wrong === undefined ? { state: 'right', bytes: found.size } : { state: 'wrong', ...wrong }
}

async function compareDigest(
  path: string,
  { sha256, md5 }: Checksum,
): Promise<{ expected: string; received: string } | undefined> {
  const algorithm = sha256 !== undefined ? 'sha256' : 'md5'
  const expected = (sha256 ?? md5)?.toLowerCase()
  if (expected === undefined) return undefined
  const hash = createHash(algorithm)
  await pipeline(createReadStream(path, { highWaterMark: 2 ** 20 }), hash)
  const received = hash.digest('hex')
  return received === expected
    ? undefined
    : { expected: `${algorithm} ${expected}`, received: `${algorithm} ${received}` }
}
