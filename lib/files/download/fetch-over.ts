import { setTimeout as sleep } from 'node:timers/promises'
import { EegTorchError } from '../../errors.ts'
import { checkFile } from './checksum.ts'
import { cancelled, type DownloadOptions, type RemoteFile } from './options.ts'
import type { PartialFile } from './partial-file.ts'
import { type Answer, askFor, Refusal } from './request.ts'

const RETRIES = 5
const PAUSE = 1000
const LONGEST_PAUSE = 60_000
const TIMEOUT = 30_000

/** Fills a partial file until it is whole and right: mirror after mirror, attempt after attempt. */
export async function fetchOver(
  file: RemoteFile,
  part: PartialFile,
  options: DownloadOptions,
  tell: (done: number, total?: number) => void,
): Promise<void> {
  const refusals: string[] = []
  let wrong: EegTorchError | undefined
  for (const url of file.urls) {
    // A checksum that fails on what was put together from pieces may hold for the whole: each mirror gets a second chance from zero.
    for (let chance = 0; chance < 2; chance++) {
      const refusal = await fillFrom(url, file, part, options, tell)
      if (refusal !== undefined) {
        refusals.push(`${url}: ${refusal}`)
        break
      }
      const state = await checkFile(part.path, file)
      if (state.state === 'right') return
      const { isPieced } = part
      await part.restart()
      if (state.state === 'wrong') {
        wrong = new EegTorchError(
          'FILE_INVALID',
          'what arrived is not the file that was published; it was thrown away',
          {
            file: part.target,
            expected: state.expected,
            received: state.received,
          },
        )
      }
      if (!isPieced) break
    }
  }
  throw wrong ?? unreachable(part.target, refusals)
}

/** Fills from one mirror. @returns why the mirror gives nothing; undefined when the file is whole */
async function fillFrom(
  url: string,
  file: RemoteFile,
  part: PartialFile,
  options: DownloadOptions,
  tell: (done: number, total?: number) => void,
): Promise<string | undefined> {
  const { retries = RETRIES, pause = PAUSE, signal } = options
  let failures = 0
  for (;;) {
    const before = part.size
    try {
      await attempt(url, file, part, options, tell)
      return undefined
    } catch (error) {
      if (signal?.aborted) throw cancelled()
      if (error instanceof EegTorchError) throw error
      const refusal = error as Refusal
      if (refusal.isFinal) return refusal.message
      failures = part.size > before ? 1 : failures + 1
      if (refusal.restarts) await part.restart()
      // Written so that what is no number ends it.
      if (!(failures <= retries)) return `${refusal.message} (${failures} ${failures === 1 ? 'attempt' : 'attempts'})`
      const wait = Math.max(Math.min(pause * 2 ** (failures - 1), LONGEST_PAUSE), refusal.wait)
      await sleep(wait, undefined, signal && { signal }).catch(() => {
        throw cancelled()
      })
    }
  }
}

async function attempt(
  url: string,
  file: RemoteFile,
  part: PartialFile,
  { signal, headers, timeout = TIMEOUT }: DownloadOptions,
  tell: (done: number, total?: number) => void,
): Promise<void> {
  if (!canGoOn(url, file, part)) await part.restart()
  const { origin } = part
  const expected = file.bytes ?? origin?.total
  if (part.size > 0 && part.size === expected) return
  const answer = await askFor(url, { from: part.size, validator: origin?.validator, timeout, signal, headers })
  try {
    if (part.size > 0 && !goesOn(answer, part)) await part.restart()
    const total = file.bytes ?? answer.total
    if (answer.total !== undefined && file.bytes !== undefined && answer.total !== file.bytes) {
      throw new Refusal(`the server offers ${answer.total} bytes, and the file has ${file.bytes}`, { isFinal: true })
    }
    const isProven = total !== undefined || file.sha256 !== undefined || file.md5 !== undefined
    if (!isProven && !answer.isBounded) {
      throw new Refusal('the server does not say how long the file is, and no checksum is published', { isFinal: true })
    }
    const { validator } = answer
    await part.remember({ url, ...(validator && { validator }), ...(total !== undefined && { total }) })
    tell(part.size, total)
    for await (const chunk of answer.body) {
      if (total !== undefined && part.size + chunk.length > total) {
        await part.restart()
        throw new Refusal(`the server sends more than ${total} bytes`, { isFinal: true })
      }
      await part.append(chunk)
      tell(part.size, total)
    }
    if (total !== undefined && part.size < total) {
      throw new Refusal(`the connection ended after ${part.size} of ${total} bytes`)
    }
  } finally {
    answer.end()
  }
}

/** Whether bytes that are there may be completed from this mirror: the server can prove the file unchanged, or a checksum will tell. */
function canGoOn(url: string, { sha256, md5, bytes }: RemoteFile, { size, origin }: PartialFile): boolean {
  if (size === 0) return true
  if (bytes !== undefined && size > bytes) return false
  const hasDigest = sha256 !== undefined || md5 !== undefined
  return hasDigest || (origin?.url === url && origin.validator !== undefined)
}

/** Whether an answer continues what is there. A server that ignores ranges, or has another file by now, sends the whole. */
function goesOn({ from, total, validator }: Answer, { size, origin }: PartialFile): boolean {
  const isSame = origin?.validator === undefined || validator === undefined || origin.validator === validator
  const isAsLong = origin?.total === undefined || total === undefined || origin.total === total
  if (from !== 0 && from !== size) {
    throw new Refusal(`the server sends from byte ${from}, and was asked to send from ${size}`, { restarts: true })
  }
  if (from === size && !(isSame && isAsLong)) {
    throw new Refusal('the file on the server has changed', { restarts: true })
  }
  return from === size
}

function unreachable(target: string, refusals: readonly string[]): EegTorchError {
  return new EegTorchError(
    'DOWNLOAD_FAILED',
    `cannot be downloaded (${refusals.join('; ') || 'there is no address'})`,
    {
      file: target,
    },
  )
}
