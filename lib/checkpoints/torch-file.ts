import { fstatSync } from 'node:fs'
import { EegTorchError, type ErrorCode } from '../errors.ts'
import { readAt } from '../files/read-at.ts'
import { withFile } from '../files/with-file.ts'
import { openZip, type ZipFile } from '../files/zip.ts'
import { numpyNames } from '../pickle/numpy-names.ts'
import { pythonNames } from '../pickle/python-names.ts'
import { unpickle } from '../pickle/unpickle.ts'
import { joinTables } from '../pickle/values.ts'
import type { StorageRange } from './stored-tensor.ts'
import { StorageType, TorchStorage, torchNames } from './torch-names.ts'
import { attributesByPath, scriptNames } from './torch-script.ts'

/** What `torch.save` wrote: the object as plain data, with {@link TorchTensor} leaves that are not read yet. */
export interface TorchFile {
  readonly path: string
  /** Size of the file in bytes. */
  readonly size: number
  readonly format: 'torch' | 'torch-legacy'
  readonly data: unknown
}

/** Every name that a torch checkpoint may use. */
export const checkpointNames = joinTables(torchNames, pythonNames, numpyNames)

/** The start of the format that torch.save wrote before 1.6: a pickled magic number. */
const LEGACY_MAGIC = 0x1950a86a20f9469cfc6cn
const LEGACY_START = Buffer.from('80028a0a6cfc9c46f9206aa850192e', 'hex')
const LEGACY_PROTOCOL = 1001
const MAX_PICKLE_BYTES = 2 ** 29

/** Whether a file that starts so is of the old format. */
export function isLegacyTorchFile(start: Uint8Array): boolean {
  return Buffer.compare(start.subarray(0, LEGACY_START.length), LEGACY_START) === 0
}

/**
 * Reads a `.pt`, `.pth` or `.bin` file in the zip format of `torch.save` (PyTorch 1.6 and later), or the tensors of a TorchScript archive. Nothing
 * in it is run; the tensors' bytes stay in the file.
 *
 * @throws EegTorchError `FILE_UNSAFE` naming what the pickle asks for; `FILE_INVALID`, `FILE_TRUNCATED`, `FILE_UNSUPPORTED`
 */
export function readTorchZip(path: string): TorchFile {
  const zip = openZip(path)
  try {
    const root = findRoot(zip)
    refuseBigEndian(zip, root)
    const pickle = zip.entry(`${root}data.pkl`)
    if (pickle.size > MAX_PICKLE_BYTES) throw fail(path, 'FILE_UNSAFE', `data.pkl claims ${pickle.size} bytes`)
    const persistentLoad = storagesOfZip(zip, root)
    const isScript = zip.entries.has(`${root}constants.pkl`)
    const names = isScript ? joinTables(checkpointNames, scriptNames) : checkpointNames
    const { value } = unpickle(zip.readSync(pickle), { names, file: path, persistentLoad })
    return { path, size: zip.size, format: 'torch', data: isScript ? attributesByPath(value) : value }
  } finally {
    zip.close()
  }
}

/** The folder in the archive: torch.save names it after the file. */
function findRoot(zip: ZipFile): string {
  const names = [...zip.entries.keys()]
  const pickle = names.find((name) => /^([^/]+\/)?data\.pkl$/.test(name))
  if (pickle !== undefined) return pickle.slice(0, -'data.pkl'.length)
  throw fail(zip.path, 'FILE_INVALID', 'a zip archive without data.pkl is no PyTorch checkpoint')
}

function refuseBigEndian(zip: ZipFile, root: string): void {
  const entry = zip.entries.get(`${root}byteorder`)
  if (entry === undefined) return
  const order = entry.size <= 16 ? zip.readSync(entry).toString('latin1') : '?'
  if (order === 'little') return
  throw new EegTorchError('FILE_UNSUPPORTED', 'the checkpoint has an unknown byte order', {
    file: zip.path,
    expected: 'little',
    received: JSON.stringify(order),
  })
}

/** Resolves `('storage', class, key, device, elements)`. */
function storagesOfZip(zip: ZipFile, root: string): (id: unknown) => TorchStorage {
  const storages = new Map<string, TorchStorage>()
  return (id) => {
    const { type, key, elements } = readStorageId(id, zip.path)
    const known = storages.get(key)
    if (known !== undefined) return new TorchStorage(type, known.range)
    const entry = zip.entry(`${root}data/${key}`)
    const bytes = elements * type.itemSize
    if (bytes > entry.size) {
      throw new EegTorchError('FILE_TRUNCATED', `storage ${JSON.stringify(key)} is too short`, {
        file: zip.path,
        expected: `${bytes} bytes`,
        received: String(entry.size),
      })
    }
    const range: StorageRange =
      entry.method === 0
        ? { offset: zip.dataOffset(entry), bytes: entry.size }
        : { offset: 0, bytes: entry.size, unpack: () => unpackEntry(zip.path, entry.name) }
    const storage = new TorchStorage(type, range)
    storages.set(key, storage)
    return storage
  }
}

async function unpackEntry(path: string, name: string): Promise<Uint8Array> {
  const zip = openZip(path)
  try {
    return await zip.read(zip.entry(name))
  } finally {
    zip.close()
  }
}

