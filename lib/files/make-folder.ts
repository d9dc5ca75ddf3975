import { existsSync } from 'node:fs'
import { mkdir, stat } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { EegTorchError } from '../errors.ts'

/**
 * Makes a folder and those above it; one that is there stays.
 *
 * @throws EegTorchError `FILE_WRITE_FAILED` for a full disk, a read-only folder, a file in the way
 */
export async function makeFolder(path: string): Promise<void> {
  try {
    await makeWithParents(resolve(path))
  } catch (cause) {
    throw new EegTorchError('FILE_WRITE_FAILED', `cannot be made (${(cause as Error).message})`, { file: path, cause })
  }
}

// Node's own `recursive` never returns below folders such as /proc, which take no new ones but do not say so.
async function makeWithParents(path: string): Promise<void> {
  if (existsSync(path)) return requireFolder(path)
  await makeWithParents(dirname(path))
  await mkdir(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error
  })
}

async function requireFolder(path: string): Promise<void> {
  if (!(await stat(path)).isDirectory()) throw new Error(`${path} is a file`)
}
