import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { EegTorchError } from '../errors.ts'
import { keepSettings, SETTINGS_FILE } from '../files/kept-settings.ts'
import { takeLock } from '../files/lock.ts'
import { makeFolder } from '../files/make-folder.ts'
import { EXIT } from './program.ts'
import { untilInterrupted } from './until-interrupted.ts'

const LOCK_FILE = 'run.lock'

/**
 * Opens the folder of a study, whose trainings keep their states in it: the same command goes on where it was stopped. No other process may
 * write to it until it is disposed of.
 *
 * @param contents files and folders whose content counts, such as checkpoints, by the names of their settings
 * @throws EegTorchError `INVALID_OPTION` where the folder holds a study with other settings, one of these files has changed, or another process
 *   writes to it
 */
export async function openStudy(
  folder: string,
  settings: Readonly<Record<string, unknown>>,
  contents?: Readonly<Record<string, string | undefined>>,
): Promise<AsyncDisposable> {
  await makeFolder(folder)
  const lock = await takeLock(join(folder, LOCK_FILE), { refuse: () => inUse(folder) })
  try {
    // What failed before it made anything may be called again with what was wrong put right.
    if (await isUntouched(folder)) await rm(join(folder, SETTINGS_FILE), { force: true })
    await keepSettings(folder, { settings, contents, what: 'a run', option: '--out' })
    return { [Symbol.asyncDispose]: () => lock.release() }
  } catch (error) {
    await lock.release()
    throw error
  }
}

async function isUntouched(folder: string): Promise<boolean> {
  return (await readdir(folder)).every((name) => name === SETTINGS_FILE || name.startsWith(LOCK_FILE))
}

function inUse(folder: string): EegTorchError {
  return new EegTorchError('INVALID_OPTION', `another process trains in ${folder}`, {
    option: '--out',
    expected: 'another folder, or that process to end',
    received: folder,
  })
}

/** Does work that Control-C ends after the present step, and says how to go on. */
export async function interruptible<T>(folder: string, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  return untilInterrupted(async (signal) => {
    try {
      return await work(signal)
    } finally {
      if (signal.aborted) {
        console.error(`stopped; go on with the same command and --out ${folder}`)
        process.exitCode = EXIT.cancelled
      }
    }
  })
}
