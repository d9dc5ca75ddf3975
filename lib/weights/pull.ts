import { join } from 'node:path'
import { EegTorchError } from '../errors.ts'
import { downloadFiles } from '../files/download/download.ts'
import { makeFolder } from '../files/make-folder.ts'
import { HUB } from './hub.ts'
import { type PublishedCheckpoint, revisionSchema } from './manifest.ts'
import { expectationOf, type Pins, readPins, writePins } from './pins.ts'
import { weightsFolder } from './places.ts'
import { pullFromHub } from './pull-from-hub.ts'
import type { PulledFile, PullOptions } from './pull-options.ts'
import { requireSha256, sha256Of } from './sums.ts'

/** A checkpoint that is there. */
export interface Pulled {
  name: string
  /** The folder of its files, for `models.load` and the pipelines. */
  folder: string
  files: PulledFile[]
}

/**
 * Brings a published checkpoint: into the cache of Hugging Face's tools what comes from there, else into eegtorch's own. A broken download goes on
 * where it broke. Each file is held against the checksum of the manifest, else of an earlier pull, else against what the host says of it; what was
 * found is kept for the next pull and for {@link stateOf}. What is there already is checked and stays.
 *
 * @throws EegTorchError `DOWNLOAD_FAILED` that says why and where files go by hand, `FILE_INVALID` for wrong bytes, `FILE_WRITE_FAILED`, `CANCELLED`,
 *   `INVALID_OPTION` for a revision that is none
 */
export async function pullWeights(checkpoint: PublishedCheckpoint, options: PullOptions = {}): Promise<Pulled> {
  const { source, name } = checkpoint
  if (source.kind === 'by hand') {
    throw new EegTorchError('DOWNLOAD_FAILED', `${name} cannot be brought by a program: see ${source.place}`, {
      expected: `${checkpoint.files.map(({ path }) => path).join(', ')} in ${weightsFolder(checkpoint)}`,
    })
  }
  const { revision, ...rest } = options
  if (revision !== undefined) requireRevision(revision, checkpoint)
  const known = readPins(checkpoint)
  const pins = revision === undefined || revision === known?.commit ? known : undefined
  try {
    const { commit, ...pulled } =
      source.kind === 'huggingface'
        ? await pullFromHub(
            checkpoint,
            { ...source, revision: revision ?? pins?.commit ?? source.revision },
            pins,
            rest,
          )
        : { ...(await pullFromUrls(checkpoint, pins, rest)), commit: undefined }
    await writePins(checkpoint, { ...(commit !== undefined && { commit }), files: pinsOf(pulled.files) })
    return { name, ...pulled }
  } catch (error) {
    throw withAdvice(error, checkpoint)
  }
}

async function pullFromUrls(
  checkpoint: PublishedCheckpoint,
  pins: Pins | undefined,
  { host, token: _, ...options }: PullOptions,
): Promise<Omit<Pulled, 'name'>> {
  const folder = weightsFolder(checkpoint)
  const move = (url: string) => (host === undefined ? url : `${host.replace(/\/+$/, '')}${new URL(url).pathname}`)
  const expected = checkpoint.files.map((file) => expectationOf(file, pins))
  const remote = checkpoint.files.map(({ path, url }, i) => {
    const { by: _, ...published } = expected[i]!
    return { path, urls: [move(url!)], ...published }
  })
  await makeFolder(folder)
  const results = await downloadFiles(remote, { folder, ...options })
  const files: PulledFile[] = []
  for (const [i, { path, bytes, isNew }] of results.entries()) {
    const { sha256, by } = expected[i]!
    const { sha256Prefix } = checkpoint.files[i]!
    const file = join(folder, path)
    const sum =
      sha256Prefix === undefined ? (sha256 ?? (await sha256Of(file))) : await requireSha256(file, sha256Prefix)
    files.push({ path, bytes, sha256: sum, isNew, heldAgainst: by, isVerified: by === 'manifest' })
  }
  return { folder, files }
}

function pinsOf(files: readonly PulledFile[]): Pins['files'] {
  return Object.fromEntries(files.map(({ path, bytes, sha256 }) => [path, { bytes, sha256 }]))
}

function requireRevision(revision: string, { name, source }: PublishedCheckpoint): void {
  const fail = (what: string, expected: string) =>
    new EegTorchError('INVALID_OPTION', what, { option: 'revision', expected, received: revision.slice(0, 100) })
  if (source.kind !== 'huggingface') throw fail(`${name} comes from an address, not a repository`, 'no revision')
  if (!revisionSchema.safeParse(revision).success) throw fail('this is no revision', 'a branch, a tag or a commit')
}

/** Says what to do by hand where the host is out of reach. */
function withAdvice(error: unknown, checkpoint: PublishedCheckpoint): unknown {
  if (!(error instanceof EegTorchError) || error.code !== 'DOWNLOAD_FAILED') return error
  const { source, files } = checkpoint
  const from = source.kind === 'huggingface' ? `${HUB}/${source.repository}` : files.map(({ url }) => url).join(', ')
  const what = `${error.message}. The same command goes on where it stopped; by hand, put ${files.map(({ path }) => path).join(', ')} from ${from} into ${weightsFolder(checkpoint)}`
  return new EegTorchError('DOWNLOAD_FAILED', what, { cause: error })
}
