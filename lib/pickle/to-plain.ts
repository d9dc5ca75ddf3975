import { EegTorchError } from '../errors.ts'
import { fromHalf } from '../half-precision.ts'
import { NumpyArray } from './numpy-names.ts'
import { KnownName, PythonComplex, PythonObject } from './values.ts'

const MAX_DEPTH = 100
/** What sharing can blow up: ten nested lists of ten times the same list are a hundred objects in the file. */
const MAX_VALUES = 1_000_000

/** What JSON can hold. */
export type PlainValue = null | boolean | number | string | PlainValue[] | { [key: string]: PlainValue }

/**
 * Turns what {@link unpickle} made into what JSON can hold: dicts and namespaces become objects, sets and arrays lists,
 * bigints text, NaN and infinities text.
 *
 * @param leaf renders what is no plain data (a tensor, say); undefined leaves the member out
 * @throws EegTorchError `FILE_UNSAFE` for data that nests or repeats itself beyond every use
 */
export function toPlain(
  value: unknown,
  file: string,
  leaf: (value: object) => PlainValue | undefined,
): PlainValue | undefined {
  let count = 0

  const list = (items: Iterable<unknown>, depth: number): PlainValue[] => {
    const result: PlainValue[] = []
    for (const item of items) result.push(convert(item, depth) ?? null)
    return result
  }
  const object = (members: ReadonlyMap<unknown, unknown>, depth: number): { [key: string]: PlainValue } => {
    const entries: [string, PlainValue][] = []
    for (const [key, member] of members) {
      const plain = convert(member, depth)
      if (plain !== undefined) entries.push([keyText(key), plain])
    }
    return Object.fromEntries(entries)
  }
  function convert(value: unknown, depth: number): PlainValue | undefined {
    if (++count > MAX_VALUES || depth > MAX_DEPTH) {
      throw new EegTorchError('FILE_UNSAFE', 'the data nests or repeats itself endlessly', {
        file,
        expected: `at most ${MAX_VALUES} values, ${MAX_DEPTH} deep`,
      })
    }
    if (typeof value === 'number') return Number.isFinite(value) ? value : String(value)
    if (typeof value === 'bigint') return value.toString()
    if (value === null || typeof value !== 'object') return value as PlainValue
    if (Array.isArray(value) || value instanceof Set) return list(value, depth + 1)
    if (value instanceof Map) return object(value, depth + 1)
    if (value instanceof PythonObject) return object(value.attributes, depth + 1)
    if (value instanceof Uint8Array) return Buffer.from(value.subarray(0, MAX_VALUES)).toString('base64')
    if (value instanceof NumpyArray) return convert(numpyValues(value), depth)
    if (value instanceof PythonComplex) return `${value.re}${value.im < 0 ? '' : '+'}${value.im}j`
    if (value instanceof KnownName) return value.name
    return leaf(value)
  }
  return convert(value, 0)
}

/** A dict's key as text; Python allows numbers and tuples. */
function keyText(key: unknown): string {
  if (typeof key === 'string') return key
  if (Array.isArray(key)) return `(${key.map((part) => (typeof part === 'object' ? '...' : String(part))).join(', ')})`
  return key !== null && typeof key === 'object' ? key.constructor.name : String(key)
}

/** Rows of an array are not nested: the shape would cost more than it tells. */
function numpyValues({ dtype, values }: NumpyArray): unknown[] {
  if (dtype === 'float16') return Array.from(values as Uint16Array, fromHalf)
  if (dtype === 'bool') return Array.from(values as Uint8Array, (value) => value !== 0)
  return Array.from(values as ArrayLike<unknown>)
}
