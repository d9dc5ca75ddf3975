import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { EegTorchError } from '../errors.ts'
import { downloadFiles } from '../files/download/download.ts'
import type { DownloadOptions, DownloadProgress } from '../files/download/options.ts'
import { makeFolder } from '../files/make-folder.ts'
import { askHub, HUB, type HubFile, hubAddress } from './hub.ts'
import { CachedRepository } from './hub-cache.ts'
import type { PublishedCheckpoint, PublishedFile } from './manifest.ts'
import { weightsFolder } from './places.ts'

/** How to bring a checkpoint. */
export interface PullOptions extends Pick<DownloadOptions, 'signal' | 'retries' | 'pause' | 'timeout'> {
  /** Another address in place of the official host, with the same paths; default: `HF_ENDPOINT` for files of the hub. */
  host?: string
  /** Of an account that may read the repository. Default: `HF_TOKEN`. */
  token?: string
  onProgress?: (progress: DownloadProgress) => void
}

/** A checkpoint that is there. */
export interface Pulled {
  name: string
  /** The folder of its files, for `models.load` and the pipelines. */
  folder: string
  files: { path: string; bytes: number; isNew: boolean; isVerified: boolean }[]
}

/**
 * Brings a published checkpoint: into the cache of Hugging Face's tools what comes from there, else into eegtorch's own. A broken download goes on
 * where it broke; every file is held against the checksum that the manifest or the hub tells. What is there already is checked and stays.
 *
 * @throws EegTorchError `DOWNLOAD_FAILED` that says why and where files go by hand, `FILE_INVALID` for wrong bytes, `FILE_WRITE_FAILED`, `CANCELLED`
 */
export async function pullWeights(checkpoint: PublishedCheckpoint, options: PullOptions = {}): Promise<Pulled> {
  const { source, name } = checkpoint
  if (source.kind === 'by hand') {
    throw new EegTorchError('DOWNLOAD_FAILED', `${name} cannot be brought by a program: see ${source.place}`, {
      expected: `${checkpoint.files.map(({ path }) => path).join(', ')} in ${weightsFolder(checkpoint)}`,
    })
  }
  try {
    return source.kind === 'huggingface'
      ? await pullFromHub(checkpoint, source, options)
      : await pullFromUrls(checkpoint, options)
  } catch (error) {
    throw withAdvice(error, checkpoint)
  }
}

async function pullFromHub(
  { name, files }: PublishedCheckpoint,
  { repository, revision }: { repository: string; revision: string },
  { host = process.env.HF_ENDPOINT || HUB, token = process.env.HF_TOKEN, onProgress, ...rest }: PullOptions,
): Promise<Pulled> {
  if (isOffline()) throw new EegTorchError('DOWNLOAD_FAILED', 'HF_HUB_OFFLINE is set: nothing is downloaded')
  const headers: Record<string, string> = {
    'user-agent': 'eegtorch',
    ...(token && { authorization: `Bearer ${token}` }),
  }
  const hub = { host, headers, ...rest }
  const cached = new CachedRepository(repository)
  const found: { file: PublishedFile; told: HubFile; url: string }[] = []
  for (const file of files) {
    // the first answer tells the commit, and all files come from that one
    const at = found[0]?.told.commit ?? revision
    const url = hubAddress(host, repository, at, file.path)
    found.push({ file, url, told: requirePublished(file, await askHub(url, repository, hub)) })
  }
  const remote = found.map(({ told: { etag, bytes }, url }) => ({
    path: etag,
    urls: [url],
    ...(bytes !== undefined && { bytes }),
    ...(etag.length === 64 && { sha256: etag }),
  }))
  await makeFolder(cached.blobs)
  const names = new Map(found.map(({ file, told }) => [told.etag, file.path]))
  const results = await downloadFiles(remote, {
    folder: cached.blobs,
    headers,
    ...rest,
    ...(onProgress && {
      onProgress: (progress) => onProgress({ ...progress, file: names.get(progress.file) ?? progress.file }),
    }),
  })
  const { commit } = found[0]!.told
  for (const { file, told } of found) {
    await requireGitHash(join(cached.blobs, told.etag), told.etag, file.path)
    await cached.link(commit, file.path, told.etag)
  }
  await cached.remember(revision, commit)
  return {
    name,
    folder: cached.snapshot(commit),
    files: results.map(({ bytes, isNew }, i) => ({ path: files[i]!.path, bytes, isNew, isVerified: true })),
  }
}

