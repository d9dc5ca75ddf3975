/** Stable codes of {@link EegTorchError}; a program may branch on them. */
export type ErrorCode =
  | 'SHAPE_MISMATCH'
  | 'DTYPE_MISMATCH'
  | 'DEVICE_MISMATCH'
  | 'INVALID_OPTION'
  | 'UNKNOWN_NAME'
  | 'USED_AFTER_DISPOSE'
  | 'FILE_NOT_FOUND'
  | 'FILE_TRUNCATED'
  | 'FILE_INVALID'
  | 'FILE_UNSUPPORTED'
  | 'FILE_UNSAFE'
  | 'FILE_WRITE_FAILED'
  | 'DOWNLOAD_FAILED'
  | 'CHECKPOINT_MISMATCH'
  | 'SPLIT_LEAKS'
  | 'LIBTORCH_NOT_FOUND'
  | 'LIBTORCH_VERSION'
  | 'ADDON_NOT_FOUND'
  | 'SETUP_FAILED'
  | 'DIVERGED'
  | 'PROCESS_LOST'
  | 'OUT_OF_MEMORY'
  | 'CANCELLED'
  | 'LIBTORCH'
  | 'INTERNAL'

/** What was wrong, in parts that a program can read; `message` holds them as one sentence. */
export interface ErrorDetails {
  /** What the value should have been. */
  expected?: string
  /** What it was. */
  received?: string
  /** The file at fault. */
  file?: string
  /** The option at fault, as the user writes it. */
  option?: string
  cause?: unknown
}

/** The only error class that eegtorch throws. */
export class EegTorchError extends Error {
  readonly code: ErrorCode
  readonly expected?: string
  readonly received?: string
  readonly file?: string
  readonly option?: string

  constructor(code: ErrorCode, what: string, details: ErrorDetails = {}) {
    super(sentence(what, details), details.cause === undefined ? undefined : { cause: details.cause })
    this.name = `EegTorchError [${code}]`
    this.code = code
    if (details.expected !== undefined) this.expected = details.expected
    if (details.received !== undefined) this.received = details.received
    if (details.file !== undefined) this.file = details.file
    if (details.option !== undefined) this.option = details.option
  }

  /** The same error with what it concerns before its sentence: one recording of many. */
  about(subject: string): EegTorchError {
    const { expected, received, file, option } = this
    const known = { expected, received, file, option }
    const details = Object.fromEntries(Object.entries(known).filter(([, value]) => value !== undefined))
    return new EegTorchError(this.code, `${subject}: ${this.message}`, { ...details, cause: this })
  }
}

function sentence(what: string, { expected, received, file }: ErrorDetails): string {
  const subject = file === undefined || what.includes(file) ? what : `${file}: ${what}`
  // what a text says itself, as in "expects (batch, 22 channels)", is not repeated
  const parts = [
    expected &&
      !what.includes(`expects ${expected}`) &&
      !what.includes(`expected ${expected}`) &&
      `expected ${expected}`,
    received && !what.includes(`received ${received}`) && `received ${received}`,
  ].filter(Boolean)
  return parts.length === 0 ? subject : `${subject}: ${parts.join(', ')}`
}
