import { readdir } from 'node:fs/promises'
import { type KeptContents, SETTINGS_FILE } from '../files/kept-settings.ts'
import { type LockedFolder, openKeptFolder } from '../files/locked-folder.ts'
import { EXIT } from './program.ts'
import { untilInterrupted } from './until-interrupted.ts'

/** A folder in which one process trains at a time. */
const STUDY: LockedFolder = { lockFile: 'run.lock', doing: 'trains in', option: '--out' }

/**
 * Opens the folder of a study, whose trainings keep their states in it: the same command goes on where it was stopped. No other process may
 * write to it until it is disposed of.
 *
 * @param contents what counts by its content, such as checkpoints, by the names of the settings
 * @throws EegTorchError `INVALID_OPTION` where the folder holds a study with other settings, one of these files has changed, or another process
 *   writes to it
 */
export async function openStudy(
  folder: string,
  settings: Readonly<Record<string, unknown>>,
  contents?: KeptContents,
): Promise<AsyncDisposable> {
  const lock = await openKeptFolder(folder, STUDY, async () => ({
    isUntouched: await isUntouched(folder),
    kept: { settings, contents, what: 'a run' },
  }))
  return { [Symbol.asyncDispose]: () => lock.release() }
}

async function isUntouched(folder: string): Promise<boolean> {
  return (await readdir(folder)).every((name) => name === SETTINGS_FILE || name.startsWith(STUDY.lockFile))
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
