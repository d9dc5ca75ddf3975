import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { EegTorchError } from '../errors.ts'
import { writeFileAtomically } from '../files/atomic.ts'
import { makeFolder } from '../files/make-folder.ts'
import { EXIT } from './program.ts'
import { untilInterrupted } from './until-interrupted.ts'

const SETTINGS_FILE = 'settings.json'

/**
 * Opens the folder of a study, whose trainings keep their states in it: the same command goes on where it was stopped.
 *
 * @throws EegTorchError `INVALID_OPTION` where the folder holds a study with other settings
 */
export async function openStudy(folder: string, settings: Record<string, unknown>): Promise<void> {
  const path = join(folder, SETTINGS_FILE)
  const written = JSON.stringify(settings, undefined, 2)
  if (existsSync(path) && (await readFile(path, 'utf8')) !== written) {
    throw new EegTorchError('INVALID_OPTION', `${folder} holds a run with other settings`, {
      option: '--out',
      expected: `a new folder, or the settings in ${path}`,
      received: folder,
    })
  }
  await makeFolder(folder)
  await writeFileAtomically(path, written)
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

/** One line on a terminal that is written over again and again. */
export function showProgress(line: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r${line}\u001b[K`)
}
