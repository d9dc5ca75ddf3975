import { existsSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { EegTorchError } from '../errors.ts'
import { createAtomically } from './atomic.ts'
import { requireSpace } from './free-space.ts'
import { makeFolder } from './make-folder.ts'
import { isSafePath, openZip, type ZipEntry } from './zip.ts'

/** How to unpack. */
export interface UnpackOptions {
  signal?: AbortSignal | undefined
  onProgress?: (state: { file: string; done: number; total: number }) => void
}

/** What unpacking did: names inside the archive. */
export interface Unpacked {
  written: string[]
  /** Files that were there with the size that the archive gives. */
  kept: string[]
}

/**
 * Unpacks a zip archive into a folder. A file appears when its size and checksum are right; one that is there is never overwritten, so that what was
 * stopped is gone on with.
 *
 * @throws EegTorchError `FILE_UNSAFE` for a path that leads out of the folder, `FILE_WRITE_FAILED` where the disk has too little room, or a file of another
 *   size is in the way; `FILE_INVALID`, `FILE_TRUNCATED` for a damaged archive; `CANCELLED`
 */
export async function unpackZip(
  archive: string,
  folder: string,
  { signal, onProgress }: UnpackOptions = {},
): Promise<Unpacked> {
  const zip = openZip(archive)
  try {
    const entries = [...zip.entries.values()].filter(({ name }) => !name.endsWith('/'))
    for (const { name } of entries) requireSafe(name, archive)
    const missing = entries.filter((entry) => !isThere(folder, entry))
    const total = missing.reduce((sum, { size }) => sum + size, 0)
    await makeFolder(folder)
    await requireSpace(folder, total)
    let done = 0
    for (const entry of missing) {
      if (signal?.aborted) throw new EegTorchError('CANCELLED', 'unpacking was stopped', { file: archive })
      const target = join(folder, entry.name)
      await makeFolder(dirname(target))
      const count = (bytes: number) => {
        done += bytes
        onProgress?.({ file: entry.name, done, total })
      }
      await createAtomically(target, (temporary) => zip.extract(entry, temporary, count))
    }
    const written = new Set(missing.map(({ name }) => name))
    return { written: [...written], kept: entries.map(({ name }) => name).filter((name) => !written.has(name)) }
  } finally {
    zip.close()
  }
}

/**
 * Where to unpack an archive beside itself: right there if all of it lies in one folder, else in a folder of the archive's name, so that archives of several
 * subjects do not meet.
 *
 * @throws EegTorchError `FILE_INVALID`, `FILE_TRUNCATED`, `FILE_NOT_FOUND`
 */
export function folderBeside(archive: string): string {
  const zip = openZip(archive)
  try {
    const roots = new Set([...zip.entries.keys()].map((name) => name.split('/')[0]))
    const isOne = roots.size === 1 && [...zip.entries.keys()].every((name) => name.includes('/'))
    return isOne ? dirname(archive) : archive.replace(/\.zip$/i, '')
  } finally {
    zip.close()
  }
}

function requireSafe(name: string, file: string): void {
  if (isSafePath(name)) return
  throw new EegTorchError('FILE_UNSAFE', `entry ${JSON.stringify(name)} would be written outside its folder`, { file })
}

function isThere(folder: string, { name, size }: ZipEntry): boolean {
  const path = join(folder, name)
  if (!existsSync(path)) return false
  const received = statSync(path).size
  if (received === size) return true
  throw new EegTorchError(
    'FILE_WRITE_FAILED',
    'another file is in the way of one of an archive: it is not overwritten',
    {
      file: path,
      expected: `${size} bytes`,
      received: String(received),
    },
  )
}
