import { fstatSync } from 'node:fs'
import { EegTorchError } from '../errors.ts'
import { readAt } from '../files/read-at.ts'
import { withFile } from '../files/with-file.ts'

/** No header, table of events or list of markers is longer than this. */
const LONGEST = 2 ** 28

/** The bytes of a small file. @throws EegTorchError `FILE_NOT_FOUND`; `FILE_UNSUPPORTED` for one beyond 256 MiB */
export function readWhole(file: string, longest: number = LONGEST): Buffer {
  return withFile(file, (descriptor) => {
    const { size } = fstatSync(descriptor)
    if (size > longest) {
      throw new EegTorchError('FILE_UNSUPPORTED', 'the file is too long to be read at once', {
        file,
        expected: `at most ${longest} bytes`,
        received: String(size),
      })
    }
    return readAt(descriptor, 0, size, 'its text', file)
  })
}

/** Text of bytes in UTF-8, or in Latin-1 where they are no valid UTF-8; without a byte order mark. */
export function decodeText(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return Buffer.from(bytes).toString('latin1')
  }
}

export const readText = (file: string): string => decodeText(readWhole(file))
