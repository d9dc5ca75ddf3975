import type { DownloadOptions, DownloadProgress } from '../files/download/options.ts'
import type { HeldAgainst } from './pins.ts'

/** How to bring a checkpoint. */
export interface PullOptions extends Pick<DownloadOptions, 'signal' | 'retries' | 'pause' | 'timeout'> {
  /** Another address in place of the official host, with the same paths; default: `HF_ENDPOINT` for files of the hub. */
  host?: string
  /** Of an account that may read the repository; sent to `https:` hosts and to `HF_ENDPOINT` alone. Default: `HF_TOKEN`. */
  token?: string
  /**
   * Branch, tag or commit of the repository. Default: the commit of an earlier pull, else what the manifest names. With it, files may differ from
   * those of the earlier pull, and later pulls are held against these.
   */
  revision?: string
  onProgress?: (progress: DownloadProgress) => void
}

/** A file that is there. */
export interface PulledFile {
  path: string
  bytes: number
  sha256: string
  /** False where it was there already. */
  isNew: boolean
  /** What it was held against. */
  heldAgainst: HeldAgainst
  /** Whether it has the checksum that the manifest names: it is the published file, whoever sent it. */
  isVerified: boolean
}
