import { EegTorchError } from '../../errors.ts'
import { eegSetOf, readEegSet } from '../eeglab/eeglab.ts'
import type { FileOptions } from '../file-options.ts'
import type { Recording } from '../recording.ts'
import { readMatFile } from './mat-file.ts'

/**
 * Opens a recording in a MATLAB file of level 5: an EEGLAB set.
 *
 * @throws EegTorchError what {@link readMatFile} throws; `FILE_UNSUPPORTED` for variables that are no recording
 */
export async function readMat(file: string, options: FileOptions = {}): Promise<Recording> {
  const variables = readMatFile(file)
  const set = eegSetOf(variables, file)
  if (set !== undefined) return readEegSet(set, options)
  throw new EegTorchError('FILE_UNSUPPORTED', 'the file holds no recording that is known', {
    file,
    expected: 'an EEGLAB set (nbchan, srate, pnts, data)',
    received: [...variables.keys()].slice(0, 12).join(', ') || 'no variables',
  })
}
