import { numbersOf, SAMPLE_BYTES } from '../binary/sample-types.ts'
import { COMPRESSED, type Element, type ElementReader, MATRIX, UTF8, UTF16, UTF32 } from './elements.ts'
import { rowsOf } from './text.ts'
import type { MatValue } from './values.ts'

/** Array classes (MAT-File Format, level 5, table 1-3). */
const CELL = 1
const STRUCT = 2
const CHAR = 4
const FIRST_NUMBER = 6
const LAST_NUMBER = 15
const COMPLEX = 0x08
/** Structures inside structures: more is an attack on the stack. */
const DEEPEST = 100

/** A named array. */
export interface MatVariable {
  readonly name: string
  readonly value: MatValue
}

/** Reads an array element, and unpacks it where it is compressed. Elements that are no arrays are undefined. */
export function readVariable(element: Element, reader: ElementReader): MatVariable | undefined {
  if (element.type === COMPRESSED) {
    const unpacked = reader.unpacked(element)
    return readVariable(unpacked.next(), unpacked)
  }
  return element.type === MATRIX ? readMatrix(reader.inside(element), 0) : undefined
}

function readMatrix(reader: ElementReader, depth: number): MatVariable {
  const empty: MatValue = { kind: 'numbers', dims: [0, 0], type: 'float64', bytes: Buffer.alloc(0), littleEndian: true }
  if (reader.isAtEnd) return { name: '', value: empty }
  if (depth > DEEPEST) throw reader.invalid('its variables are nested too deeply', `${DEEPEST} levels`, 'more')
  const { littleEndian } = reader
  const flags = reader.nextNumbers('a flag').bytes
  if (flags.length < 4) throw reader.invalid('the flags of a variable are too short', '8 bytes', `${flags.length}`)
  const word = littleEndian ? flags.readUInt32LE(0) : flags.readUInt32BE(0)
  const kind = word & 0xff
  // Opaque objects have no dimensions; nothing that a recording needs is in one.
  if (kind > LAST_NUMBER) return { name: '', value: { kind: 'other', dims: [], what: `class ${kind}` } }
  const dims = readDims(reader)
  const name = reader.next().bytes.toString('latin1')
  return { name, value: readValue(reader, { kind, isComplex: ((word >> 8) & COMPLEX) !== 0, dims, depth }) }
}

function readDims(reader: ElementReader): number[] {
  const { type, bytes } = reader.nextNumbers('the size of a variable')
  const dims = [...numbersOf(bytes, type, reader.littleEndian)]
  const count = dims.reduce((product, dim) => product * dim, 1)
  if (dims.length >= 2 && dims.length <= 32 && dims.every((dim) => dim >= 0) && Number.isSafeInteger(count)) return dims
  throw reader.invalid(
    'the size of a variable is not usable',
    'at least two sizes of 0 or more',
    dims.slice(0, 8).join(' x '),
  )
}

interface Shape {
  kind: number
  isComplex: boolean
  dims: number[]
  depth: number
}

function readValue(reader: ElementReader, shape: Shape): MatValue {
  const { kind, dims } = shape
  const count = dims.reduce((product, dim) => product * dim, 1)
  if (kind === CELL) return { kind: 'cells', dims, cells: readItems(reader, count, shape) }
  if (kind === STRUCT) return readStructs(reader, count, shape)
  if (kind === CHAR) return { kind: 'text', dims, rows: readRows(reader, dims) }
  if (kind < FIRST_NUMBER || shape.isComplex) return { kind: 'other', dims, what: `class ${kind}` }
  const { type, bytes } = reader.nextNumbers('a variable')
  const needed = count * SAMPLE_BYTES[type]
  if (bytes.length !== needed) {
    throw reader.invalid('a variable has not the numbers that its size says', `${needed} bytes`, `${bytes.length}`)
  }
  return { kind: 'numbers', dims, type, bytes, littleEndian: reader.littleEndian }
}

function readItems(reader: ElementReader, count: number, { depth }: Shape): MatValue[] {
  if (count * 8 > reader.left)
    throw reader.invalid('an array claims more items than it has', `${count}`, `${reader.left} bytes`)
  return Array.from({ length: count }, () => {
    const element = reader.next()
    if (element.type !== MATRIX) throw reader.invalid('an item is no array', `type ${MATRIX}`, `type ${element.type}`)
    return readMatrix(reader.inside(element), depth + 1).value
  })
}

function readStructs(reader: ElementReader, count: number, shape: Shape): MatValue {
  const width = numbersOf(reader.nextNumbers('a length of names').bytes, 'int32', reader.littleEndian)[0] ?? 0
  const { bytes } = reader.next()
  if (!(width > 0)) throw reader.invalid('the names of fields have no length', '1 or more', `${width}`)
  const names = Array.from({ length: Math.floor(bytes.length / width) }, (_, i) => {
    const name = bytes.toString('latin1', i * width, (i + 1) * width)
    return name.split('\0')[0]!
  })
  if (names.length === 0) return { kind: 'structs', dims: shape.dims, items: [] }
  const values = readItems(reader, count * names.length, shape)
  const items = Array.from(
    { length: count },
    (_, i) => new Map(names.map((name, k) => [name, values[i * names.length + k]!])),
  )
  return { kind: 'structs', dims: shape.dims, items }
}

function readRows(reader: ElementReader, dims: readonly number[]): string[] {
  const text = [...decode(reader.next(), reader)]
  const rows = rowsOf(text, dims)
  if (rows !== undefined) return rows
  throw reader.invalid('a text has not the length that its size says', dims.join(' x '), `${text.length}`)
}

function decode({ type, bytes }: Element, reader: ElementReader): string {
  if (type === UTF8) return bytes.toString('utf8')
  if (type === UTF16 || type === 4) {
    const even = bytes.subarray(0, bytes.length - (bytes.length % 2))
    return new TextDecoder(reader.littleEndian ? 'utf-16le' : 'utf-16be').decode(even)
  }
  if (type === UTF32) {
    const codes = numbersOf(bytes, 'uint32', reader.littleEndian)
    return [...codes].map((code) => (code <= 0x10ffff ? String.fromCodePoint(code) : '\ufffd')).join('')
  }
  return bytes.toString('latin1')
}
