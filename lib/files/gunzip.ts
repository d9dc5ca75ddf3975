import { fstatSync } from 'node:fs'
import { promisify } from 'node:util'
import { constants, gunzip, gunzipSync } from 'node:zlib'
import { EegTorchError } from '../errors.ts'
import { readAt, readAtAsync } from './read-at.ts'
import { withFile, withFileAsync } from './with-file.ts'

const MARK = [0x1f, 0x8b, 8]
const unpack = promisify(gunzip)

const startsAsGzip = (start: Uint8Array) => MARK.every((byte, i) => start[i] === byte)

/** Whether a file begins as gzip writes it (RFC 1952). */
export function isGzipFile(file: string): boolean {
  return withFile(file, (descriptor) =>
    startsAsGzip(readAt(descriptor, 0, Math.min(MARK.length, fstatSync(descriptor).size), 'its start', file)),
  )
}

/** What the first bytes of a gzip file unpack to; nothing where they are no gzip. */
export function gunzipStart(start: Buffer): Buffer {
  if (!startsAsGzip(start)) return Buffer.alloc(0)
  try {
    return gunzipSync(start, { finishFlush: constants.Z_SYNC_FLUSH })
  } catch {
    return Buffer.alloc(0)
  }
}

/**
 * What a gzip file unpacks to, on a thread of Node's pool; its checksum is verified. How long it is going to be is nowhere believed: unpacking ends
 * where the limit is passed.
 *
 * @param longest bytes, packed or unpacked
 * @param isCutAllowed takes what is there of a file that is cut off
 * @throws EegTorchError `FILE_UNSUPPORTED` beyond the limit, `FILE_TRUNCATED`, `FILE_INVALID`, `FILE_NOT_FOUND`
 */
export async function gunzipFile(file: string, longest: number, isCutAllowed = false): Promise<Buffer> {
  const tooLong = () =>
    new EegTorchError('FILE_UNSUPPORTED', 'the file unpacks to more than is read at once: unpack it with gunzip', {
      file,
      expected: `at most ${longest} bytes`,
    })
  const packed = await withFileAsync(file, async (handle) => {
    const { size } = await handle.stat()
    if (size > longest) throw tooLong()
    return readAtAsync(handle, 0, size, 'what is compressed', file)
  })
  try {
    return await unpack(packed, {
      maxOutputLength: longest,
      ...(isCutAllowed && { finishFlush: constants.Z_SYNC_FLUSH }),
    })
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException
    if (code === 'ERR_BUFFER_TOO_LARGE') throw tooLong()
    if (code === 'Z_BUF_ERROR') throw new EegTorchError('FILE_TRUNCATED', 'the compressed file is cut off', { file })
    throw new EegTorchError('FILE_INVALID', `the compressed file is damaged (${message})`, { file, cause })
  }
}
