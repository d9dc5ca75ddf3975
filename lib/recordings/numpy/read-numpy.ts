import { fstatSync } from 'node:fs'
import { readAt } from '../../files/read-at.ts'
import { withFile } from '../../files/with-file.ts'
import { openZip } from '../../files/zip.ts'
import type { NumberArray } from '../arrays/named-arrays.ts'
import { recordingOfArrays } from '../arrays/recording-of-arrays.ts'
import type { FileOptions } from '../file-options.ts'
import type { Recording } from '../recording.ts'
import { NPY_HEADER_BYTES, type NpyArray, npyNumbers, parseNpy, parseNpyHeader, parseNpyObjects } from './npy.ts'

/**
 * Opens an array of NumPy (`.npy`): (channels, samples), (samples, channels) or (trials, channels, samples). The sampling rate is an
 * option, since the file cannot say it. Samples stay in the file.
 *
 * @throws EegTorchError `FILE_NOT_FOUND`, `FILE_TRUNCATED`, `FILE_INVALID`, `FILE_UNSUPPORTED`, `INVALID_OPTION` without a sampling rate
 */
export async function readNpy(file: string, options: FileOptions = {}): Promise<Recording> {
  const data = withFile(file, (descriptor) => {
    const { size } = fstatSync(descriptor)
    const start = readAt(descriptor, 0, Math.min(size, NPY_HEADER_BYTES), 'its header', file)
    const header = parseNpyHeader(start, file)
    return npyNumbers(header, { position: header.position }, size - header.position, file)
  })
  const arrays = {
    file,
    format: 'NumPy array',
    firstSample: 0 as const,
    numbers: new Map([['data', data]]),
    texts: new Map(),
  }
  return recordingOfArrays(arrays, options)
}

/**
 * Opens named arrays of NumPy (`.npz`) as {@link recordingOfArrays} understands them, and what `eegtorch export` writes. They are
 * unpacked into memory, their checksums verified; arrays of objects are read where they hold texts and numbers alone, and else left out with a warning.
 *
 * @throws EegTorchError as {@link readNpy}, and `FILE_UNSAFE` for archives made to harm
 */
export async function readNpz(file: string, options: FileOptions = {}): Promise<Recording> {
  const zip = openZip(file)
  const numbers = new Map<string, NumberArray>()
  const texts = new Map<string, readonly string[]>()
  const leftOut: string[] = []
  try {
    for (const [path, entry] of zip.entries) {
      if (!path.endsWith('.npy')) continue
      const name = path.slice(0, -4)
      const array = plainArray(zip.readSync(entry), file, name)
      if (array === undefined) leftOut.push(name)
      else if ('texts' in array) texts.set(name, array.texts)
      else numbers.set(name, array.numbers)
    }
  } finally {
    zip.close()
  }
  const named = leftOut.slice(0, 8).join(', ')
  const warnings = leftOut.length === 0 ? [] : [`Arrays of neither numbers nor texts were left out: ${named}.`]
  return recordingOfArrays({ file, format: 'NumPy arrays', firstSample: 0, numbers, texts, warnings }, options)
}

/** Undefined for fields and for Python objects other than texts and numbers. */
function plainArray(bytes: Buffer, file: string, name: string): NpyArray | undefined {
  try {
    return parseNpy(bytes, file, name)
  } catch (error) {
    if ((error as { code?: string }).code !== 'FILE_UNSUPPORTED') throw error
    const texts = parseNpyObjects(bytes, file)
    return texts && { texts }
  }
}
