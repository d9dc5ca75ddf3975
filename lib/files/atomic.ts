import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { type FileHandle, link, open, readdir, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { EegTorchError } from '../errors.ts'

/** A name in the same folder, so that renaming moves nothing. */
export function temporaryName(path: string): string {
  return `${path}.${process.pid}.${randomBytes(4).toString('hex')}.tmp`
}

/** {@link temporaryName}, and what C++ calls files of tensors in the making. */
const TEMPORARY = /\.\d+\.[0-9a-f]{8}\.tmp$/

/**
 * Removes what killed processes left of files in the making. The caller has the folder to itself; folders in it that have a lock of their own are
 * another's and stay as they are.
 */
export async function removeDrafts(folder: string): Promise<void> {
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name)
    if (TEMPORARY.test(entry.name)) await rm(path, { recursive: true, force: true })
    else if (entry.isDirectory() && !(await readdir(path)).some((name) => name.endsWith('.lock')))
      await removeDrafts(path)
  }
}

/**
 * Writes a file so that a reader sees the old content or the new, never half of it: the bytes go to a temporary name in the
 * same folder, are flushed to disk, and take the real name last.
 *
 * @throws EegTorchError `FILE_WRITE_FAILED` for a full disk, a read-only or missing folder; the old file stays as it was
 */
export async function writeFileAtomically(path: string, content: string | Uint8Array): Promise<void> {
  await streamFileAtomically(path, (file) => file.writeFile(content))
}

/** {@link writeFileAtomically} for what is written piece by piece. What `write` itself throws as an EegTorchError passes as it is. */
export async function streamFileAtomically(path: string, write: (file: FileHandle) => Promise<void>): Promise<void> {
  const temporary = temporaryName(path)
  await cleaning(path, temporary, async () => {
    await writeWhole(temporary, write)
    await rename(temporary, path)
  })
}

async function writeWhole(path: string, write: (file: FileHandle) => Promise<void>): Promise<void> {
  const file = await open(path, 'wx')
  try {
    await write(file)
    await file.sync()
  } finally {
    await file.close()
  }
}

/**
 * {@link writeFileAtomically} for files that belong together: all are written before the first takes its name, the last of them first, so a
 * disk that fills up leaves every old one as it was.
 */
export async function writeFilesAtomically(
  files: readonly (readonly [path: string, content: string | Uint8Array])[],
): Promise<void> {
  const [first, ...rest] = files
  if (first === undefined) return
  const [path, content] = first
  const temporary = temporaryName(path)
  await cleaning(path, temporary, async () => {
    await writeWhole(temporary, (file) => file.writeFile(content))
    await writeFilesAtomically(rest)
    await rename(temporary, path)
  })
}

/**
 * Makes a file or folder that must not be there yet: `make` gets a temporary name beside it, which becomes the real one last. What another
 * process puts there meanwhile is not overwritten either.
 *
 * @throws EegTorchError `FILE_WRITE_FAILED`; nothing is left behind
 */
export async function createAtomically(path: string, make: (temporary: string) => Promise<void>): Promise<void> {
  requireNew(path)
  const temporary = temporaryName(path)
  await cleaning(path, temporary, async () => {
    await make(temporary)
    if ((await stat(temporary)).isDirectory()) await rename(temporary, path)
    else await renameFile(temporary, path)
  })
}

/** Renaming a file replaces what is there; linking does not. */
async function renameFile(temporary: string, path: string): Promise<void> {
  try {
    await link(temporary, path)
    await rm(temporary)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST' || existsSync(path)) throw existing(path)
    // a file system without hard links
    await rename(temporary, path)
  }
}

/** @throws EegTorchError `FILE_WRITE_FAILED` where something is called so already */
export function requireNew(path: string): void {
  if (existsSync(path)) throw existing(path)
}

function existing(path: string): EegTorchError {
  return new EegTorchError('FILE_WRITE_FAILED', 'there is something of this name already, and it is not overwritten', {
    file: path,
    expected: 'a new name',
  })
}

async function cleaning(path: string, temporary: string, body: () => Promise<void>): Promise<void> {
  try {
    await body()
  } catch (cause) {
    await rm(temporary, { recursive: true, force: true }).catch(() => undefined)
    if (cause instanceof EegTorchError) throw inNameOf(path, temporary, cause)
    const { message } = cause as Error
    throw new EegTorchError('FILE_WRITE_FAILED', `cannot be written (${message.replaceAll(temporary, path)})`, {
      file: path,
      cause,
    })
  }
}

/** The temporary name tells nobody anything: it is gone by now. */
function inNameOf(path: string, temporary: string, error: EegTorchError): EegTorchError {
  if (!error.message.includes(temporary)) return error
  return new EegTorchError(error.code, error.message.replaceAll(temporary, path), { file: path, cause: error })
}
