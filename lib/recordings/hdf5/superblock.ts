import { fstatSync } from 'node:fs'
import { EegTorchError } from '../../errors.ts'
import { readAt } from '../../files/read-at.ts'
import { withFile } from '../../files/with-file.ts'
import { invalid } from '../invalid.ts'

/** MATLAB's own header comes before the superblock. */
const POSITION = 512
const BYTES = 64
const SIGNATURE = '\x89HDF\r\n\x1a\n'

/**
 * Holds the length that an HDF5 file claims in its superblock (HDF5 File Format, II.A) against the length that it has.
 *
 * @returns the length in bytes
 * @throws EegTorchError `FILE_TRUNCATED`, or `FILE_INVALID` without a superblock
 */
export function checkLength(file: string): number {
  return withFile(file, (descriptor) => {
    const { size } = fstatSync(descriptor)
    const block = readAt(descriptor, POSITION, BYTES, 'its superblock', file)
    const version = block[8]!
    if (block.toString('latin1', 0, 8) !== SIGNATURE || version > 3) {
      throw invalid(
        file,
        'there is no HDF5 superblock behind the header',
        JSON.stringify(SIGNATURE),
        JSON.stringify(block.toString('latin1', 0, 8)),
      )
    }
    const isOld = version < 2
    const addressBytes = block[isOld ? 13 : 9]!
    if (addressBytes !== 8) throw invalid(file, 'its addresses have another size', '8 bytes', `${addressBytes}`)
    const end = Number(block.readBigUInt64LE(isOld ? 40 + 4 * version : 28))
    if (size >= end) return size
    throw new EegTorchError('FILE_TRUNCATED', 'the HDF5 file is cut off', {
      file,
      expected: `${end} bytes`,
      received: `${size}`,
    })
  })
}
