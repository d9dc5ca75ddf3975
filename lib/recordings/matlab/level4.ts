import { EegTorchError } from '../../errors.ts'
import { numbersOf, SAMPLE_BYTES, type SampleType } from '../binary/sample-types.ts'
import { invalid } from '../invalid.ts'
import { rowsOf } from './text.ts'
import type { MatValue } from './values.ts'

const HEADER_BYTES = 20
/** Names of variables have 63 characters at most in any version. */
const LONGEST_NAME = 64
/** Types of numbers by their digit. */
const TYPES: readonly SampleType[] = ['float64', 'float32', 'int32', 'int16', 'uint16', 'uint8']
/** Kinds of matrices by their digit. */
const FULL = 0
const SPARSE = 2

/** What stands before each matrix. */
interface Header {
  readonly littleEndian: boolean
  readonly type: SampleType
  readonly kind: number
  readonly rows: number
  readonly columns: number
  readonly isComplex: boolean
  readonly nameBytes: number
}

/** Whether a file that begins like this is one of MATLAB's level 4, which has no mark of its own: a header that makes sense, and a name. */
export function isLevel4(start: Buffer): boolean {
  const header = headerIn(start)
  if (header === undefined) return false
  const name = start.toString('latin1', HEADER_BYTES, HEADER_BYTES + header.nameBytes)
  return /^[A-Za-z]\w*\0$/.test(name)
}

/**
 * Reads the variables of a MATLAB file of level 4 (`save -v4`): full matrices of numbers and texts, in either byte order. Sparse and complex ones stay
 * unread.
 *
 * Format: MathWorks, MAT-File Format, level 4.
 *
 * @throws EegTorchError `FILE_TRUNCATED`, `FILE_INVALID`
 */
export function readLevel4(bytes: Buffer, file: string): ReadonlyMap<string, MatValue> {
  const variables = new Map<string, MatValue>()
  for (let at = 0; at < bytes.length; ) {
    if (at + HEADER_BYTES > bytes.length) throw cutOff(file, HEADER_BYTES, bytes.length - at)
    const header = headerIn(bytes.subarray(at))
    if (header === undefined) {
      const received = bytes.subarray(at, at + HEADER_BYTES).toString('hex')
      throw invalid(file, `there is no matrix at byte ${at}`, 'a header of level 4', received)
    }
    const { type, rows, columns, isComplex, nameBytes } = header
    const start = at + HEADER_BYTES + nameBytes
    const count = rows * columns * (isComplex ? 2 : 1)
    const end = start + count * SAMPLE_BYTES[type]
    if (end > bytes.length) throw cutOff(file, end - at, bytes.length - at)
    const name = bytes.toString('latin1', at + HEADER_BYTES, start).split('\0')[0]!
    variables.set(name, matrixOf(header, bytes.subarray(start, end)))
    at = end
  }
  return variables
}

/** The header is five whole numbers; the thousands of the first are the byte order, in which it is small. */
function headerIn(bytes: Buffer): Header | undefined {
  if (bytes.length < HEADER_BYTES) return undefined
  const littleEndian = bytes.readUInt32LE(0) < 1000
  const at = (index: number) => (littleEndian ? bytes.readUInt32LE(4 * index) : bytes.readUInt32BE(4 * index))
  const code = littleEndian ? at(0) : at(0) - 1000
  const type = TYPES[Math.floor(code / 10)]
  const [kind, rows, columns, imaginary, nameBytes] = [code % 10, at(1), at(2), at(3), at(4)]
  const makesSense =
    code >= 0 && type !== undefined && kind <= SPARSE && imaginary <= 1 && nameBytes >= 2 && nameBytes <= LONGEST_NAME
  return makesSense ? { littleEndian, type, kind, rows, columns, isComplex: imaginary === 1, nameBytes } : undefined
}

function matrixOf({ type, kind, rows, columns, isComplex, littleEndian }: Header, bytes: Buffer): MatValue {
  const dims = [rows, columns]
  if (kind === SPARSE || isComplex) return { kind: 'other', dims, what: isComplex ? 'complex' : 'a sparse array' }
  if (kind === FULL) return { kind: 'numbers', dims, type, bytes, littleEndian }
  const codes = numbersOf(bytes, type, littleEndian)
  return {
    kind: 'text',
    dims,
    rows:
      rowsOf(
        Array.from(codes, (code) => String.fromCharCode(code)),
        dims,
      ) ?? [],
  }
}

function cutOff(file: string, wanted: number, received: number): EegTorchError {
  return new EegTorchError('FILE_TRUNCATED', 'the file ends inside a variable', {
    file,
    expected: `${wanted} more bytes`,
    received: `${received}`,
  })
}
