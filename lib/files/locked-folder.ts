import { readdir, rm } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { EegTorchError } from '../errors.ts'
import { removeDrafts } from './atomic.ts'
import { type KeptSettings, keepSettings, SETTINGS_FILE } from './kept-settings.ts'
import { type Lock, removeLockDraft, takeLock } from './lock.ts'
import { makeFolder } from './make-folder.ts'

/** How a folder is called to account: its lock file, what another process does in it, and the option that names it. */
export interface LockedFolder {
  lockFile: string
  /** `trains in`, `writes pictures to` */
  doing: string
  option: string
}

/**
 * Makes a folder and takes it for this process; what a killed one left of files in the making goes.
 *
 * @throws EegTorchError `INVALID_OPTION` where another process has it; `FILE_WRITE_FAILED`
 */
export async function lockFolder(folder: string, { lockFile, doing, option }: LockedFolder): Promise<Lock> {
  await makeFolder(folder)
  const path = join(folder, lockFile)
  const refuse = () =>
    new EegTorchError('INVALID_OPTION', `another process ${doing} ${folder}`, {
      ...{ option, expected: 'another folder, or that process to end', received: folder },
    })
  const lock = await takeLock(path, { refuse })
  await removeDrafts(folder)
  for (const name of await readdir(folder))
    if (name.startsWith(`${basename(path)}.`)) await removeLockDraft(join(folder, name))
  return lock
}

/**
 * {@link lockFolder} for one that goes on where it was stopped, with the same settings. What failed before it made anything may be called again with what
 * was wrong put right.
 *
 * @param look tells, once the folder is this process's, whether anything was made in it, and what is to be kept
 * @throws EegTorchError as {@link lockFolder} and {@link keepSettings}
 */
export async function openKeptFolder(
  folder: string,
  place: LockedFolder,
  look: () => Promise<{ isUntouched: boolean; kept: Omit<KeptSettings, 'option'> }>,
): Promise<Lock> {
  const lock = await lockFolder(folder, place)
  try {
    const { isUntouched, kept } = await look()
    if (isUntouched) await rm(join(folder, SETTINGS_FILE), { force: true })
    await keepSettings(folder, { ...kept, option: place.option })
    return lock
  } catch (error) {
    await lock.release()
    throw error
  }
}
