import { existsSync, fstatSync, readSync, statSync } from 'node:fs'
import { basename, join } from 'node:path'
import { EegTorchError } from '../errors.ts'
import { withFile } from '../files/with-file.ts'
import { type PlainValue, toPlain } from '../pickle/to-plain.ts'
import type { Tensor } from '../tensor.ts'
import { readSafetensors, writeSafetensors } from './safetensors.ts'
import type { StoredTensor } from './stored-tensor.ts'
import { TensorFile } from './tensor-file.ts'
import { isLegacyTorchFile, readLegacyTorchFile, readTorchZip, type TorchFile } from './torch-file.ts'
import { TorchTensor } from './torch-names.ts'

/** What a file of weights turned out to be. */
export type CheckpointFormat = 'safetensors' | 'torch' | 'torch-legacy' | 'folder'

/** What eegtorch writes beside the tensors; other programs' files have less, or nothing. */
export interface CheckpointMetadata {
  /** The registry's name of the model. */
  model?: string
  /** Its options in the reference's spelling (`n_chans`). */
  config?: Readonly<Record<string, unknown>>
  /** The eegtorch release that wrote the file. */
  version?: string
  /** What a `torch.save` file holds beside its tensors: epoch, arguments, scores. */
  saved?: Readonly<Record<string, unknown>>
  [key: string]: unknown
}

/** Weights in a file, listed but not read. */
export interface Checkpoint {
  readonly path: string
  readonly format: CheckpointFormat
  readonly metadata: CheckpointMetadata
  /** The state dict: `tensors.loadAll()` reads it. */
  readonly tensors: TensorFile
}

// Under these keys training scripts put the state dict beside their optimiser's.
const STATE_KEYS = ['state_dict', 'model_state_dict', 'model', 'module', 'net', 'network', 'weights', 'params']
// A hostile dict may hold itself.
const MAX_STATE_DEPTH = 4
const METADATA_KEY = 'eegtorch'
const ZIP_START = 'PK'
const MAX_CONFIG_BYTES = 2 ** 24

/**
 * Opens weights by what the file holds, whatever its name: safetensors, `torch.save` in both formats (nothing in it is run), or a
 * folder with `config.json` and `model.safetensors` as braindecode's `save_pretrained` writes. Tensors are listed, not read.
 *
 * @throws EegTorchError `FILE_NOT_FOUND`, `FILE_TRUNCATED`, `FILE_INVALID`, `FILE_UNSAFE` naming what a pickle asks for
 */
export function openCheckpoint(path: string): Checkpoint {
  if (existsSync(path) && statSync(path).isDirectory()) return openFolder(path)
  const start = readStart(path, 512)
  if (start.subarray(0, 2).toString('latin1') === ZIP_START) return fromTorch(readTorchZip(path))
  if (isLegacyTorchFile(start)) return fromTorch(readLegacyTorchFile(path))
  refuseOtherFormats(start, path)
  const file = readSafetensors(path)
  return { path, format: 'safetensors', metadata: parseMetadata(file.metadata.get(METADATA_KEY), path), tensors: file }
}

function readStart(path: string, length: number): Buffer {
  return withFile(path, (descriptor) => {
    const bytes = Buffer.alloc(length)
    return bytes.subarray(0, readSync(descriptor, bytes, 0, length, 0))
  })
}

/** Says of files that often lie beside checkpoints what they are, rather than what a safetensors file would be. */
function refuseOtherFormats(start: Buffer, file: string): void {
  const isPickle = start[0] === 0x80 && start[1]! <= 5
  const isTar = start.subarray(257, 262).toString('latin1') === 'ustar'
  // what the length of the header would be, followed by the header itself
  const isSafetensors = start.length <= 8 || start[8] === 0x7b
  if (!isPickle && !isTar && isSafetensors) return
  throw new EegTorchError(isPickle || isTar ? 'FILE_UNSUPPORTED' : 'FILE_INVALID', 'this is no checkpoint', {
    file,
    expected: 'a safetensors file, what torch.save wrote, or a folder with model.safetensors',
    received: isPickle ? 'a bare pickle' : isTar ? 'a tar archive' : 'a file of another format',
  })
}

