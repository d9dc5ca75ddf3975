import { closeSync, openSync, type Stats, statSync } from 'node:fs'
import { type FileHandle, open, stat as statAsync } from 'node:fs/promises'
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

/**
 * {@link withFile} while the event loop goes on.
 *
 * @throws EegTorchError as {@link withFile}
 */
export async function withFileAsync<T>(file: string, use: (handle: FileHandle) => Promise<T>): Promise<T> {
  const handle = await openFileAsync(file)
  try {
    return await use(handle)
  } finally {
    await handle.close()
  }
}

function openFile(file: string): number {
  try {
    // Asked before opening: to open a pipe would wait for its writer.
    requireRegular(file, statSync(file))
    return openSync(file, 'r')
  } catch (cause) {
    throw notOpened(file, cause)
  }
}

async function openFileAsync(file: string): Promise<FileHandle> {
  try {
    requireRegular(file, await statAsync(file))
    return await open(file, 'r')
  } catch (cause) {
    throw notOpened(file, cause)
  }
}

function requireRegular(file: string, stat: Stats): void {
  if (stat.isFile()) return
  const received = stat.isDirectory() ? 'a folder' : 'a pipe or a device'
  throw new EegTorchError('FILE_INVALID', 'this is not a file', { file, expected: 'a regular file', received })
}

function notOpened(file: string, cause: unknown): EegTorchError {
  if (cause instanceof EegTorchError) return cause
  const code = (cause as NodeJS.ErrnoException).code
  const what = code === 'ENOENT' ? 'there is no such file' : `the file cannot be opened (${code})`
  return new EegTorchError('FILE_NOT_FOUND', what, { file, cause })
}