interface StorageId {
  type: StorageType
  key: string
  elements: number
  /** Of the old format: (key, offset, elements) of a storage that is a part of another. */
  view: unknown
}

function readStorageId(id: unknown, file: string): StorageId {
  const [kind, type, key, , elements, view = null] = Array.isArray(id) ? id : []
  const isNumber = typeof elements === 'number' && Number.isSafeInteger(elements) && elements >= 0
  if (kind === 'storage' && type instanceof StorageType && typeof key === 'string' && isNumber) {
    return { type, key, elements, view }
  }
  throw fail(file, 'FILE_INVALID', 'the checkpoint refers to a storage in a way that makes no sense')
}

function fail(file: string, code: ErrorCode, what: string): EegTorchError {
  return new EegTorchError(code, what, { file })
}

/**
 * Reads a checkpoint of PyTorch before 1.6: pickles, one after another, then the storages.
 *
 * @throws EegTorchError as {@link readTorchZip}
 */
export function readLegacyTorchFile(path: string): TorchFile {
  return withFile(path, (descriptor) => {
    const { size } = fstatSync(descriptor)
    // the pickles come first and say nothing of their length: read more until they end
    for (let length = 2 ** 20; ; length *= 8) {
      const count = Math.min(length, size, MAX_PICKLE_BYTES)
      try {
        return readLegacy(path, size, readAt(descriptor, 0, count, 'its pickles', path), descriptor)
      } catch (error) {
        const isCut = error instanceof EegTorchError && error.code === 'FILE_TRUNCATED' && count < size
        if (!isCut || count === MAX_PICKLE_BYTES) throw error
      }
    }
  })
}

interface LegacyStorage {
  type: StorageType
  elements: number
  range: { offset: number; bytes: number }
}

function readLegacy(path: string, size: number, pickles: Uint8Array, descriptor: number): TorchFile {
  let start = 0
  const next = (persistentLoad?: (id: unknown) => unknown): unknown => {
    const { value, end } = unpickle(pickles, {
      names: checkpointNames,
      file: path,
      start,
      ...(persistentLoad && { persistentLoad }),
    })
    start = end
    return value
  }
  if (next() !== LEGACY_MAGIC || next() !== LEGACY_PROTOCOL) {
    throw fail(path, 'FILE_INVALID', 'the start of the file is no PyTorch checkpoint')
  }
  const system = next()
  if (system instanceof Map && system.get('little_endian') === false) {
    throw fail(path, 'FILE_UNSUPPORTED', 'the checkpoint was written on a big-endian machine')
  }
  const storages = new Map<string, LegacyStorage>()
  const views: (() => void)[] = []
  const data = next((id) => legacyStorage(readStorageId(id, path), storages, views, path))
  locateStorages(next(), start, storages, path, size, descriptor)
  for (const place of views) place()
  return { path, size, format: 'torch-legacy', data }
}

/** A storage whose place in the file is known only after the object has been read. */
function legacyStorage(
  { type, key, elements, view }: StorageId,
  storages: Map<string, LegacyStorage>,
  views: (() => void)[],
  path: string,
): TorchStorage {
  const storage = storages.get(key) ?? {
    type,
    elements,
    range: { offset: 0, bytes: elements * type.itemSize },
  }
  storages.set(key, storage)
  if (view === null) return new TorchStorage(type, storage.range)
  const [, offset, count] = Array.isArray(view) ? view : []
  const isInside = [offset, count].every((n) => Number.isSafeInteger(n) && n >= 0) && offset + count <= elements
  if (!isInside) throw fail(path, 'FILE_INVALID', 'a part of a storage lies outside of it')
  const range = { offset: 0, bytes: count * type.itemSize }
  views.push(() => {
    range.offset = storage.range.offset + offset * type.itemSize
  })
  return new TorchStorage(type, range)
}

/** After the object: the keys of the storages, and for each its number of elements and its bytes. */
function locateStorages(
  keys: unknown,
  start: number,
  storages: ReadonlyMap<string, LegacyStorage>,
  path: string,
  size: number,
  descriptor: number,
): void {
  const missing = new Map(storages)
  let position = start
  for (const key of Array.isArray(keys) ? keys : []) {
    const storage = storages.get(key)
    if (storage === undefined) throw fail(path, 'FILE_INVALID', 'the file holds a storage that no tensor uses')
    const elements = Number(readAt(descriptor, position, 8, `storage ${JSON.stringify(key)}`, path).readBigInt64LE())
    if (elements !== storage.elements) {
      throw new EegTorchError('FILE_INVALID', `storage ${JSON.stringify(key)} has another size than its tensors say`, {
        file: path,
        expected: String(storage.elements),
        received: String(elements),
      })
    }
    storage.range.offset = position + 8
    position += 8 + storage.range.bytes
    if (position > size) throw fail(path, 'FILE_TRUNCATED', `the file ends inside storage ${JSON.stringify(key)}`)
    missing.delete(key)
  }
  if (missing.size > 0) throw fail(path, 'FILE_TRUNCATED', 'the file does not hold all of its storages')
}
