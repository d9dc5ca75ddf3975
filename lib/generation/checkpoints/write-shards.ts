import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DTYPE_BYTES } from '../../checkpoints/dtypes.ts'
import { writeSafetensors } from '../../checkpoints/safetensors.ts'
import { countElements } from '../../checkpoints/stored-tensor.ts'
import type { TensorSource } from '../../checkpoints/tensor-file.ts'
import { type DType, isDType, isFloatingPoint } from '../../dtype.ts'
import type { Tensor } from '../../tensor.ts'
import { inDtype } from './in-dtype.ts'

/** What goes into the files of {@link writeShards}. */
export interface ShardOptions {
  tensors: TensorSource
  /** Names to write, to those of the source. */
  names: ReadonlyMap<string, string>
  /** Of floating-point tensors; default: as they are. */
  dtype?: DType | undefined
  /** Put into the names of the files. */
  variant?: string | undefined
  maxShardBytes: number
}

/**
 * Writes tensors as diffusers and transformers do: `STEM.safetensors`, or files of at most so many bytes and an index of them. One file at a time is
 * in memory.
 *
 * @param stem such as `diffusion_pytorch_model`
 * @returns how many tensors, and their bytes
 */
export async function writeShards(
  folder: string,
  stem: string,
  { tensors, names, dtype, variant, maxShardBytes }: ShardOptions,
): Promise<{ tensors: number; bytes: number }> {
  const sizes = new Map([...names].map(([name, from]) => [name, bytesOf(tensors, from, dtype)]))
  const bytes = [...sizes.values()].reduce((sum, size) => sum + size, 0)
  const shards = cut(sizes, maxShardBytes)
  const suffix = variant === undefined ? '' : `.${variant}`
  const number = (i: number) => String(i).padStart(5, '0')
  const files = shards.map((_, i) =>
    shards.length === 1
      ? `${stem}${suffix}.safetensors`
      : `${stem}${suffix}-${number(i + 1)}-of-${number(shards.length)}.safetensors`,
  )
  for (const [i, shard] of shards.entries()) await writeShard(join(folder, files[i]!), shard, tensors, names, dtype)
  if (shards.length > 1) {
    const placed = shards.flatMap((shard, i) => shard.map((name) => [name, files[i]!] as const))
    const index = { metadata: { total_size: bytes }, weight_map: Object.fromEntries(placed) }
    const file = join(folder, `${stem}.safetensors.index${suffix}.json`)
    await writeFile(file, `${JSON.stringify(index, undefined, 2)}\n`)
  }
  return { tensors: names.size, bytes }
}

function bytesOf({ tensors }: TensorSource, name: string, dtype: DType | undefined): number {
  const stored = tensors.get(name)!
  const isConverted = dtype !== undefined && isDType(stored.dtype) && isFloatingPoint(stored.dtype)
  return isConverted ? countElements(stored.shape) * DTYPE_BYTES.get(dtype)! : stored.bytes
}

/** In order; a tensor that is larger than a shard has one of its own. */
function cut(sizes: ReadonlyMap<string, number>, most: number): string[][] {
  const shards: string[][] = [[]]
  let filled = 0
  for (const [name, size] of sizes) {
    if (filled > 0 && filled + size > most) {
      shards.push([])
      filled = 0
    }
    shards.at(-1)!.push(name)
    filled += size
  }
  return shards
}

async function writeShard(
  file: string,
  shard: readonly string[],
  source: TensorSource,
  names: ReadonlyMap<string, string>,
  dtype: DType | undefined,
): Promise<void> {
  const loaded = await source.loadAll({ names: shard.map((name) => names.get(name)!) })
  const converted = new Map<string, Tensor>()
  try {
    for (const name of shard) converted.set(name, await inDtype(loaded.get(names.get(name)!)!, dtype))
    await writeSafetensors(file, converted, { format: 'pt' })
  } finally {
    for (const tensor of [...converted.values(), ...loaded.values()]) tensor.dispose()
  }
}
