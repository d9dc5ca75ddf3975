import { existsSync } from 'node:fs'
import { resolve } from 'node:path'

const folder = process.env.EEGTORCH_SHARED ?? resolve(import.meta.dirname, '../../shared')

/** Path inside the folder of real recordings that lies beside the repository (or where `EEGTORCH_SHARED` points). */
export function sharedPath(...parts: string[]): string {
  return resolve(folder, ...parts)
}

/** `describe` where the shared folder is there; else skipped, and the name says so. */
export function describeWithShared(name: string, tests: () => void): void {
  if (existsSync(sharedPath('eeg'))) describe(name, tests)
  else describe.skip(`${name} (skipped: ../shared/eeg is missing)`, tests)
}
