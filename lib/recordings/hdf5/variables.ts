import { statSync } from 'node:fs'
import type { Dataset, Entity, File, Group, Metadata, Reference } from 'h5wasm'
import { MAX_DEFLATE_RATIO } from '../../files/max-deflate-ratio.ts'
import type { SampleType } from '../binary/sample-types.ts'
import { SAMPLE_BYTES } from '../binary/sample-types.ts'
import { rowsOf } from '../matlab/text.ts'
import type { MatValue } from '../matlab/values.ts'
import type { Hdf5Block } from './protocol.ts'

type Library = typeof import('h5wasm')

/** Numbers above this many bytes stay in the file. */
const LOADED = 2 ** 16
/** Structures inside structures, and values in all: more is an attack. */
const DEEPEST = 32
const MOST_VALUES = 2_000_000
const REFERRED = '#refs#'
/** Numbers from which filters are no longer HDF5's own. */
const FIRST_FOREIGN_FILTER = 256
/** Classes of HDF5's types. */
const CLASS = { integer: 0, float: 1, string: 3, reference: 7 }
const EMPTY: MatValue = { kind: 'numbers', dims: [0, 0], type: 'float64', bytes: new Uint8Array(0), littleEndian: true }

/** An array could not be read, and is packed by a filter that is none of HDF5's own. */
export class ForeignFilter extends Error {
  constructor(
    readonly filter: string,
    path: string,
  ) {
    super(`${path} is packed by a filter that is not HDF5's own`)
  }
}

/** The variables of a MATLAB file of version 7.3, an HDF5 file whose arrays carry MATLAB's classes as attributes. Axes are reversed. */
export class Hdf5Variables {
  readonly #root: File
  readonly #size: number
  #left = MOST_VALUES
  #referred: ReadonlyMap<string, string> | undefined

  constructor(
    private readonly library: Library,
    readonly file: string,
  ) {
    this.#size = statSync(file).size
    this.#root = new library.File(file, 'r')
  }

  close(): void {
    this.#root.close()
  }

  /** Every variable by name; what MATLAB keeps for itself (`#refs#`) is left out. */
  all(): Map<string, MatValue> {
    const names = this.#root.keys().filter((name) => !name.startsWith('#'))
    return new Map(names.map((name) => [name, this.#value(this.#root.get(name), 0)]))
  }

  /** Numbers of a block of an array. */
  block(path: string, start: readonly number[], count: readonly number[]): Hdf5Block {
    const found = this.#root.get(path)
    if (!this.#isDataset(found)) throw new Error(`${path} is no array any more`)
    this.#checkClaim(found)
    const ranges = start.map((first, axis): [number, number] => [first, first + count[axis]!]).reverse()
    return unpacking(found, () => found.slice(ranges) as Hdf5Block)
  }

  #value(entity: Entity | null, depth: number): MatValue {
    if (depth > DEEPEST) throw new Error(`variables are nested more than ${DEEPEST} levels deep`)
    if (--this.#left < 0) throw new Error(`there are more than ${MOST_VALUES} values`)
    if (this.#isDataset(entity)) return unpacking(entity, () => this.#array(entity, depth))
    if (entity instanceof this.library.Group) return this.#structs(entity, depth)
    return { kind: 'other', dims: [], what: 'a link or a type' }
  }

  #isDataset(entity: Entity | null): entity is Dataset {
    return entity instanceof this.library.Dataset
  }

  #array(dataset: Dataset, depth: number): MatValue {
    const { metadata } = dataset
    const dims = metadata.shape === null ? [0, 0] : this.#dimsOf(metadata)
    const { name, isEmpty } = this.#classOf(dataset)
    if (metadata.shape === null || isEmpty) return name === 'struct' ? { kind: 'structs', dims, items: [] } : EMPTY
    this.#checkClaim(dataset)
    if (metadata.type === CLASS.reference) {
      return {
        kind: 'cells',
        dims,
        cells: this.#references(dataset).map((ref) => this.#dereference(ref, depth)),
      }
    }
    if (metadata.type === CLASS.string) {
      const { value } = dataset
      return { kind: 'text', dims, rows: [value].flat().map(String) }
    }
    const type = typeOf(metadata)
    if (type === undefined || name === 'function_handle') return { kind: 'other', dims, what: name || 'a compound' }
    if (name === 'char') return { kind: 'text', dims, rows: this.#text(dataset, dims) }
    if (metadata.total_size * metadata.size > LOADED) {
      const chunks = metadata.chunks === null ? undefined : [...metadata.chunks].reverse()
      return { kind: 'stored', dims, type, file: this.file, path: dataset.path, chunks }
    }
    const { value } = dataset
    // A value without axes comes as a number.
    const isSingle = typeof value === 'number' || typeof value === 'bigint'
    const bytes = bytesOf(isSingle ? Float64Array.of(Number(value)) : (value as Float64Array))
    return { kind: 'numbers', dims, type: isSingle ? 'float64' : type, bytes, littleEndian: true }
  }

  /** MATLAB's axes; vectors and single numbers have two there. */
  #dimsOf({ shape }: Metadata): number[] {
    const dims = [...(shape ?? [])].reverse()
    return dims.length === 1 ? [dims[0]!, 1] : dims.length === 0 ? [1, 1] : dims
  }

  #text(dataset: Dataset, dims: number[]): string[] {
    const characters = Array.from(dataset.value as Uint16Array, (code) => String.fromCharCode(code))
    return rowsOf(characters, dims) ?? []
  }

  #references(dataset: Dataset): Reference[] {
    const { value } = dataset
    return (Array.isArray(value) ? value : [value]) as Reference[]
  }

  #dereference(reference: Reference, depth: number): MatValue {
    this.#referred ??= this.#pathsOfReferred()
    const path = this.#referred.get(keyOf(reference.ref_data))
    if (path === undefined) return { kind: 'other', dims: [], what: 'a reference to nothing' }
    return this.#value(this.#root.get(path), depth + 1)
  }

