import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { EegTorchError } from '../errors.ts'
import { writeFileAtomically } from './atomic.ts'
import { contentIdentities } from './content-identity.ts'

const SETTINGS_FILE = 'settings.json'

/** What is kept in a folder, and whom to tell that it is another's. */
export interface KeptSettings {
  settings: Readonly<Record<string, unknown>>
  /** Files and folders whose content counts, by the names of the settings that hold their paths. */
  contents?: Readonly<Record<string, string | undefined>> | undefined
  /** What the folder holds: `a run`. */
  what: string
  /** The option that names the folder. */
  option: string
}

/**
 * Keeps in `settings.json` what decides what a folder comes to hold, or holds it against what is kept there.
 *
 * @throws EegTorchError `INVALID_OPTION` that names what differs; `FILE_NOT_FOUND` for contents that are not there
 */
export async function keepSettings(folder: string, { settings, contents, what, option }: KeptSettings): Promise<void> {
  const path = join(folder, SETTINGS_FILE)
  const identities = await contentIdentities(contents ?? {})
  const now = { ...settings, ...(Object.keys(identities).length > 0 && { contents: identities }) }
  const written = `${JSON.stringify(now, undefined, 2)}\n`
  if (!existsSync(path)) return writeFileAtomically(path, written)
  const kept = await readFile(path, 'utf8')
  if (kept.trimEnd() === written.trimEnd()) return
  throw new EegTorchError('INVALID_OPTION', `${folder} holds ${what} with other settings`, {
    option,
    expected: `a new folder, or the settings in ${path}`,
    received: `another ${differences(kept, written).join(', ') || 'order of them'}`,
  })
}

/** Names of the settings that differ; those of files whose content changed. */
function differences(kept: string, written: string): string[] {
  const [before, now] = [flat(kept), flat(written)]
  return [...new Set([...before.keys(), ...now.keys()])].filter((name) => before.get(name) !== now.get(name))
}

function flat(text: string): Map<string, string> {
  try {
    const { contents = {}, ...settings } = JSON.parse(text) as Record<string, unknown>
    const ofContents = Object.entries(contents as object).map(([name, value]) => [`content of ${name}`, value] as const)
    return new Map([...Object.entries(settings), ...ofContents].map(([name, value]) => [name, JSON.stringify(value)]))
  } catch {
    return new Map()
  }
}
