import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'

/** What `eegtorch.json` in a local copy says; it is written last, so that its presence means a complete copy. */
export interface CopyManifest {
  version: string
  cuda: boolean
  wheels: { file: string; sha256: string; pinned: boolean }[]
  /** Size in bytes of each file. */
  files: Record<string, number>
}

/** Compares the libraries of a local copy (its `torch` folder) with the sizes that set-up noted. @returns what is wrong, in words */
export function readManifestProblem(torchFolder: string): string | undefined {
  const folder = join(torchFolder, '..')
  let files: Record<string, number>
  try {
    files = (JSON.parse(readFileSync(join(folder, 'eegtorch.json'), 'utf8')) as CopyManifest).files
  } catch (error) {
    return `its list of files cannot be read (${(error as Error).message})`
  }
  for (const [name, size] of Object.entries(files)) {
    if (!name.includes('.so')) continue
    const received = statSync(join(folder, name), { throwIfNoEntry: false })?.size
    if (received !== size) return `${name} has ${received ?? 'no'} bytes instead of ${size}`
  }
  return undefined
}
