import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { EegTorchError } from '../errors.ts'
import { JoinedTensors } from './joined-tensors.ts'
import { type JsonObject, readJsonObject } from './json-file.ts'
import type { TensorSource } from './tensor-file.ts'

const SHOWN = 5

/** Weights in several files, which an index such as `model.safetensors.index.json` names tensor by tensor. */
export class ShardedTensors extends JoinedTensors {
  /**
   * Reads the index and the headers of all shards.
   *
   * @param open opens one shard
   * @throws EegTorchError `FILE_NOT_FOUND` that lists the missing shards; `FILE_UNSAFE` for a shard outside of the folder; `FILE_INVALID` for
   *   an index that is none, or that names a tensor which its shard lacks; and as `open`
   */
  constructor(index: string, open: (shard: string) => TensorSource) {
    super(index, openShards(index, open))
  }
}

function openShards(index: string, open: (shard: string) => TensorSource): Map<string, TensorSource> {
  const files = readWeightMap(index)
  const names = [...new Set(files.values())]
  requireShards(index, names)
  const shards = new Map(names.map((name) => [name, open(join(dirname(index), name))]))
  for (const [name, file] of files) requireTensor(shards.get(file)!, name, index)
  return new Map([...files].map(([name, file]) => [name, shards.get(file)!]))
}

/** Names of tensors to names of files, checked: a shard lies beside its index. */
function readWeightMap(index: string): Map<string, string> {
  const map = readJsonObject(index).weight_map
  const invalid = (what: string, received?: string) =>
    new EegTorchError('FILE_INVALID', what, { file: index, ...(received !== undefined && { received }) })
  if (typeof map !== 'object' || map === null || Array.isArray(map)) throw invalid('the index has no weight_map')
  const entries = Object.entries(map as JsonObject)
  if (entries.length === 0) throw invalid('the index names no tensor')
  for (const [tensor, file] of entries) {
    if (typeof file !== 'string') throw invalid(`the index names no file for tensor ${quoted(tensor)}`)
    if (/^[^/\\\0:]+$/.test(file) && file !== '.' && file !== '..') continue
    throw new EegTorchError('FILE_UNSAFE', 'the index names a shard outside of its folder', {
      file: index,
      expected: 'the plain name of a file',
      received: quoted(file),
    })
  }
  return new Map(entries as [string, string][])
}

function requireShards(index: string, names: readonly string[]): void {
  const missing = names.filter((name) => !existsSync(join(dirname(index), name)))
  if (missing.length === 0) return
  const more = missing.length > SHOWN ? ` and ${missing.length - SHOWN} more` : ''
  throw new EegTorchError('FILE_NOT_FOUND', `${missing.length} of ${names.length} shards are missing`, {
    file: index,
    expected: `beside it ${missing.slice(0, SHOWN).map(quoted).join(', ')}${more}`,
  })
}

function requireTensor(shard: TensorSource, name: string, index: string): void {
  if (shard.tensors.has(name)) return
  throw new EegTorchError('FILE_INVALID', `the index names tensor ${quoted(name)}, which its shard lacks`, {
    file: index,
    received: `${shard.path} with ${shard.tensors.size} other tensors`,
  })
}

function quoted(text: string): string {
  return JSON.stringify(text.length > 100 ? `${text.slice(0, 100)}…` : text)
}