function openFolder(folder: string): Checkpoint {
  const weights = ['model.safetensors', 'pytorch_model.bin'].map((name) => join(folder, name)).find(existsSync)
  if (weights === undefined) {
    throw new EegTorchError('FILE_NOT_FOUND', 'the folder holds no weights', {
      file: folder,
      expected: 'model.safetensors or pytorch_model.bin',
    })
  }
  const inner = openCheckpoint(weights)
  const configPath = join(folder, 'config.json')
  const config = existsSync(configPath) ? parseObject(readText(configPath), configPath) : undefined
  return {
    path: folder,
    format: 'folder',
    metadata: { ...(config && { config }), ...inner.metadata },
    tensors: inner.tensors,
  }
}

function readText(path: string): string {
  const size = withFile(path, (descriptor) => fstatSync(descriptor).size)
  if (size <= MAX_CONFIG_BYTES) return readStart(path, size).toString('utf8')
  throw new EegTorchError('FILE_INVALID', 'the description of the model is too long', {
    file: path,
    expected: `at most ${MAX_CONFIG_BYTES} bytes`,
    received: String(size),
  })
}

function parseMetadata(text: string | undefined, path: string): CheckpointMetadata {
  return text === undefined ? {} : parseObject(text, path)
}

function parseObject(text: string, file: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>
  } catch (cause) {
    throw new EegTorchError('FILE_INVALID', 'the description of the model is not JSON', { file, cause })
  }
  throw new EegTorchError('FILE_INVALID', 'the description of the model is not a JSON object', { file })
}

function fromTorch(file: TorchFile): Checkpoint {
  const found = findStateDict(file.data)
  if (found === undefined) {
    throw new EegTorchError('FILE_INVALID', 'the checkpoint holds no state dict', {
      file: file.path,
      expected: `tensors by name, or such under ${STATE_KEYS.slice(0, 3).join(', ')}`,
    })
  }
  const tensors = new TensorFile(file.path, file.size, found)
  return { path: file.path, format: file.format, metadata: { saved: plainMembers(file) }, tensors }
}

/** What a training script kept beside the weights: epoch, arguments, scores. Tensors are left out. */
function plainMembers({ data, path }: TorchFile): Readonly<Record<string, PlainValue>> {
  if (!(data instanceof Map)) return {}
  const members = [...data].map(([key, value]) => [String(key), toPlain(value, path, () => undefined)] as const)
  return Object.fromEntries(members.filter((member): member is [string, PlainValue] => !isEmpty(member[1])))
}

/** What is left of a dict of nothing but tensors. */
function isEmpty(value: PlainValue | undefined): boolean {
  if (value === undefined) return true
  return typeof value === 'object' && value !== null && !Array.isArray(value) && Object.keys(value).length === 0
}

function findStateDict(data: unknown, depth = 0): Map<string, StoredTensor> | undefined {
  if (!(data instanceof Map) || depth > MAX_STATE_DEPTH) return undefined
  const own = tensorsIn(data)
  if (own.size > 0) return withoutWrapper(own)
  for (const key of STATE_KEYS) {
    const inner = findStateDict(data.get(key), depth + 1)
    if (inner !== undefined) return inner
  }
  return undefined
}

function tensorsIn(data: ReadonlyMap<unknown, unknown>): Map<string, StoredTensor> {
  const tensors = new Map<string, StoredTensor>()
  for (const [name, value] of data) {
    if (typeof name === 'string' && value instanceof TorchTensor) tensors.set(name, value)
  }
  return tensors
}

/** `DataParallel` and `torch.compile` put a word before every name. */
function withoutWrapper(tensors: Map<string, StoredTensor>): Map<string, StoredTensor> {
  const wrapper = ['module.', '_orig_mod.'].find((word) => [...tensors.keys()].every((name) => name.startsWith(word)))
  if (wrapper === undefined) return tensors
  return withoutWrapper(new Map([...tensors].map(([name, tensor]) => [name.slice(wrapper.length), tensor])))
}

/**
 * Writes weights with what is needed to build their model again: one safetensors file that Python's readers open too.
 *
 * @throws EegTorchError `FILE_WRITE_FAILED`; the old file then stays as it was
 */
export async function writeCheckpoint(
  path: string,
  tensors: Readonly<Record<string, Tensor>> | ReadonlyMap<string, Tensor>,
  metadata: CheckpointMetadata,
): Promise<void> {
  await writeSafetensors(path, tensors, { format: 'pt', [METADATA_KEY]: JSON.stringify(metadata) })
}

/** The file's own name, for a title. */
export function checkpointTitle({ path }: Checkpoint): string {
  return basename(path)
}
