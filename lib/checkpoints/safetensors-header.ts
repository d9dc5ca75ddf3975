import { EegTorchError, type ErrorCode } from '../errors.ts'
import { atOnce, type Pieces } from '../files/in-pieces.ts'
import { JsonNumber, type JsonValue, strictJson } from '../files/strict-json.ts'
import { SAFETENSORS_DTYPES, type SafetensorsDtype } from './dtypes.ts'
import type { StoredTensor } from './stored-tensor.ts'

/** The format's own limit for the header. */
export const MAX_HEADER_BYTES = 100_000_000
/** LibTorch's limit for dimensions. */
const MAX_DIMENSIONS = 64
const MAX_NAME_LENGTH = 4096
/** Tensors between two chances to stop. */
const TENSORS = 64
const METADATA_KEY = '__metadata__'

const DTYPES: ReadonlyMap<string, SafetensorsDtype> = new Map(SAFETENSORS_DTYPES.map((type) => [type.name, type]))

/** What the header of a safetensors file says. */
export interface SafetensorsHeader {
  readonly metadata: ReadonlyMap<string, string>
  /** In the order of their bytes. */
  readonly tensors: ReadonlyMap<string, StoredTensor>
}

/**
 * The length of the header from the first 8 bytes, checked against the size of the file.
 *
 * @throws EegTorchError `FILE_TRUNCATED`, `FILE_INVALID`
 */
export function readHeaderLength(start: Uint8Array, fileSize: number, file: string): number {
  const fail = (code: ErrorCode, what: string, expected: string, received: string): never => {
    throw new EegTorchError(code, what, { file, expected, received })
  }
  if (fileSize < 8) fail('FILE_TRUNCATED', 'too short for a safetensors file', 'at least 8 bytes', `${fileSize}`)
  const length = new DataView(start.buffer, start.byteOffset).getBigUint64(0, true)
  if (length > MAX_HEADER_BYTES) {
    fail('FILE_INVALID', 'the header claims to be too long', `at most ${MAX_HEADER_BYTES} bytes`, `${length}`)
  }
  if (Number(length) > fileSize - 8) {
    fail('FILE_TRUNCATED', 'the file ends inside its header', `${length} bytes of header`, `${fileSize - 8}`)
  }
  return Number(length)
}

/**
 * Reads a header in full and checks every claim in it: known types, lengths that fit, byte ranges that cover the rest of
 * the file without overlap, hole or remainder, as the format demands.
 *
 * @param header the bytes after the first 8
 * @param fileSize size of the whole file in bytes
 * @throws EegTorchError `FILE_INVALID`, `FILE_TRUNCATED`, `FILE_UNSUPPORTED` (an unknown element type)
 */
export function parseSafetensorsHeader(header: Uint8Array, fileSize: number, file: string): SafetensorsHeader {
  return atOnce(safetensorsHeader(header, fileSize, file))
}

/** {@link parseSafetensorsHeader} as work that stops now and then: networks have hundreds of tensors. */
export function* safetensorsHeader(header: Uint8Array, fileSize: number, file: string): Pieces<SafetensorsHeader> {
  const members = yield* strictJson(decode(header, file), file)
  if (!(members instanceof Map)) throw invalid('the header is not a JSON object', file)
  const dataStart = 8 + header.length
  const metadata = readMetadata(members.get(METADATA_KEY), file)
  members.delete(METADATA_KEY)
  const tensors: (readonly [string, StoredTensor])[] = []
  for (const [name, value] of members) {
    tensors.push([name, readTensor(name, value, dataStart, file)])
    if (tensors.length % TENSORS === 0) yield
  }
  tensors.sort(([, a], [, b]) => a.storage.offset - b.storage.offset || a.storage.bytes - b.storage.bytes)
  checkCoverage(tensors, dataStart, fileSize, file)
  return { metadata, tensors: new Map(tensors) }
}

function decode(header: Uint8Array, file: string): string {
  if (header[0] !== 0x7b) throw invalid('the header does not start with "{": this is not a safetensors file', file)
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(header)
  } catch (cause) {
    throw new EegTorchError('FILE_INVALID', 'the header is not UTF-8 text', { file, cause })
  }
}

function readMetadata(value: JsonValue | undefined, file: string): Map<string, string> {
  if (value === undefined || value === null) return new Map()
  if (!(value instanceof Map)) throw invalid(`${METADATA_KEY} is not an object`, file)
  for (const [key, text] of value) {
    if (typeof text !== 'string') throw invalid(`the value of ${show(key)} in ${METADATA_KEY} is not a string`, file)
  }
  return value as Map<string, string>
}

