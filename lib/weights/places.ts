import { existsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { EegTorchError } from '../errors.ts'
import { checkFiles } from '../files/download/download.ts'
import { cacheFolder } from '../setup/paths.ts'
import { CachedRepository } from './hub-cache.ts'
import { type PublishedCheckpoint, publishedCheckpoint } from './manifest.ts'
import { type Expectation, expectationOf, readPins } from './pins.ts'

/** Where a checkpoint's files are, or belong. */
export function weightsFolder(checkpoint: PublishedCheckpoint): string {
  const { name, source } = checkpoint
  if (source.kind !== 'huggingface') return join(cacheFolder(), 'weights', name)
  const cached = new CachedRepository(source.repository)
  const pulled = readPins(checkpoint)?.commit
  const found = (pulled && cached.find(pulled)) ?? cached.find(source.revision)
  return found ?? cached.snapshot(source.revision)
}

/** What is there of a published checkpoint. */
export interface WeightsState {
  name: string
  title: string
  licence: string
  source: string
  folder: string
  /** `present`: every file is there, of the size that is known of it. */
  state: 'present' | 'partial' | 'missing'
  /** Where checksums of all files are known from: `none` where no pull has found them and the manifest names none. */
  checksums: 'manifest' | 'earlier pull' | 'none'
  /** Files that are not there, or have another size than the published one. */
  missing: string[]
  /** Of the files that are there. */
  bytes: number
}

/** What is there of a published checkpoint, by names and sizes; {@link wrongFiles} and `weights pull` compare checksums. */
export function stateOf(checkpoint: PublishedCheckpoint): WeightsState {
  const { name, title, licence, source, files } = checkpoint
  const folder = weightsFolder(checkpoint)
  const pins = readPins(checkpoint)
  const expected = files.map((file) => expectationOf(file, pins))
  const sizes = files.map(({ path }, i) => {
    const found = statSync(join(folder, path), { throwIfNoEntry: false })
    const { bytes } = expected[i]!
    return found?.isFile() && (bytes === undefined || bytes === found.size) ? found.size : undefined
  })
  const missing = files.filter((_, i) => sizes[i] === undefined).map(({ path }) => path)
  const broken = source.kind === 'huggingface' ? new CachedRepository(source.repository).partialBytes() : 0
  const isPartial = broken > 0 || existsSync(folder)
  return {
    name,
    title,
    licence,
    source:
      source.kind === 'huggingface'
        ? `huggingface.co/${source.repository}`
        : source.kind === 'url'
          ? new URL(files[0]!.url!).host
          : source.place,
    folder,
    state: missing.length === 0 ? 'present' : isPartial ? 'partial' : 'missing',
    checksums: checksumsFrom(expected),
    missing,
    bytes: sizes.reduce<number>((sum, size) => sum + (size ?? 0), 0),
  }
}

/** Files that are there and do not have the checksum that is known of them; all of each is read. */
export async function wrongFiles(checkpoint: PublishedCheckpoint, signal?: AbortSignal): Promise<string[]> {
  const pins = readPins(checkpoint)
  const remote = checkpoint.files.map((file) => {
    const { by: _, ...published } = expectationOf(file, pins)
    return { path: file.path, urls: [], ...published }
  })
  const states = await checkFiles(remote, { folder: weightsFolder(checkpoint), ...(signal && { signal }) })
  return states.filter(({ state }) => state === 'wrong').map(({ path }) => path)
}

function checksumsFrom(expected: readonly Expectation[]): WeightsState['checksums'] {
  if (expected.some(({ sha256 }) => sha256 === undefined)) return 'none'
  return expected.every(({ by }) => by === 'manifest') ? 'manifest' : 'earlier pull'
}

/**
 * The folder of a published checkpoint that is there whole, by its name in the manifest.
 *
 * @throws EegTorchError `UNKNOWN_NAME`; `FILE_NOT_FOUND` with the command that brings it
 */
export function findWeights(name: string): string {
  const { folder, state, missing } = stateOf(publishedCheckpoint(name))
  if (state === 'present') return folder
  throw new EegTorchError('FILE_NOT_FOUND', `${name} is not there; to bring it: eegtorch weights pull ${name}`, {
    file: folder,
    expected: missing.join(', '),
  })
}
