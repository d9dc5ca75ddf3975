import { setTimeout as sleep } from 'node:timers/promises'
import { EegTorchError } from '../../errors.ts'
import { cancelled, type DownloadOptions } from './options.ts'
import { askFor, type Refusal } from './request.ts'

/** A list of a host is far shorter. */
const LONGEST = 32 * 2 ** 20

/**
 * A short text of a server: a list of files, or of checksums.
 *
 * @throws EegTorchError `DOWNLOAD_FAILED`, `FILE_UNSAFE` for one of absurd length, `CANCELLED`
 */
export async function downloadText(
  url: string,
  { signal, retries = 2, pause = 1000, timeout = 20_000 }: Omit<DownloadOptions, 'folder' | 'onProgress'> = {},
): Promise<string> {
  for (let failures = 0; ; failures++) {
    try {
      return await readOnce(url, signal, timeout)
    } catch (error) {
      if (signal?.aborted) throw cancelled()
      if (error instanceof EegTorchError) throw error
      const { isFinal, wait, message } = error as Refusal
      if (isFinal || !(failures < retries)) {
        throw new EegTorchError('DOWNLOAD_FAILED', `${url} cannot be read (${message})`, { cause: error })
      }
      await sleep(Math.max(wait, pause * 2 ** failures), undefined, signal && { signal }).catch(() => {
        throw cancelled()
      })
    }
  }
}

async function readOnce(url: string, signal: AbortSignal | undefined, timeout: number): Promise<string> {
  const answer = await askFor(url, { from: 0, validator: undefined, timeout, signal })
  const chunks: Uint8Array[] = []
  let size = 0
  try {
    for await (const chunk of answer.body) {
      size += chunk.length
      if (size > LONGEST) {
        throw new EegTorchError('FILE_UNSAFE', `${url} is no list`, {
          expected: `at most ${LONGEST} bytes`,
          received: 'more',
        })
      }
      chunks.push(chunk)
    }
  } finally {
    answer.end()
  }
  return Buffer.concat(chunks).toString('utf8')
}
