import { closeSync, openSync } from 'node:fs'
import { EegTorchError } from '../errors.ts'

/** Opens a file, hands its descriptor on and closes it; a missing or unreadable file is one clear error. */
export function withFile<T>(file: string, use: (descriptor: number) => T): T {
  let descriptor: number
  try {
    descriptor = openSync(file, 'r')
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code
    const what = code === 'ENOENT' ? 'there is no such file' : `the file cannot be opened (${code})`
    throw new EegTorchError('FILE_NOT_FOUND', what, { file, cause })
  }
  try {
    return use(descriptor)
  } finally {
    closeSync(descriptor)
  }
}
