import { fstatSync, readSync } from 'node:fs'
import type { FileHandle } from 'node:fs/promises'
import { EegTorchError } from '../errors.ts'
import { withFile } from './with-file.ts'

/** The most that one read call gives. */
const MOST = 2 ** 30

/**
 * Exactly `length` bytes of an open file from `position` on. The size of the file is asked before anything is allocated.
 *
 * @throws EegTorchError `FILE_TRUNCATED` naming what was wanted, if the file ends before
 */
export function readAt(descriptor: number, position: number, length: number, what: string, file: string): Buffer {
  const { size } = fstatSync(descriptor)
  if (!(position >= 0 && length >= 0 && position + length <= size)) throw tooShort(what, position + length, size, file)
  const bytes = Buffer.allocUnsafe(length)
  readInto(descriptor, bytes, position, what, file)
  return bytes
}

/** Fills a buffer from `position` on. @throws EegTorchError `FILE_TRUNCATED` if the file ends before */
export function readInto(descriptor: number, bytes: Buffer, position: number, what: string, file: string): void {
  for (let done = 0; done < bytes.length; ) {
    const count = readSync(descriptor, bytes, done, Math.min(bytes.length - done, MOST), position + done)
    if (count === 0) throw tooShort(what, position + bytes.length, position + done, file)
    done += count
  }
}

/** {@link readAt} while the event loop goes on; for records of a known, small size. */
export async function readAtAsync(
  handle: FileHandle,
  position: number,
  length: number,
  what: string,
  file: string,
): Promise<Buffer> {
  const bytes = Buffer.allocUnsafe(length)
  for (let done = 0; done < length; ) {
    const { bytesRead } = await handle.read(bytes, done, Math.min(length - done, MOST), position + done)
    if (bytesRead === 0) throw tooShort(what, position + length, position + done, file)
    done += bytesRead
  }
  return bytes
}

/** Refuses a file that is shorter than `needed` bytes, because what was checked when it was opened no longer holds. */
export function requireSize(descriptor: number, needed: number, file: string): void {
  const { size } = fstatSync(descriptor)
  if (size >= needed) return
  throw new EegTorchError('FILE_TRUNCATED', 'the file has become shorter since it was opened', {
    file,
    expected: `${needed} bytes`,
    received: String(size),
  })
}

/** By what a file is known to be as it was. */
export interface FileState {
  /** Bytes. */
  readonly size: number
  /** When it was last written, in milliseconds. */
  readonly mtimeMs: number
}

/** How an open file is now. */
export function stateOf(descriptor: number): FileState {
  const { size, mtimeMs } = fstatSync(descriptor)
  return { size, mtimeMs }
}

/**
 * Refuses a file that was written to since places in it were noted: what is there now would be read as something else.
 *
 * @throws EegTorchError `FILE_TRUNCATED` if it has become shorter, else `FILE_INVALID`
 */
export function requireUnchanged(descriptor: number, seen: FileState, file: string): void {
  requireSize(descriptor, seen.size, file)
  const { size, mtimeMs } = stateOf(descriptor)
  if (size === seen.size && mtimeMs === seen.mtimeMs) return
  const words = (bytes: number, time: number) => `${bytes} bytes, written ${new Date(time).toISOString()}`
  throw new EegTorchError('FILE_INVALID', 'the file was changed since it was opened; open it anew', {
    file,
    expected: words(seen.size, seen.mtimeMs),
    received: words(size, mtimeMs),
  })
}

function tooShort(what: string, needed: number, size: number, file: string): EegTorchError {
  return new EegTorchError('FILE_TRUNCATED', `the file ends before the end of ${what}`, {
    file,
    expected: `at least ${count(needed)} bytes`,
    received: count(size),
  })
}

const count = (n: number) => n.toLocaleString('en-US')

/** Size of a file in bytes. @throws EegTorchError `FILE_NOT_FOUND` or `FILE_INVALID` for what is no file */
export function sizeOf(file: string): number {
  return withFile(file, (descriptor) => fstatSync(descriptor).size)
}
