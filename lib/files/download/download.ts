import { mkdir, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { EegTorchError } from '../../errors.ts'
import { requireSpace } from '../free-space.ts'
import { checkFile, type FileState } from './checksum.ts'
import { fetchOver } from './fetch-over.ts'
import { cancelled, type DownloadOptions, type RemoteFile } from './options.ts'
import { PartialFile } from './partial-file.ts'

/** What {@link downloadFiles} did with a file. */
export interface Downloaded {
  path: string
  bytes: number
  /** False where it was there already. */
  isNew: boolean
  /** Whether a checksum was known to hold it against; its size alone proves little. */
  isVerified: boolean
}

/**
 * Downloads files, one after another. A broken connection is taken up where it broke, in this call or in a later one, where the server proves that the file is
 * still the same one; else it starts again. What arrives lies under another name (`.part`) until size and checksum are right. Files that are there
 * already are checked, and never overwritten.
 *
 * @throws EegTorchError `DOWNLOAD_FAILED` where no mirror gives the file, `FILE_INVALID` where it is not the one that was published,
 *   `FILE_UNSAFE` for a path outside of the folder, `FILE_WRITE_FAILED` for a full disk, `CANCELLED`
 */
export async function downloadFiles(files: readonly RemoteFile[], options: DownloadOptions): Promise<Downloaded[]> {
  for (const { path } of files) requireInside(path)
  await requireSpace(options.folder, await missingBytes(files, options.folder))
  const known = files.map(({ bytes }) => bytes)
  const sizes = known.map((bytes) => bytes ?? 0)
  const isKnown = known.every((bytes) => bytes !== undefined)
  const results: Downloaded[] = []
  let before = 0
  for (const [i, file] of files.entries()) {
    const tell = (done: number, total = known[i]) => {
      sizes[i] = total ?? sizes[i]!
      const all = isKnown || files.length === 1 ? sizes.reduce((sum, size) => sum + size, 0) : 0
      options.onProgress?.({ file: file.path, done: before + done, total: all })
    }
    const result = await downloadFile(file, options, tell)
    before += result.bytes
    results.push(result)
  }
  return results
}

/**
 * What is there of some files, held against their sizes and checksums; nothing is downloaded.
 *
 * @throws EegTorchError `FILE_UNSAFE` for a path outside of the folder, `CANCELLED`
 */
export async function checkFiles(
  files: readonly RemoteFile[],
  { folder, signal }: Pick<DownloadOptions, 'folder' | 'signal'>,
): Promise<(FileState & { path: string })[]> {
  const states: (FileState & { path: string })[] = []
  for (const file of files) {
    requireInside(file.path)
    if (signal?.aborted) throw cancelled()
    states.push({ path: file.path, ...(await checkFile(join(folder, file.path), file)) })
  }
  return states
}

async function downloadFile(
  file: RemoteFile,
  options: DownloadOptions,
  tell: (done: number, total?: number) => void,
): Promise<Downloaded> {
  const target = join(options.folder, file.path)
  const isVerified = file.sha256 !== undefined || file.md5 !== undefined
  const there = await checkFile(target, file)
  if (there.state === 'right') {
    tell(there.bytes, there.bytes)
    return { path: file.path, bytes: there.bytes, isNew: false, isVerified }
  }
  if (there.state === 'wrong') {
    throw new EegTorchError(
      'FILE_INVALID',
      'is there, but it is not the file that was published; it is not overwritten',
      {
        file: target,
        expected: `${there.expected}, or no file of this name`,
        received: there.received,
      },
    )
  }
  await mkdir(dirname(target), { recursive: true }).catch((cause: Error) => {
    throw new EegTorchError('FILE_WRITE_FAILED', `cannot be made (${cause.message})`, { file: dirname(target), cause })
  })
  const part = await PartialFile.open(target)
  try {
    await fetchOver(file, part, options, tell)
    const bytes = await part.finish()
    return { path: file.path, bytes, isNew: true, isVerified }
  } finally {
    await part.close()
  }
}

/** A list that a server sent must not write outside of the folder. */
function requireInside(path: string): void {
  const parts = path.split('/')
  if (!/[\\\0:]/.test(path) && parts.every((part) => part !== '' && part !== '.' && part !== '..')) return
  throw new EegTorchError('FILE_UNSAFE', 'a file of the list would be written elsewhere', {
    expected: 'a relative path of plain names',
    received: JSON.stringify(path),
  })
}

/** Bytes of the files that have yet to come. */
async function missingBytes(files: readonly RemoteFile[], folder: string): Promise<number> {
  let missing = 0
  for (const { path, bytes = 0 } of files) {
    const target = join(folder, path)
    const there = (await stat(target).catch(() => undefined)) ?? (await stat(`${target}.part`).catch(() => undefined))
    missing += Math.max(0, bytes - (there?.size ?? 0))
  }
  return missing
}
