import type { EegWindows } from '../datasets/windows.ts'
import { EegTorchError } from '../errors.ts'

/**
 * Networks know windows as they were prepared for the training; others look to them like other brains.
 *
 * @param preparedBy hash of the pipeline of the training windows, null where these did not tell; undefined in older checkpoints, which are not asked
 * @param file of the networks
 * @throws EegTorchError `INVALID_OPTION` for windows that are known to be prepared otherwise
 */
export function requirePreparedAlike(
  { pipeline: made }: EegWindows,
  preparedBy: string | null | undefined,
  file: string,
): void {
  if (preparedBy === undefined || made === undefined || made === preparedBy) return
  if (preparedBy === null) throw unknownPreparation(file, `windows of the pipeline ${made}`)
  throw new EegTorchError('INVALID_OPTION', 'the windows were made by another pipeline than those of the training', {
    file,
    option: 'pipeline',
    expected: `the hash ${preparedBy}`,
    received: made,
  })
}

/** The error for what a pipeline prepares, where nobody knows what was done to the windows of the training. */
export function unknownPreparation(file: string, received: string): EegTorchError {
  return new EegTorchError('INVALID_OPTION', 'the windows of the training did not tell how they were prepared', {
    file,
    expected: 'a store of windows that were prepared as those were',
    received,
  })
}
