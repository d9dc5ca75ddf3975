import { fstatSync } from 'node:fs'
import { EegTorchError } from '../../errors.ts'
import { readAt } from '../../files/read-at.ts'
import { withFile } from '../../files/with-file.ts'
import { listVariables } from '../hdf5/client.ts'
import { readWhole } from '../read-text.ts'
import { ElementReader } from './elements.ts'
import { isLevel4, readLevel4 } from './level4.ts'
import { readVariable } from './matrix.ts'
import type { MatValue } from './values.ts'

const HEADER_BYTES = 128
/** Buffers of Node hold at most this. */
const LONGEST = 2 ** 32 - 1

/** Whether a file that begins like this is one of MATLAB, of level 4, level 5 (versions 5 to 7) or HDF5 (version 7.3). */
export function isMatFile(start: Buffer): boolean {
  const text = start.toString('latin1', 0, 10)
  return text.startsWith('MATLAB 5.0') || text.startsWith('MATLAB 7.3') || isLevel4(start)
}

function isVersion73(file: string): boolean {
  const start = withFile(file, (descriptor) =>
    readAt(descriptor, 0, Math.min(10, fstatSync(descriptor).size), 'its start', file),
  )
  return start.toString('latin1') === 'MATLAB 7.3'
}

/**
 * Reads the variables of a MATLAB file of level 4 (`save -v4`), of level 5 (`save -v6` and `-v7`), either byte order, compressed ones
 * included, or of version 7.3 (HDF5), whose large arrays stay in the file. Functions, objects, sparse and complex numbers stay unread.
 *
 * Format: MathWorks, MAT-File Format.
 *
 * @throws EegTorchError `FILE_NOT_FOUND`, `FILE_TRUNCATED`, `FILE_INVALID`
 */
export function readMatFile(file: string): ReadonlyMap<string, MatValue> {
  if (isVersion73(file)) return listVariables(file)
  const bytes = readWhole(file, LONGEST)
  if (isLevel4(bytes)) return readLevel4(bytes, file)
  const start = bytes.toString('latin1', 0, 10)
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