function readTensor(name: string, value: JsonValue, dataStart: number, file: string): StoredTensor {
  if (name.length > MAX_NAME_LENGTH) throw invalid(`the name of tensor ${show(name)} is too long`, file)
  if (!(value instanceof Map)) throw invalid(`tensor ${show(name)} is not described by an object`, file)
  const type = readDtype(name, value.get('dtype'), file)
  const shape = readIntegers(name, 'shape', value.get('shape'), file)
  if (shape.length > MAX_DIMENSIONS) throw invalid(`tensor ${show(name)} has ${shape.length} dimensions`, file)
  const offsets = readIntegers(name, 'data_offsets', value.get('data_offsets'), file)
  const [begin, end] = offsets
  if (offsets.length !== 2 || begin === undefined || end === undefined || end < begin) {
    throw invalid(`data_offsets of tensor ${show(name)} are not a begin and an end`, file)
  }
  checkSize(name, type, shape, end - begin, file)
  const storage = { offset: dataStart + begin, bytes: end - begin }
  return {
    ...(type.dtype !== undefined && { dtype: type.dtype }),
    storedType: type.name,
    shape: type.name === 'F4' ? halveLast(name, shape, file) : shape,
    storageOffset: 0,
    storage,
    bytes: storage.bytes,
  }
}

function readDtype(name: string, value: JsonValue | undefined, file: string): SafetensorsDtype {
  if (typeof value !== 'string') throw invalid(`tensor ${show(name)} has no dtype`, file)
  const type = DTYPES.get(value)
  if (type !== undefined) return type
  throw new EegTorchError('FILE_UNSUPPORTED', `the dtype of tensor ${show(name)} is unknown`, {
    file,
    expected: 'a dtype of the safetensors format',
    received: show(value),
  })
}

function readIntegers(name: string, member: string, value: JsonValue | undefined, file: string): number[] {
  if (!Array.isArray(value)) throw invalid(`tensor ${show(name)} has no list ${member}`, file)
  const wrong = value.findIndex((item) => !isSize(item))
  if (wrong < 0) return value as number[]
  const item = value[wrong]
  throw new EegTorchError('FILE_INVALID', `${member} of tensor ${show(name)} is wrong`, {
    file,
    expected: 'whole numbers from 0 to 2^53 - 1',
    received: (item instanceof JsonNumber ? item.text : String(item)).slice(0, 40),
  })
}

function isSize(item: JsonValue): item is number {
  return typeof item === 'number' && Number.isSafeInteger(item) && item >= 0
}

function checkSize(name: string, type: SafetensorsDtype, shape: readonly number[], bytes: number, file: string): void {
  // without zeros first: a shape such as [0, 2^52, 2^52] has no bytes, yet strides that no integer holds
  const largest = shape.reduce((product, length) => product * Math.max(length, 1), type.bits)
  const bits = shape.includes(0) ? 0 : largest
  if (largest > Number.MAX_SAFE_INTEGER) throw invalid(`the shape of tensor ${show(name)} is too large`, file)
  if (bits % 8 !== 0) throw invalid(`tensor ${show(name)} does not end on a whole byte`, file)
  if (bits / 8 === bytes) return
  throw new EegTorchError('FILE_INVALID', `tensor ${show(name)} has the wrong number of bytes`, {
    file,
    expected: `${bits / 8} for ${type.name} (${shape.join(', ')})`,
    received: String(bytes),
  })
}

/** LibTorch counts two 4-bit numbers as one element. */
function halveLast(name: string, shape: readonly number[], file: string): number[] {
  const last = shape.at(-1) ?? 1
  if (last % 2 !== 0) throw invalid(`tensor ${show(name)} of 4-bit numbers has an odd last dimension`, file)
  return [...shape.slice(0, -1), last / 2]
}

function checkCoverage(
  tensors: readonly (readonly [string, StoredTensor])[],
  dataStart: number,
  fileSize: number,
  file: string,
): void {
  let end = dataStart
  for (const [name, { storage }] of tensors) {
    if (storage.offset < end) throw invalid(`the bytes of tensor ${show(name)} overlap those of another`, file)
    if (storage.offset > end) throw invalid(`there is a hole before the bytes of tensor ${show(name)}`, file)
    end = storage.offset + storage.bytes
  }
  if (end === fileSize) return
  const code = end > fileSize ? 'FILE_TRUNCATED' : 'FILE_INVALID'
  const what = end > fileSize ? 'the file ends before its last tensor' : 'bytes follow the last tensor'
  throw new EegTorchError(code, what, { file, expected: `${end} bytes`, received: String(fileSize) })
}

function invalid(what: string, file: string): EegTorchError {
  return new EegTorchError('FILE_INVALID', what, { file })
}

/** A name as an error quotes it: short, whatever is in it. */
function show(name: string): string {
  return JSON.stringify(name.length > 100 ? `${name.slice(0, 100)}...` : name)
}
