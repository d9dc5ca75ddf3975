import { createHash, type Hash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { rm, stat } from 'node:fs/promises'
import { pipeline } from 'node:stream/promises'
import { EegTorchError } from '../errors.ts'

/** SHA-256 of a file in hexadecimal digits. */
export function sha256Of(file: string): Promise<string> {
  return digest(file, createHash('sha256'))
}

/**
 * Small files of the hub have git's own checksum: SHA-1 of a word, their length and their bytes.
 *
 * @throws EegTorchError `FILE_INVALID`; the file is removed
 */
export async function requireGitHash(blob: string, expected: string, path: string): Promise<void> {
  const { size } = await stat(blob)
  const received = await digest(blob, createHash('sha1').update(`blob ${size}\0`))
  if (received !== expected) await refuse(blob, path, `git's sha1 ${expected}`, received)
}

/**
 * @param sum all of the SHA-256 that a file must have, or its first digits
 * @returns all of it
 * @throws EegTorchError `FILE_INVALID`; the file is removed
 */
export async function requireSha256(file: string, sum: string, path = file): Promise<string> {
  const received = await sha256Of(file)
  const expected = sum.length === 64 ? `sha256 ${sum}` : `a sha256 that begins with ${sum}`
  if (!received.startsWith(sum)) await refuse(file, path, expected, received)
  return received
}

async function digest(file: string, hash: Hash): Promise<string> {
  await pipeline(createReadStream(file, { highWaterMark: 2 ** 20 }), hash)
  return hash.digest('hex')
}

async function refuse(file: string, name: string, expected: string, received: string): Promise<never> {
  await rm(file, { force: true })
  const what = `what arrived of ${name} is not the file that was published; it was thrown away`
  throw new EegTorchError('FILE_INVALID', what, { file, expected, received })
}
