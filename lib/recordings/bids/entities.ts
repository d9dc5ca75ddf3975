import { existsSync, readdirSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'

/** What a BIDS file name says: `sub-01_task-rest_eeg.edf` is sub 01, task rest, suffix eeg. */
export interface BidsName {
  readonly entities: ReadonlyMap<string, string>
  readonly suffix: string
}

const SIGNALS = new Set(['eeg', 'ieeg', 'meg', 'emg', 'nirs', 'physio'])
/** subject / session / kind / file, below the root of a data set. */
const LEVELS = 4

/** The parts of a BIDS file name, undefined for another. */
function parseBidsName(file: string): BidsName | undefined {
  const parts = basename(file)
    .replace(/(\.nii|\.fif)?\.[^.]+$/, '')
    .split('_')
  const suffix = parts.pop()!
  const entities = parts.map((part) => /^([a-z]+)-([A-Za-z0-9+]+)$/.exec(part))
  if (entities.some((match) => match === null) || !/^[A-Za-z0-9]+$/.test(suffix)) return undefined
  return { entities: new Map(entities.map((match) => [match![1]!, match![2]!])), suffix }
}

/** Whether a file is a recording under a BIDS name. */
export function isBidsRecording(file: string): boolean {
  const name = parseBidsName(file)
  return name !== undefined && SIGNALS.has(name.suffix) && name.entities.has('sub')
}

/**
 * The file of a suffix (`events.tsv`) that applies to a recording, by BIDS's rule of inheritance: in its folder or one above it, up to
 * the root of the data set, every entity of its name being one of the recording's. The nearest wins, then the most specific.
 */
export function sidecarOf(recording: string, ending: string): string | undefined {
  const own = parseBidsName(recording)!.entities
  let folder = dirname(resolve(recording))
  for (let level = 0; level < LEVELS; level++) {
    const found = namesIn(folder)
      .filter((name) => name === ending || name.endsWith(`_${ending}`))
      .map((name) => ({ name, entities: parseBidsName(name)?.entities }))
      .filter(
        ({ entities }) =>
          entities !== undefined && [...entities].every(([key, value]) => own.get(key) === value || key === 'space'),
      )
      .sort((a, b) => b.entities!.size - a.entities!.size)
    if (found[0] !== undefined) return join(folder, found[0].name)
    if (existsSync(join(folder, 'dataset_description.json'))) return undefined
    folder = dirname(folder)
  }
  return undefined
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}
