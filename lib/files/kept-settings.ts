import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { EegTorchError } from '../errors.ts'
import { writeFileAtomically } from './atomic.ts'
import { contentIdentity } from './content-identity.ts'

/** What is kept lies in this file of the folder. */
export const SETTINGS_FILE = 'settings.json'

/** Paths of files and folders, or what tells a content where its owner knows it. */
export type KeptContents = Readonly<Record<string, string | { identity: string } | undefined>>

/** What is kept in a folder, and whom to tell that it is another's. */
export interface KeptSettings {
  settings: Readonly<Record<string, unknown>>
  /** What else counts by its content, by the names of the settings that hold its path. */
  contents?: KeptContents | undefined
  /** Settings, and contents of these names, that decide nothing of what the folder holds so far: others take their place. */
  free?: readonly string[] | undefined
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
export async function keepSettings(
  folder: string,
  { settings, contents, free = [], what, option }: KeptSettings,
): Promise<void> {
  const path = join(folder, SETTINGS_FILE)
  const kept = existsSync(path) ? await readFile(path, 'utf8') : undefined
  const known = parse(kept)
  const identities = await identitiesOf(contents ?? {}, known.contents)
  const now = { ...settings, ...(Object.keys(identities).length > 0 && { contents: identities }) }
  const written = `${JSON.stringify(now, undefined, 2)}\n`
  if (kept === undefined) return writeFileAtomically(path, written)
  if (kept.trimEnd() === written.trimEnd()) return
  const others = differences(known, { settings, contents: identities })
  const loose = new Set(free.flatMap((name) => [name, `content of ${name}`]))
  if (others.length > 0 && others.every((name) => loose.has(name))) return writeFileAtomically(path, written)
  throw new EegTorchError('INVALID_OPTION', `${folder} holds ${what} with other settings`, {
    option,
    expected: `a new folder, or the settings in ${path}`,
    received: `another ${others.join(', ') || 'order of them'}`,
  })
}

interface Known {
  settings: Readonly<Record<string, unknown>>
  contents: Readonly<Record<string, unknown>>
}

/** What a folder holds; nothing where the text is none. */
function parse(text: string | undefined): Known {
  try {
    const { contents = {}, ...settings } = JSON.parse(text ?? '{}') as Record<string, unknown>
    return { settings, contents: contents as Known['contents'] }
  } catch {
    return { settings: {}, contents: {} }
  }
}

/** In the order of `contents`; of those that are gone what is known. */
async function identitiesOf(contents: KeptContents, known: Known['contents']): Promise<Record<string, unknown>> {
  const identities: Record<string, unknown> = {}
  for (const [name, content] of Object.entries(contents)) {
    if (content === undefined) continue
    if (typeof content !== 'string') identities[name] = content.identity
    else identities[name] = name in known && !existsSync(content) ? known[name] : await contentIdentity(content)
  }
  return identities
}

/** Names of the settings that differ; those of files whose content changed. */
function differences(before: Known, now: Known): string[] {
  const [kept, given] = [flat(before), flat(now)]
  return [...new Set([...kept.keys(), ...given.keys()])].filter((name) => kept.get(name) !== given.get(name))
}

function flat({ settings, contents }: Known): Map<string, string | undefined> {
  const ofContents = Object.entries(contents).map(([name, value]) => [`content of ${name}`, value] as const)
  return new Map([...Object.entries(settings), ...ofContents].map(([name, value]) => [name, JSON.stringify(value)]))
}
