import { EegTorchError } from '../../errors.ts'
import { readWhole } from '../read-text.ts'
import { ElementReader } from './elements.ts'
import { readVariable } from './matrix.ts'
import type { MatValue } from './values.ts'

const HEADER_BYTES = 128
/** Buffers of Node hold at most this. */
const LONGEST = 2 ** 32 - 1

/** Whether a file that begins like this is one of MATLAB, of level 5 (versions 5 to 7) or HDF5 (version 7.3). */
export function isMatFile(start: Buffer): boolean {
  const text = start.toString('latin1', 0, 10)
  return text.startsWith('MATLAB 5.0') || text.startsWith('MATLAB 7.3')
}

/**
 * Reads the variables of a MATLAB file of level 5 (`save -v6` and `-v7`), either byte order, compressed ones included. Functions,
 * objects, sparse and complex numbers stay unread.
 *
 * Format: MathWorks, MAT-File Format.
 *
 * @throws EegTorchError `FILE_NOT_FOUND`, `FILE_TRUNCATED`, `FILE_INVALID`, or `FILE_UNSUPPORTED` for version 7.3
 */
export function readMatFile(file: string): Map<string, MatValue> {
  const bytes = readWhole(file, LONGEST)
  const start = bytes.toString('latin1', 0, 10)
  if (start.startsWith('MATLAB 7.3')) {
    throw new EegTorchError('FILE_UNSUPPORTED', 'MATLAB files of version 7.3 (HDF5) cannot be read', {
      file,
      expected: "a file saved by MATLAB with the option '-v7'",
      received: 'version 7.3',
    })
  }
  const mark = bytes.toString('latin1', 126, 128)
  if (!start.startsWith('MATLAB 5.0') || (mark !== 'IM' && mark !== 'MI')) {
    throw new EegTorchError(bytes.length < HEADER_BYTES ? 'FILE_TRUNCATED' : 'FILE_INVALID', 'this is no MATLAB file', {
      file,
      expected: "'MATLAB 5.0 MAT-file' and a mark of byte order",
      received: JSON.stringify(start),
    })
  }
  const reader = new ElementReader(bytes.subarray(HEADER_BYTES), mark === 'IM', file)
  const variables = new Map<string, MatValue>()
  while (!reader.isAtEnd) {
    const variable = readVariable(reader.next(), reader)
    if (variable !== undefined && variable.name !== '') variables.set(variable.name, variable.value)
  }
  return variables
}
