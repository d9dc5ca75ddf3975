import { randomBytes } from 'node:crypto'
import { open, rename, rm } from 'node:fs/promises'
import { EegTorchError } from '../errors.ts'

/**
 * Writes a file so that a reader sees the old content or the new, never half of it: the bytes go to a temporary name in the
 * same folder, are flushed to disk, and take the real name last.
 *
 * @throws EegTorchError `FILE_WRITE_FAILED` for a full disk, a read-only or missing folder; the old file stays as it was
 */
export async function writeFileAtomically(path: string, content: string | Uint8Array): Promise<void> {
  const temporary = `${path}.${process.pid}.${randomBytes(4).toString('hex')}.tmp`
  try {
    const file = await open(temporary, 'wx')
    try {
      await file.writeFile(content)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(temporary, path)
  } catch (cause) {
    await rm(temporary, { force: true }).catch(() => undefined)
    throw new EegTorchError('FILE_WRITE_FAILED', `cannot be written (${(cause as Error).message})`, {
      file: path,
      cause,
    })
  }
}
