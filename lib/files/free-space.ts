import { stat, statfs } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { EegTorchError, type ErrorCode } from '../errors.ts'

/**
 * Refuses work that the disk has no space for, before it is begun. A file system that does not say what is free is believed to have enough.
 *
 * @param folder where the files will lie; it need not be there yet
 * @param needed bytes
 * @param options.advice what to do about it, after a semicolon
 * @throws EegTorchError `FILE_WRITE_FAILED`, or the code that is asked for
 */
export async function requireSpace(
  folder: string,
  needed: number,
  { code = 'FILE_WRITE_FAILED', advice }: { code?: ErrorCode; advice?: string } = {},
): Promise<void> {
  let place = resolve(folder)
  while ((await stat(place).catch(() => undefined)) === undefined && dirname(place) !== place) place = dirname(place)
  const { bavail, bsize } = await statfs(place).catch(() => ({ bavail: Number.POSITIVE_INFINITY, bsize: 1 }))
  if (needed <= bavail * bsize) return
  throw new EegTorchError(code, ['there is not enough space', ...(advice === undefined ? [] : [advice])].join('; '), {
    file: folder,
    expected: inWords(needed),
    received: `${inWords(bavail * bsize)} free`,
  })
}

const inWords = (bytes: number) => (bytes < 1e8 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(1)} GB`)
