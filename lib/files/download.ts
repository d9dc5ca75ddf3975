/** A file that can be downloaded. */
export interface RemoteFile {
  /** Where it goes, below the target folder; parts are divided by `/`. */
  path: string
  /** Where it is: the first that answers is taken. */
  urls: readonly string[]
  sha256?: string
}
