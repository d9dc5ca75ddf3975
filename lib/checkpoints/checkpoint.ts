import { closeSync, existsSync, openSync, readFileSync, readSync, statSync } from 'node:fs'
import { basename, join } from 'node:path'
import { EegTorchError } from '../errors.ts'
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
const METADATA_KEY = 'eegtorch'
const ZIP_START = 'PK'

/**
 * Opens weights by what the file holds, whatever its name: safetensors, `torch.save` in both formats (nothing in it is run), or a
 * folder with `config.json` and `model.safetensors` as braindecode's `save_pretrained` writes. Tensors are listed, not read.
 *
 * @throws EegTorchError `FILE_NOT_FOUND`, `FILE_TRUNCATED`, `FILE_INVALID`, `FILE_UNSAFE` naming what a pickle asks for
 */
export function openCheckpoint(path: string): Checkpoint {
  if (existsSync(path) && statSync(path).isDirectory()) return openFolder(path)
  const start = readStart(path)
  if (start.subarray(0, 2).toString('latin1') === ZIP_START) return fromTorch(readTorchZip(path))
  if (isLegacyTorchFile(start)) return fromTorch(readLegacyTorchFile(path))
  const file = readSafetensors(path)
  return { path, format: 'safetensors', metadata: parseMetadata(file.metadata.get(METADATA_KEY), path), tensors: file }
}

function readStart(path: string): Buffer {
  const bytes = Buffer.alloc(16)
  let descriptor: number
  try {
    descriptor = openSync(path, 'r')
  } catch (cause) {
    throw new EegTorchError('FILE_NOT_FOUND', 'the checkpoint cannot be opened', { file: path, cause })
  }
  try {
    return bytes.subarray(0, readSync(descriptor, bytes, 0, bytes.length, 0))
  } finally {
    closeSync(descriptor)
  }
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
  const config = existsSync(configPath) ? parseObject(readFileSync(configPath, 'utf8'), configPath) : undefined
  return {
    path: folder,
    format: 'folder',
    metadata: { ...(config && { config }), ...inner.metadata },
    tensors: inner.tensors,
  }
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
  return { path: file.path, format: file.format, metadata: {}, tensors }
}

function findStateDict(data: unknown): Map<string, StoredTensor> | undefined {
  if (!(data instanceof Map)) return undefined
  const own = tensorsIn(data)
  if (own.size > 0) return withoutWrapper(own)
  for (const key of STATE_KEYS) {
    const inner = findStateDict(data.get(key))
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