  /** Paths in `#refs#`, where MATLAB keeps what cells hold, by reference: asking the library for each name would search all of them. */
  #pathsOfReferred(): ReadonlyMap<string, string> {
    const { file_id: id } = this.#root
    if (!this.#root.keys().includes(REFERRED)) return new Map()
    const paths = this.library.Module.get_names(id, REFERRED, false).map((name) => `/${REFERRED}/${name}`)
    return new Map(paths.map((path) => [keyOf(this.library.Module.create_object_reference(id, path)), path]))
  }

  /** One structure has its fields in the group; in an array of structures each field is an array of references. */
  #structs(group: Group, depth: number): MatValue {
    const names = group.keys()
    if (this.#attributes(group).includes('MATLAB_sparse')) return { kind: 'other', dims: [], what: 'a sparse array' }
    const members = names.map((name) => group.get(name))
    const arrays = members.filter(
      (member): member is Dataset =>
        this.#isDataset(member) && member.metadata.type === CLASS.reference && this.#classOf(member).name === '',
    )
    if (arrays.length < members.length || members.length === 0) {
      const fields = names.map((name, i): [string, MatValue] => [name, this.#value(members[i]!, depth + 1)])
      return { kind: 'structs', dims: [1, 1], items: [new Map(fields)] }
    }
    for (const array of arrays) this.#checkClaim(array)
    const references = arrays.map((array) => this.#references(array))
    const dims = this.#dimsOf(arrays[0]!.metadata)
    if (references.some(({ length }) => length !== references[0]!.length)) {
      throw new Error('the fields of a structure array differ in length')
    }
    const items = references[0]!.map(
      (_, item) => new Map(names.map((name, i) => [name, this.#dereference(references[i]![item]!, depth)])),
    )
    return { kind: 'structs', dims, items }
  }

  #attributes({ file_id, path }: { file_id: bigint; path: string }): string[] {
    return this.library.Module.get_attribute_names(file_id, path)
  }

  #classOf(dataset: Dataset): { name: string; isEmpty: boolean } {
    const names = this.#attributes(dataset)
    const of = (name: string) => (names.includes(name) ? dataset.get_attribute(name, false) : undefined)
    const isEmpty = of('MATLAB_empty')
    return { name: String(of('MATLAB_class') ?? ''), isEmpty: Number(isEmpty ?? 0) !== 0 }
  }

  /** Holds the size that an array claims against what the file can hold, before anything is allocated. */
  #checkClaim(dataset: Dataset): void {
    const { total_size: count, size, virtual_sources: elsewhere } = dataset.metadata
    if (elsewhere !== undefined && elsewhere.length > 0) throw new Error(`${dataset.path} lies in other files`)
    if (count * size <= this.#size) return
    if (dataset.filters.length > 0 && count * size <= this.#size * MAX_DEFLATE_RATIO) return
    throw new Error(`${dataset.path} claims ${count * size} bytes, more than a file of ${this.#size} bytes can hold`)
  }
}

/** What is read of an array. Such a filter need not have packed any of its chunks: only the reading can tell. */
function unpacking<T>(dataset: Dataset, read: () => T): T {
  const filters = dataset.metadata.chunks === null ? [] : dataset.filters
  const foreign = filters.find(({ id }) => id >= FIRST_FOREIGN_FILTER)
  if (foreign === undefined) return read()
  try {
    return read()
  } catch {
    throw new ForeignFilter(`${foreign.name || 'unnamed'} (number ${foreign.id})`, dataset.path)
  }
}

function typeOf({ type, size, signed }: Metadata): SampleType | undefined {
  if (type !== CLASS.integer && (type !== CLASS.float || size < 4)) return undefined
  const name = `${type === CLASS.float ? 'float' : signed ? 'int' : 'uint'}${8 * size}`
  return name in SAMPLE_BYTES ? (name as SampleType) : undefined
}

const keyOf = (reference: Uint8Array) => Buffer.from(reference).toString('hex')

const bytesOf = ({ buffer, byteOffset, byteLength }: ArrayBufferView) =>
  new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength)
