import { closeSync, openSync, statSync } from 'node:fs'
import { EegTorchError } from '../errors.ts'

/**
 * Opens a file, hands its descriptor on and closes it. A missing file, a folder, a pipe or a device is one clear error.
 *
 * @throws EegTorchError `FILE_NOT_FOUND` if it cannot be opened, `FILE_INVALID` if it is no regular file
 */
export function withFile<T>(file: string, use: (descriptor: number) => T): T {
  const descriptor = openFile(file)
  try {
    return use(descriptor)
  } finally {
    closeSync(descriptor)
  }
}

function openFile(file: string): number {
  try {
    // Asked before opening: to open a pipe would wait for its writer.
    const stat = statSync(file)
    if (stat.isFile()) return openSync(file, 'r')
    const received = stat.isDirectory() ? 'a folder' : 'a pipe or a device'
    throw new EegTorchError('FILE_INVALID', 'this is not a file', { file, expected: 'a regular file', received })
  } catch (cause) {
    if (cause instanceof EegTorchError) throw cause
    const code = (cause as NodeJS.ErrnoException).code
    const what = code === 'ENOENT' ? 'there is no such file' : `the file cannot be opened (${code})`
    throw new EegTorchError('FILE_NOT_FOUND', what, { file, cause })
  }
}