async function pullFromUrls(checkpoint: PublishedCheckpoint, { host, ...options }: PullOptions): Promise<Pulled> {
  const folder = weightsFolder(checkpoint)
  const move = (url: string) => (host === undefined ? url : `${host.replace(/\/+$/, '')}${new URL(url).pathname}`)
  const remote = checkpoint.files.map(({ path, bytes, sha256, url }) => ({
    path,
    urls: [move(url!)],
    ...(bytes !== null && { bytes }),
    ...(sha256 !== null && { sha256 }),
  }))
  await makeFolder(folder)
  const results = await downloadFiles(remote, { folder, ...options })
  const files: Pulled['files'] = []
  for (const [i, { path, bytes, isNew, isVerified }] of results.entries()) {
    const { sha256Prefix } = checkpoint.files[i]!
    if (sha256Prefix !== undefined) await requirePrefix(join(folder, path), sha256Prefix)
    files.push({ path, bytes, isNew, isVerified: isVerified || sha256Prefix !== undefined })
  }
  return { name: checkpoint.name, folder, files }
}

/** What the hub offers must be what the manifest names, as far as it does. */
function requirePublished({ path, bytes, sha256 }: PublishedFile, told: HubFile): HubFile {
  const expected =
    sha256 !== null && told.etag !== sha256
      ? `sha256 ${sha256}`
      : bytes !== null && told.bytes !== bytes
        ? `${bytes} bytes`
        : undefined
  if (expected === undefined) return told
  throw new EegTorchError('FILE_INVALID', `the hub offers another ${path} than the one that was published`, {
    expected,
    received: `${told.etag}, ${told.bytes ?? 'unknown'} bytes`,
  })
}

/** Small files have git's own checksum: SHA-1 of a word, their length and their bytes. */
async function requireGitHash(blob: string, etag: string, path: string): Promise<void> {
  if (etag.length !== 40) return
  const { size } = await stat(blob)
  const received = await digest(blob, createHash('sha1').update(`blob ${size}\0`))
  if (received !== etag) await refuse(blob, path, `git's sha1 ${etag}`, received)
}

async function requirePrefix(file: string, prefix: string): Promise<void> {
  const received = await digest(file, createHash('sha256'))
  if (!received.startsWith(prefix)) await refuse(file, file, `a sha256 that begins with ${prefix}`, received)
}

async function digest(file: string, hash: ReturnType<typeof createHash>): Promise<string> {
  await pipeline(createReadStream(file, { highWaterMark: 2 ** 20 }), hash)
  return hash.digest('hex')
}

async function refuse(file: string, name: string, expected: string, received: string): Promise<never> {
  await rm(file, { force: true })
  throw new EegTorchError(
    'FILE_INVALID',
    `what arrived of ${name} is not the file that was published; it was thrown away`,
    {
      file,
      expected,
      received,
    },
  )
}

function isOffline(): boolean {
  return /^(?:1|true|yes|on)$/i.test(process.env.HF_HUB_OFFLINE ?? '')
}

/** Says what to do by hand where the host is out of reach. */
function withAdvice(error: unknown, checkpoint: PublishedCheckpoint): unknown {
  if (!(error instanceof EegTorchError) || error.code !== 'DOWNLOAD_FAILED') return error
  const { source, files } = checkpoint
  const from = source.kind === 'huggingface' ? `${HUB}/${source.repository}` : files.map(({ url }) => url).join(', ')
  const what = `${error.message}. The same command goes on where it stopped; by hand, put ${files.map(({ path }) => path).join(', ')} from ${from} into ${weightsFolder(checkpoint)}`
  return new EegTorchError('DOWNLOAD_FAILED', what, { cause: error })
}
