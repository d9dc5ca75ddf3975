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
 * Keeps in `settings.json` what decides what a folder comes to hold, or holds it against what is kept there. A folder goes on without contents that
 * are gone: what they made is there, and who needs them more misses them.
 *
 * @throws EegTorchError `INVALID_OPTION` that names what differs; `FILE_NOT_FOUND` for contents that are not there
 */
export async function keepSettings(folder: string, { settings, contents, what, option }: KeptSettings): Promise<void> {
  const path = join(folder, SETTINGS_FILE)
  const kept = existsSync(path) ? await readFile(path, 'utf8') : undefined
  const identities = await identitiesOf(contents ?? {}, keptContents(kept))
  const now = { ...settings, ...(Object.keys(identities).length > 0 && { contents: identities }) }
  const written = `${JSON.stringify(now, undefined, 2)}\n`
  if (kept === undefined) return writeFileAtomically(path, written)
  if (kept.trimEnd() === written.trimEnd()) return
  throw new EegTorchError('INVALID_OPTION', `${folder} holds ${what} with other settings`, {
    option,
    expected: `a new folder, or the settings in ${path}`,
    received: `another ${differences(kept, written).join(', ') || 'order of them'}`,
  })
}

/** In the order of `contents`; of those that are gone what is known. */
async function identitiesOf(
  contents: NonNullable<KeptSettings['contents']>,
  known: Readonly<Record<string, unknown>>,
): Promise<Record<string, unknown>> {
  const identities: Record<string, unknown> = {}
  for (const [name, path] of Object.entries(contents)) {
    const isGone = path !== undefined && name in known && !existsSync(path)
    Object.assign(identities, isGone ? { [name]: known[name] } : await contentIdentities({ [name]: path }))
  }
  return identities
}

function keptContents(text: string | undefined): Readonly<Record<string, unknown>> {
  try {
    return (JSON.parse(text ?? '{}') as { contents?: Record<string, unknown> }).contents ?? {}
  } catch {
    return {}
  }
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
