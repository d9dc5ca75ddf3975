import type { TruncatedPolicy } from './edf-header.ts'

/** How to read a file of any format. What a format has no use for is ignored. */
export interface FileOptions {
  /** `error` (default) refuses a file that holds less (or more) than its header promises; `read` takes what is complete. */
  truncated?: TruncatedPolicy
  /** Unit of channels for which the file names none, such as `uV`. */
  unit?: string
}
