import { EegTorchError } from '../../errors.ts'
import type { NumberArray } from './named-arrays.ts'

/** Which axis of an array is what. */
export interface Axes {
  readonly channels: number | undefined
  readonly samples: number
  readonly trials: number | undefined
}

/**
 * Axes of an array of samples. One axis: a single channel. Two: the one as long as there are names holds the channels; without names, the
 * shorter. Three: trials, channels, samples, or (where only that fits the names) channels, samples, trials.
 *
 * @throws EegTorchError `FILE_UNSUPPORTED` for other arrays, `INVALID_OPTION` if the names fit no axis
 */
export function axesOf({ dims }: NumberArray, nNames: number | undefined, file: string): Axes {
  if (dims.some((dim) => dim === 0) || dims.length < 1 || dims.length > 3) {
    throw new EegTorchError('FILE_UNSUPPORTED', 'its array of samples has a shape that is not known', {
      file,
      expected: '(channels, samples), (samples, channels) or (trials, channels, samples)',
      received: `(${dims.join(', ')})`,
    })
  }
  if (dims.length === 1) return { channels: undefined, samples: 0, trials: undefined }
  if (dims.length === 2) {
    const [rows, columns] = dims as [number, number]
    if (nNames === undefined) return rows <= columns ? ROWS : COLUMNS
    if (rows === nNames) return ROWS
    if (columns === nNames) return COLUMNS
  } else if (nNames === undefined || dims[1] === nNames) return { trials: 0, channels: 1, samples: 2 }
  else if (dims[0] === nNames) return { channels: 0, samples: 1, trials: 2 }
  throw new EegTorchError('INVALID_OPTION', 'the names of channels fit no axis of the array', {
    file,
    expected: `an axis of length ${nNames}`,
    received: `(${dims.join(', ')})`,
  })
}

const ROWS: Axes = { channels: 0, samples: 1, trials: undefined }
const COLUMNS: Axes = { channels: 1, samples: 0, trials: undefined }
