import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { EegTorchError } from '../errors.ts'

/** What diffusers, transformers and peft call a file of weights, the first one first. */
const STEMS = ['diffusion_pytorch_model', 'model', 'pytorch_model', 'adapter_model']
const ENDINGS = ['safetensors', 'bin']
const SHOWN = 6

/** A file of weights in a folder, or the index of several. */
export interface WeightFiles {
  readonly path: string
  readonly isIndex: boolean
  /** Such as `fp16`; absent for the plain file. */
  readonly variant?: string
}

/**
 * The weights of a folder as diffusers, transformers and peft lay them out: safetensors before pickles, one file before shards. Without a wish the
 * plain files are taken, or the only variant that is there.
 *
 * @throws EegTorchError `FILE_NOT_FOUND` that tells which variants there are, or what a folder of weights holds
 */
export function findWeightFiles(folder: string, variant?: string): WeightFiles {
  const there = new Set(readdirSync(folder))
  const found = findVariant(folder, there, variant)
  if (found !== undefined) return found
  const variants = variantsOf(there)
  if (variant === undefined && variants.length === 1) return findVariant(folder, there, variants[0])!
  if (variant === undefined && variants.length === 0) throw nothingIn(folder, there)
  const asked = variant === undefined ? 'no plain weights' : `no weights of variant ${variant}`
  throw new EegTorchError('FILE_NOT_FOUND', `the folder holds ${asked}`, {
    file: folder,
    option: 'variant',
    expected: variants.length === 0 ? 'no variant' : `one of ${variants.slice(0, SHOWN).join(', ')}`,
  })
}

function findVariant(folder: string, there: ReadonlySet<string>, variant?: string): WeightFiles | undefined {
  for (const ending of ENDINGS) {
    for (const stem of STEMS) {
      for (const { name, isIndex } of namesOf(stem, ending, variant)) {
        if (there.has(name)) return { path: join(folder, name), isIndex, ...(variant !== undefined && { variant }) }
      }
    }
  }
  return undefined
}

function namesOf(stem: string, ending: string, variant?: string): { name: string; isIndex: boolean }[] {
  const own = variant === undefined ? stem : `${stem}.${variant}`
  const indices = [`${own}.${ending}.index.json`]
  if (variant !== undefined) indices.push(`${stem}.${ending}.index.${variant}.json`)
  return [{ name: `${own}.${ending}`, isIndex: false }, ...indices.map((name) => ({ name, isIndex: true }))]
}

/** Words between the stem and the ending of files that are there. */
function variantsOf(there: ReadonlySet<string>): string[] {
  const pattern = new RegExp(
    `^(?:${STEMS.join('|')})(?:\\.([\\w-]+)\\.(?:safetensors|bin)(?:\\.index\\.json)?|\\.(?:safetensors|bin)\\.index\\.([\\w-]+)\\.json)$`,
  )
  const found = [...there].flatMap((name) => {
    const match = pattern.exec(name)
    const variant = match?.[1] ?? match?.[2]
    // shards are no variant of their own
    return variant === undefined ? [] : [variant.replace(/-\d{5}-of-\d{5}$/, '')]
  })
  return [...new Set(found)].sort()
}

function nothingIn(folder: string, there: ReadonlySet<string>): EegTorchError {
  const shards = [...there].filter((name) => /-\d{5}-of-\d{5}\./.test(name))
  const isPipeline = there.has('model_index.json')
  const parts = isPipeline ? [...there].filter((name) => existsSync(join(folder, name, 'config.json'))) : []
  const received =
    shards.length > 0
      ? `${shards.length} shards without their index`
      : isPipeline
        ? `the folder of a pipeline; its networks lie in ${parts.slice(0, SHOWN).sort().join(', ') || 'none of its folders'}`
        : undefined
  return new EegTorchError('FILE_NOT_FOUND', 'the folder holds no weights', {
    file: folder,
    expected: 'model.safetensors, diffusion_pytorch_model.safetensors, an index of shards, or pytorch_model.bin',
    ...(received !== undefined && { received }),
  })
}
