import type { TruncatedPolicy } from './edf-header.ts'

/** How to read a file of any format. What a format has no use for is ignored. */
export interface FileOptions {
  /** `error` (default) refuses a file that holds less (or more) than its header promises; `read` takes what is complete. */
  truncated?: TruncatedPolicy
  /** Unit of channels for which the file names none, such as `uV`. */
  unit?: string
  /** Hertz, for files that do not say: arrays and tables. It goes before time stamps and before what the file says. */
  samplingRate?: number
  /** Name of the stream to read, for files of several (XDF); default the first of type EEG, else the first with a rate. */
  stream?: string
  /** Names of the channels, for files that have none. */
  channelNames?: readonly string[]
}
