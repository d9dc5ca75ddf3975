import { type NumberArray, stridesOf } from '../arrays/named-arrays.ts'
import { recordingOfArrays } from '../arrays/recording-of-arrays.ts'
import { eegSetOf, readEegSet } from '../eeglab/eeglab.ts'
import type { FileOptions } from '../file-options.ts'
import type { Recording } from '../recording.ts'
import { readMatFile } from './mat-file.ts'
import { type MatValue, textsIn } from './values.ts'

/**
 * Opens a recording in a MATLAB file of level 4, level 5 or version 7.3: an EEGLAB set, or variables as {@link recordingOfArrays} understands them, side by
 * side or in one structure.
 *
 * @throws EegTorchError what {@link readMatFile} throws; `FILE_UNSUPPORTED` for variables that are no recording
 */
export async function readMat(file: string, options: FileOptions = {}): Promise<Recording> {
  const variables = readMatFile(file)
  const set = eegSetOf(variables, file)
  if (set !== undefined) return readEegSet(set, options)
  const structs = [...variables.values()].filter((value) => value.kind === 'structs')
  const data = variables.get('data') ?? structs[0]
  const fields = data?.kind === 'structs' && data.items.length === 1 ? data.items[0]! : variables
  return recordingOfArrays({ file, format: 'MATLAB', firstSample: 1, ...arraysOf(fields) }, options)
}

function arraysOf(values: ReadonlyMap<string, MatValue>): {
  numbers: Map<string, NumberArray>
  texts: Map<string, readonly string[]>
} {
  const numbers = new Map<string, NumberArray>()
  const texts = new Map<string, readonly string[]>()
  for (const [name, value] of values) {
    const text = textsIn(value)
    if (text !== undefined) texts.set(name, text)
    // FieldTrip keeps its trials in cells; one trial is a matrix.
    const numeric = value.kind === 'cells' && value.cells.length === 1 ? value.cells[0]! : value
    if (numeric.kind !== 'numbers' && numeric.kind !== 'stored') continue
    const { dims, type } = numeric
    numbers.set(name === 'trial' ? 'data' : name, {
      dims,
      strides: stridesOf(dims, type, true),
      type,
      littleEndian: numeric.kind === 'stored' || numeric.littleEndian,
      at: numeric.kind === 'stored' ? { stored: numeric } : { bytes: numeric.bytes },
    })
  }
  return { numbers, texts }
}
