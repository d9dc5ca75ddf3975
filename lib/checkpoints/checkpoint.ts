import { existsSync, readSync, statSync } from 'node:fs'
import { basename, join } from 'node:path'
import { EegTorchError } from '../errors.ts'
import { atOnce, inPieces, type Pieces } from '../files/in-pieces.ts'
import { withFile } from '../files/with-file.ts'
import { isObject } from '../is-object.ts'
import { type PlainValue, toPlain } from '../pickle/to-plain.ts'
import type { Tensor } from '../tensor.ts'
import { parseJsonObject, readJsonObject } from './json-file.ts'
import { safetensorsFile, writeSafetensors } from './safetensors.ts'
import { ShardedTensors } from './sharded.ts'
import { chooseStateDict, unknownKey } from './state-dicts.ts'
import { TensorFile, type TensorSource } from './tensor-file.ts'
import { isLegacyTorchFile, readLegacyTorchFile, readTorchZip, type TorchFile } from './torch-file.ts'
import { findWeightFiles } from './weight-files.ts'

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
  readonly tensors: TensorSource
  /** Where the state dicts of a `torch.save` file lie, the one in `tensors` first; empty where the file itself is one. */
  readonly keys: readonly string[]
}

/** Which part of a file to open. */
export interface OpenCheckpointOptions {
  /** The key of a state dict in a `torch.save` file that holds several, such as `ema` or `generator`. */
  key?: string | undefined
  /** Which weights of a folder that holds several: `fp16` for `model.fp16.safetensors`. Default: the plain ones, or the only ones. */
  variant?: string | undefined
}

const METADATA_KEY = 'eegtorch'
const ZIP_START = 'PK'

/**
 * Opens weights by what the file holds, whatever its name: safetensors, `torch.save` in both formats (nothing in it is run), or a
 * folder with `config.json` and weights as the `save_pretrained` of braindecode, diffusers, transformers and peft writes, whole or in shards. Tensors are listed, not read.
 *
 * @throws EegTorchError `FILE_NOT_FOUND`, `FILE_TRUNCATED`, `FILE_INVALID`, `FILE_UNSAFE` naming what a pickle asks for;
 *   `UNKNOWN_NAME` for a key that the file lacks, `INVALID_OPTION` where the file holds several state dicts and none is asked for
 */
export function openCheckpoint(path: string, options: OpenCheckpointOptions = {}): Checkpoint {
  return atOnce(opening(path, options))
}

/** {@link openCheckpoint} with the event loop free in between: the headers of large networks take tens of milliseconds. */
export function openCheckpointInPieces(path: string, options: OpenCheckpointOptions): Promise<Checkpoint> {
  return inPieces(opening(path, options))
}

function* opening(path: string, { key, variant }: OpenCheckpointOptions): Pieces<Checkpoint> {
  if (existsSync(path) && statSync(path).isDirectory()) return yield* openFolder(path, { key, variant })
  if (path.endsWith('.index.json')) return { path, format: 'folder', ...openShards(path, key) }
  return yield* openFile(path, key)
}

function* openFile(path: string, key: string | undefined): Pieces<Checkpoint> {
  const start = readStart(path, 512)
  if (start.subarray(0, 2).toString('latin1') === ZIP_START) return fromTorch(readTorchZip(path), key)
  if (isLegacyTorchFile(start)) return fromTorch(readLegacyTorchFile(path), key)
  refuseOtherFormats(start, path)
  const file = yield* safetensorsFile(path)
  if (key !== undefined) throw unknownKey(path, key, [])
  const told = file.metadata.get(METADATA_KEY)
  const metadata = told === undefined ? {} : parseJsonObject(told, path)
  return { path, format: 'safetensors', metadata, tensors: file, keys: [] }
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

function* openFolder(folder: string, { key, variant }: OpenCheckpointOptions): Pieces<Checkpoint> {
  const { path, isIndex } = findWeightFiles(folder, variant)
  const inner = isIndex ? openShards(path, key) : yield* openFile(path, key)
  const configPath = ['config.json', 'adapter_config.json'].map((name) => join(folder, name)).find(existsSync)
  const config = configPath === undefined ? undefined : readJsonObject(configPath)
  return {
    path: folder,
    format: 'folder',
    metadata: { ...(config && { config }), ...inner.metadata },
    tensors: inner.tensors,
    keys: inner.keys,
  }
}

function openShards(index: string, key: string | undefined): Pick<Checkpoint, 'metadata' | 'tensors' | 'keys'> {
  const tensors = new ShardedTensors(index, (shard) => atOnce(openFile(shard, key)).tensors)
  return { metadata: {}, tensors, keys: [] }
}

function fromTorch(file: TorchFile, key: string | undefined): Checkpoint {
  const { path, size, format, data } = file
  const { chosen, keys } = chooseStateDict(data, key, path)
  return { path, format, metadata: { saved: plainMembers(file) }, tensors: new TensorFile(path, size, chosen), keys }
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
  return isObject(value) && Object.keys(value).length === 0
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
