import { EegTorchError } from '../../errors.ts'
import type { Checksum } from './checksum.ts'

/** A file that can be downloaded. */
export interface RemoteFile extends Checksum {
  /** Where it goes, below the target folder; parts are divided by `/`. */
  path: string
  /** Where it is: mirrors, in the order in which to try them. */
  urls: readonly string[]
}

/** How far a download has come, all files together. */
export interface DownloadProgress {
  /** The file at work. */
  file: string
  /** Bytes that are there, and in all; 0 where nobody has told. */
  done: number
  total: number
}

/** How to download. */
export interface DownloadOptions {
  /** Target folder, made where it is missing. */
  folder: string
  signal?: AbortSignal
  /** Sent with every request, such as a token; not to the host to which a request is redirected. */
  headers?: Readonly<Record<string, string>>
  onProgress?: (progress: DownloadProgress) => void
  /** Attempts after the first one that failed, for each mirror; bytes that arrived count the failures anew. Default 5. */
  retries?: number
  /** Milliseconds before the second attempt; twice as long before each further one, at most a minute. Default 1000. */
  pause?: number
  /** Milliseconds without a byte after which a connection counts as broken. Default 30,000. */
  timeout?: number
}

/** The error of a download that its signal ended. */
export function cancelled(): EegTorchError {
  return new EegTorchError('CANCELLED', 'the download was stopped; the same call goes on with what is there')
}
