import { EegTorchError } from '../errors.ts'

/** The error for a file whose content contradicts its format, or itself. */
export function invalid(file: string, what: string, expected: string, received: string): EegTorchError {
  return new EegTorchError('FILE_INVALID', what, { file, expected, received })
}
