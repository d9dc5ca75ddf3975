import { setTimeout as sleep } from 'node:timers/promises'
import { EegTorchError } from '../errors.ts'
import { cancelled } from '../files/download/options.ts'

/** The hub's own address; `HF_ENDPOINT` names another, as for Hugging Face's tools. */
export const HUB = 'https://huggingface.co'
const MAX_MOVES = 5

/** What the hub tells of a file before it sends it. */
export interface HubFile {
  /** The commit that the revision stands for. */
  commit: string
  /** SHA-256 of a large file, git's SHA-1 of a small one: the name of the blob. */
  etag: string
  bytes?: number
}

/** How to ask the hub. */
export interface HubOptions {
  host: string
  headers: Readonly<Record<string, string>>
  signal?: AbortSignal | undefined
  retries?: number | undefined
  pause?: number | undefined
  timeout?: number | undefined
}

/** The address of a file at a revision. */
export function hubAddress(host: string, repository: string, revision: string, path: string): string {
  const encoded = path.split('/').map(encodeURIComponent).join('/')
  return `${host.replace(/\/+$/, '')}/${repository}/resolve/${encodeURIComponent(revision)}/${encoded}`
}

/**
 * Asks for the size and the checksum of a file.
 *
 * @throws EegTorchError `DOWNLOAD_FAILED` that tells why: no such repository or file, consent to be given, the hub out of reach; `CANCELLED`
 */
export async function askHub(url: string, repository: string, options: HubOptions): Promise<HubFile> {
  const { retries = 2, pause = 1000, signal } = options
  for (let failures = 0; ; failures++) {
    try {
      return await askOnce(url, repository, options)
    } catch (error) {
      if (signal?.aborted) throw cancelled()
      if (error instanceof EegTorchError || !(failures < retries)) throw asFailure(error, url)
      await sleep(pause * 2 ** failures, undefined, signal && { signal }).catch(() => {
        throw cancelled()
      })
    }
  }
}

async function askOnce(url: string, repository: string, options: HubOptions): Promise<HubFile> {
  const { headers, signal, timeout = 20_000 } = options
  const limit = AbortSignal.timeout(timeout)
  const either = signal === undefined ? limit : AbortSignal.any([signal, limit])
  let address = url
  for (let moves = 0; moves <= MAX_MOVES; moves++) {
    const response = await fetch(address, { method: 'HEAD', redirect: 'manual', headers, signal: either })
    const location = response.headers.get('location')
    // a repository that was renamed; large files, whose headers are here already, are elsewhere
    const isMoved = location !== null && response.headers.get('x-linked-etag') === null
    const next = isMoved ? new URL(location, address) : undefined
    if (next !== undefined && next.origin === new URL(address).origin) {
      address = next.href
      continue
    }
    return readAnswer(response, repository, address)
  }
  throw new EegTorchError('DOWNLOAD_FAILED', `${url} leads in circles`)
}

function readAnswer({ status, headers }: Response, repository: string, url: string): HubFile {
  if (status >= 400) throw refusal(status, headers, repository, url)
  const commit = headers.get('x-repo-commit') ?? ''
  const etag = (headers.get('x-linked-etag') ?? headers.get('etag') ?? '').replace(/^W\//, '').replaceAll('"', '')
  if (!/^[0-9a-f]{40}$/.test(commit) || !/^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(etag)) {
    throw new EegTorchError('DOWNLOAD_FAILED', `${url} does not answer as the hub does`, {
      expected: 'a commit and a checksum in the headers',
      received: `x-repo-commit ${commit.slice(0, 80) || 'none'}, etag ${etag.slice(0, 80) || 'none'}`,
    })
  }
  const length = headers.get('x-linked-size') ?? headers.get('content-length')
  return { commit, etag, ...(length !== null && /^\d{1,15}$/.test(length) && { bytes: Number(length) }) }
}

function refusal(status: number, headers: Headers, repository: string, url: string): Error {
  const code = headers.get('x-error-code')
  const page = `${HUB}/${repository}`
  const fail = (what: string) => new EegTorchError('DOWNLOAD_FAILED', what, { received: `${status} for ${url}` })
  if (code === 'GatedRepo') {
    return fail(
      `${repository} wants consent to its licence: give it on ${page}, then set HF_TOKEN to a token of that account`,
    )
  }
  if (code === 'RepoNotFound' || (code === null && status === 404)) return fail(`there is no repository ${repository}`)
  if (code === 'EntryNotFound' || code === 'RevisionNotFound') return fail(`${repository} has no such file or revision`)
  if (status === 401 || status === 403) {
    return fail(`${repository} is not for everybody: set HF_TOKEN to a token of an account that may read ${page}`)
  }
  // others may pass
  return new Error(`the hub answers ${status}`)
}

function asFailure(error: unknown, url: string): EegTorchError {
  if (error instanceof EegTorchError) return error
  const { message, cause } = error as Error & { cause?: { code?: string; message?: string } }
  const reason = cause?.code ?? cause?.message ?? message
  return new EegTorchError('DOWNLOAD_FAILED', `${new URL(url).origin} cannot be reached (${reason})`, { cause: error })
}
