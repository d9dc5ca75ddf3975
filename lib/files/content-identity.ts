import { createHash, type Hash } from 'node:crypto'
import { fstatSync } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { EegTorchError } from '../errors.ts'
import { readAt, readAtAsync } from './read-at.ts'
import { withFile, withFileAsync } from './with-file.ts'

/** Of a file that is larger than all of them together, so many blocks of so many bytes are looked at, evenly from its first byte to its last. */
const BLOCKS = 64
const BLOCK_BYTES = 65_536

/**
 * A short text that tells whether a file, or a folder of files, still has the content that it had: SHA-256 of sizes, names inside the folder, and bytes.
 * Up to 4 MiB all bytes count, of larger files 64 blocks of 64 KiB: gigabytes of weights cost milliseconds, and weights that were trained anew differ
 * everywhere, while a change of a few bytes may stay unseen. Places and times of change do not count; files whose names start with a dot neither.
 *
 * @throws EegTorchError `FILE_NOT_FOUND`
 */
export async function contentIdentity(path: string): Promise<string> {
  const hash = createHash('sha256')
  await addContent(hash, path)
  return `sha256:${hash.digest('hex')}`
}

/** {@link contentIdentity} of a file while everything waits. @throws EegTorchError `FILE_NOT_FOUND`, `FILE_INVALID` for what is no file */
export function fileIdentity(path: string): string {
  const hash = createHash('sha256')
  withFile(path, (descriptor) => {
    const { size } = fstatSync(descriptor)
    hash.update(`file of ${size}\0`)
    for (const [at, length] of blocksOf(size)) hash.update(readAt(descriptor, at, length, 'its content', path))
  })
  return `sha256:${hash.digest('hex')}`
}

async function addContent(hash: Hash, path: string): Promise<void> {
  const found = await stat(path).catch((cause: unknown) => {
    throw new EegTorchError('FILE_NOT_FOUND', 'there is no such file or folder', { file: path, cause })
  })
  if (!found.isDirectory()) return addFile(hash, path)
  const names = (await readdir(path)).filter((name) => !name.startsWith('.')).sort()
  hash.update(`folder of ${names.length}\0`)
  for (const name of names) {
    hash.update(`${name}\0`)
    await addContent(hash, join(path, name))
  }
}

async function addFile(hash: Hash, path: string): Promise<void> {
  await withFileAsync(path, async (handle) => {
    const { size } = await handle.stat()
    hash.update(`file of ${size}\0`)
    for (const [at, length] of blocksOf(size)) hash.update(await readAtAsync(handle, at, length, 'its content', path))
  })
}

/** Where the blocks begin that are looked at, and how long they are. */
function blocksOf(size: number): [at: number, length: number][] {
  if (size <= BLOCKS * BLOCK_BYTES) return [[0, size]]
  return Array.from({ length: BLOCKS }, (_, i) => [Math.floor((i * (size - BLOCK_BYTES)) / (BLOCKS - 1)), BLOCK_BYTES])
}
