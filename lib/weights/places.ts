import { existsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { EegTorchError } from '../errors.ts'
import { cacheFolder } from '../setup/paths.ts'
import { CachedRepository } from './hub-cache.ts'
import { type PublishedCheckpoint, publishedCheckpoint } from './manifest.ts'

/** Where a checkpoint's files are, or belong. */
export function weightsFolder({ name, source }: PublishedCheckpoint): string {
  if (source.kind !== 'huggingface') return join(cacheFolder(), 'weights', name)
  const cached = new CachedRepository(source.repository)
  return cached.find(source.revision) ?? cached.snapshot(source.revision)
}

/** What is there of a published checkpoint. */
export interface WeightsState {
  name: string
  title: string
  licence: string
  source: string
  folder: string
  state: 'complete' | 'partial' | 'missing'
  /** Files that are not there, or have another size than the published one. */
  missing: string[]
  /** Of the files that are there. */
  bytes: number
}

/** What is there of a published checkpoint, by names and sizes; `weights pull` compares checksums. */
export function stateOf(checkpoint: PublishedCheckpoint): WeightsState {
  const { name, title, licence, source, files } = checkpoint
  const folder = weightsFolder(checkpoint)
  const sizes = files.map(({ path, bytes }) => {
    const found = statSync(join(folder, path), { throwIfNoEntry: false })
    return found?.isFile() && (bytes === null || bytes === found.size) ? found.size : undefined
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
    state: missing.length === 0 ? 'complete' : isPartial ? 'partial' : 'missing',
    missing,
    bytes: sizes.reduce<number>((sum, size) => sum + (size ?? 0), 0),
  }
}

/**
 * The folder of a published checkpoint that is there whole, by its name in the manifest.
 *
 * @throws EegTorchError `UNKNOWN_NAME`; `FILE_NOT_FOUND` with the command that brings it
 */
export function findWeights(name: string): string {
  const { folder, state, missing } = stateOf(publishedCheckpoint(name))
  if (state === 'complete') return folder
  throw new EegTorchError('FILE_NOT_FOUND', `${name} is not there; to bring it: eegtorch weights pull ${name}`, {
    file: folder,
    expected: missing.join(', '),
  })
}
