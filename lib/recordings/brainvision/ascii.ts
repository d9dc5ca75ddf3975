import { EegTorchError } from '../../errors.ts'
import type { FileOptions } from '../file-options.ts'
import { invalid } from '../invalid.ts'
import { readText } from '../read-text.ts'

/** How the header says that samples were written. */
export interface AsciiLayout {
  /** The file of samples. */
  file: string
  nChannels: number
  isVectorised: boolean
  /** Of `[ASCII Infos]`: `.` or `,`. */
  decimalSymbol: string
  /** Lines before the first samples, and columns before the first of each line: names of channels, mostly. */
  skipLines: number
  skipColumns: number
}

/** Samples of all channels, (samples, channels), in the unit of the file. */
export interface AsciiSamples {
  values: Float64Array
  nSamples: number
  /** Whether the last line was left out, since the file ends in its middle. */
  isCut: boolean
}

/**
 * Samples that Analyzer exported as text: a line for each sample or, vectorised, for each channel; blanks, tabs, semicolons or commas between numbers.
 *
 * @throws EegTorchError `FILE_INVALID` for what is no number or too few of them, `FILE_TRUNCATED` for a last line without its end
 */
export function readAsciiSamples(layout: AsciiLayout, truncated: FileOptions['truncated']): AsciiSamples {
  const { file, nChannels, isVectorised, skipLines } = layout
  const lines = readText(file).split(/\r\n|\n|\r/)
  // Half a number is a number too, so a line counts once the next one has begun.
  const last = lines.pop() ?? ''
  const isCut = last.trim() !== ''
  if (isCut && (truncated === 'error' || isVectorised)) {
    throw new EegTorchError('FILE_TRUNCATED', 'the file of samples ends in the middle of a line', {
      file,
      expected: 'a line break at its end',
      received: JSON.stringify(last.slice(-60)),
    })
  }
  while (lines.length > skipLines && lines.at(-1)!.trim() === '') lines.pop()
  const rows = lines.slice(skipLines).map((line, i) => numbersOf(line, skipLines + i + 1, layout))
  const width = isVectorised ? (rows[0]?.length ?? 0) : nChannels
  const wrong = rows.findIndex(({ length }) => length !== width)
  if (wrong >= 0) {
    const line = `line ${skipLines + wrong + 1} has another number of samples`
    throw invalid(file, line, String(width), String(rows[wrong]!.length))
  }
  if (isVectorised && rows.length !== nChannels)
    throw invalid(file, 'it has another number of channels', `${nChannels} lines`, `${rows.length}`)
  const nSamples = isVectorised ? width : rows.length
  if (nSamples === 0) throw invalid(file, 'it holds no samples', 'a line of numbers', 'none')
  const values = new Float64Array(nSamples * nChannels)
  for (const [r, row] of rows.entries()) {
    if (!isVectorised) values.set(row, r * nChannels)
    else for (const [t, value] of row.entries()) values[t * nChannels + r] = value
  }
  return { values, nSamples, isCut }
}

function numbersOf(line: string, number: number, { file, decimalSymbol, skipColumns }: AsciiLayout): number[] {
  const pointed = decimalSymbol === ',' ? line.replaceAll(',', '.') : line
  const fields = pointed.trim().split(/\s*[;,]\s*|\s+/)
  return fields.slice(skipColumns).map((field) => {
    const value = Number(field)
    if (field !== '' && Number.isFinite(value)) return value
    throw invalid(file, `line ${number} holds what is no number`, 'numbers', JSON.stringify(field.slice(0, 60)))
  })
}
