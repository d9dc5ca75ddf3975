import { keepSettings } from '../files/kept-settings.ts'
import { makeFolder } from '../files/make-folder.ts'
import { EXIT } from './program.ts'
import { untilInterrupted } from './until-interrupted.ts'

/**
 * Opens the folder of a study, whose trainings keep their states in it: the same command goes on where it was stopped.
 *
 * @param contents files and folders whose content counts, such as checkpoints, by the names of their settings
 * @throws EegTorchError `INVALID_OPTION` where the folder holds a study with other settings, or one of these files has changed
 */
export async function openStudy(
  folder: string,
  settings: Readonly<Record<string, unknown>>,
  contents?: Readonly<Record<string, string | undefined>>,
): Promise<void> {
  await makeFolder(folder)
  await keepSettings(folder, { settings, contents, what: 'a run', option: '--out' })
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
