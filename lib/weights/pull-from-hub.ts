import { join } from 'node:path'
import { EegTorchError } from '../errors.ts'
import { downloadFiles } from '../files/download/download.ts'
import { makeFolder } from '../files/make-folder.ts'
import { askHub, HUB, type HubFile, hubAddress } from './hub.ts'
import { CachedRepository } from './hub-cache.ts'
import type { PublishedCheckpoint, PublishedFile } from './manifest.ts'
import { type Expectation, expectationOf, type Pins } from './pins.ts'
import type { PulledFile, PullOptions } from './pull-options.ts'
import { requireGitHash, requireSha256, sha256Of } from './sums.ts'

/** A file, what the hub says of it, and what it must be. */
interface Offer {
  file: PublishedFile
  told: HubFile
  url: string
  expected: Expectation
}

/** Brings files of a repository into the cache of Hugging Face's tools. `pins` are of an earlier pull. */
export async function pullFromHub(
  { files }: PublishedCheckpoint,
  { repository, revision }: { repository: string; revision: string },
  pins: Pins | undefined,
  options: PullOptions,
): Promise<{ folder: string; commit: string; files: PulledFile[] }> {
  const { host = process.env.HF_ENDPOINT || HUB, token = process.env.HF_TOKEN, onProgress, ...rest } = options
  if (isOffline()) throw new EegTorchError('DOWNLOAD_FAILED', 'HF_HUB_OFFLINE is set: nothing is downloaded')
  const headers: Record<string, string> = {
    'user-agent': 'eegtorch',
    ...(token && maySee(host) && { authorization: `Bearer ${token}` }),
  }
  const offers: Offer[] = []
  for (const file of files) {
    // the first answer tells the commit, and all files come from that one
    const url = hubAddress(host, repository, offers[0]?.told.commit ?? revision, file.path)
    const expected = expectationOf(file, pins)
    const told = requireOffer(file.path, expected, await askHub(url, repository, { host, headers, ...rest }))
    offers.push({ file, url, told, expected })
  }
  const cached = new CachedRepository(repository)
  await makeFolder(cached.blobs)
  const names = new Map(offers.map(({ file, told }) => [told.etag, file.path]))
  const results = await downloadFiles(offers.map(asRemote), {
    folder: cached.blobs,
    headers,
    ...rest,
    ...(onProgress && {
      onProgress: (progress) => onProgress({ ...progress, file: names.get(progress.file) ?? progress.file }),
    }),
  })
  const { commit } = offers[0]!.told
  const pulled: PulledFile[] = []
  for (const [i, offer] of offers.entries()) {
    const { bytes, isNew } = results[i]!
    const { path } = offer.file
    const sha256 = await requireSums(offer, join(cached.blobs, offer.told.etag))
    await cached.link(commit, path, offer.told.etag)
    // the hub tells a checksum of every file
    const heldAgainst = offer.expected.by === 'nothing' ? 'host' : offer.expected.by
    pulled.push({ path, bytes, sha256, isNew, heldAgainst, isVerified: heldAgainst === 'manifest' })
  }
  await cached.remember(revision, commit)
  return { folder: cached.snapshot(commit), commit, files: pulled }
}

function asRemote({ told: { etag, bytes }, url }: Offer) {
  return {
    path: etag,
    urls: [url],
    ...(bytes !== undefined && { bytes }),
    ...(isSha256(etag) && { sha256: etag }),
  }
}

/** What the hub offers must be what is expected, as far as its answer shows. */
function requireOffer(path: string, { bytes, sha256, by }: Expectation, told: HubFile): HubFile {
  const expected =
    sha256 !== undefined && isSha256(told.etag) && told.etag !== sha256
      ? `sha256 ${sha256}`
      : bytes !== undefined && told.bytes !== undefined && told.bytes !== bytes
        ? `${bytes} bytes`
        : undefined
  if (expected === undefined) return told
  const which = by === 'earlier pull' ? 'was pulled before' : 'was published'
  throw new EegTorchError('FILE_INVALID', `the hub offers another ${path} than the one that ${which}`, {
    expected,
    received: `${told.etag}, ${told.bytes ?? 'unknown'} bytes`,
  })
}

/** The SHA-256 of what arrived, held against what the hub and the expectation say. */
async function requireSums({ told: { etag }, file, expected }: Offer, blob: string): Promise<string> {
  // held against it while it was downloaded, and it against what is expected before
  if (isSha256(etag)) return etag
  await requireGitHash(blob, etag, file.path)
  return expected.sha256 === undefined ? await sha256Of(blob) : await requireSha256(blob, expected.sha256, file.path)
}

const isSha256 = (etag: string) => etag.length === 64

/** A token is a secret: it goes over encrypted connections, or to where the user's environment says that the hub is. */
function maySee(host: string): boolean {
  const { HF_ENDPOINT } = process.env
  const origin = originOf(host)
  return origin !== undefined && (origin.startsWith('https:') || origin === originOf(HF_ENDPOINT ?? ''))
}

function originOf(address: string): string | undefined {
  return URL.canParse(address) ? new URL(address).origin : undefined
}

function isOffline(): boolean {
  return /^(?:1|true|yes|on)$/i.test(process.env.HF_HUB_OFFLINE ?? '')
}
