import { numbersOf, type SampleType } from '../binary/sample-types.ts'

/** Numbers (or truth values) as the file has them, columns first. */
export interface MatNumbers {
  readonly kind: 'numbers'
  readonly dims: readonly number[]
  readonly type: SampleType
  readonly bytes: Uint8Array
  readonly littleEndian: boolean
}

/** Numbers that are too many to be loaded with the rest, columns first (version 7.3 alone). */
export interface MatStored {
  readonly kind: 'stored'
  readonly dims: readonly number[]
  readonly type: SampleType
  readonly file: string
  /** Where in the file they are. */
  readonly path: string
  /** How the file cuts them up, by axis; undefined where they lie in one piece. */
  readonly chunks: readonly number[] | undefined
}

/** Text, one line per row. */
export interface MatText {
  readonly kind: 'text'
  readonly dims: readonly number[]
  readonly rows: readonly string[]
}

export interface MatCells {
  readonly kind: 'cells'
  readonly dims: readonly number[]
  readonly cells: readonly MatValue[]
}

/** An array of structures: the fields of each item. */
export interface MatStructs {
  readonly kind: 'structs'
  readonly dims: readonly number[]
  readonly items: readonly ReadonlyMap<string, MatValue>[]
}

/** What is not read: functions, objects, sparse and complex numbers. */
export interface MatOther {
  readonly kind: 'other'
  readonly dims: readonly number[]
  readonly what: string
}

export type MatValue = MatNumbers | MatStored | MatText | MatCells | MatStructs | MatOther

/** The first number, undefined where there is none. */
export const numberIn = (value: MatValue | undefined): number | undefined => {
  if (value?.kind !== 'numbers') return undefined
  return numbersOf(value.bytes.subarray(0, 8), value.type, value.littleEndian)[0]
}

/** Text of one line, also as the only cell of an array; undefined where it is none. */
export function textIn(value: MatValue | undefined): string | undefined {
  if (value?.kind === 'cells' && value.cells.length === 1) return textIn(value.cells[0])
  return value?.kind === 'text' ? (value.rows[0] ?? '') : undefined
}

/** Texts of a cell array, or lines of a text, without padding; undefined where it holds anything else. */
export function textsIn(value: MatValue | undefined): string[] | undefined {
  if (value?.kind === 'text') return value.rows.map((row) => row.trimEnd())
  if (value?.kind !== 'cells') return undefined
  const texts = value.cells.map(textIn)
  return texts.every((text) => text !== undefined) ? texts : undefined
}

/** Items of a structure array, none where it is no structure. */
export const itemsIn = (value: MatValue | undefined): readonly ReadonlyMap<string, MatValue>[] =>
  value?.kind === 'structs' ? value.items : []
