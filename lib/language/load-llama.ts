import { openCheckpoint } from '../checkpoints/checkpoint.ts'
import type { TensorSource } from '../checkpoints/tensor-file.ts'
import { tensor } from '../creation.ts'
import { EegTorchError } from '../errors.ts'
import { type LoadWeightsOptions, loadWeights } from '../models/load-weights.ts'
import { Model } from '../models/model.ts'
import { type AdapterFolder, openAdapter } from './adapter.ts'
import { type LlamaDescription, readLlamaConfig } from './llama-config.ts'
import { nativeLanguage } from './native-language.ts'

/** A language model as a network: with adapters beside its weights, or without. */
export type LlamaModel = Model<'llama'> | Model<'llama_lora'>

/** How to load a language model. */
export interface LoadLanguageOptions extends Pick<LoadWeightsOptions, 'device' | 'dtype' | 'onProgress' | 'signal'> {
  /** Which weights of a folder that holds several, such as `fp16`. */
  variant?: string | undefined
  /** A folder with an adapter of peft's layout. */
  adapter?: string | undefined
  /** Add the adapter to the weights, in place of computing it beside them; not into four bits. Default false. */
  merge?: boolean
  /** A new adapter, which begins as none, for training. */
  newAdapter?: { r?: number; loraAlpha?: number; loraDropout?: number; targetModules?: readonly string[] } | undefined
  /** Hold the weights inside the layers in four bits, with scales that are quantised too (bitsandbytes' NF4). */
  quantize?: 'nf4' | undefined
  /** Training computes each layer a second time for its gradient, so as not to keep what is inside. Default false. */
  gradientCheckpointing?: boolean
}

/** Files hold these beside the weights. */
const COMPUTED = /\.rotary_emb\.inv_freq$/
const QUANT_STATE = '.quant_state.bitsandbytes__nf4'

/**
 * Makes the network of a transformers folder, with its weights.
 *
 * @throws EegTorchError `FILE_NOT_FOUND`, `FILE_INVALID`, `FILE_UNSUPPORTED`, `CHECKPOINT_MISMATCH`, `INVALID_OPTION`, `CANCELLED`
 */
export async function loadLlama(
  folder: string,
  options: LoadLanguageOptions = {},
): Promise<{ model: LlamaModel; description: LlamaDescription }> {
  const description = readLlamaConfig(folder)
  const adapter = options.adapter === undefined ? undefined : openAdapter(options.adapter)
  requireFit(options, description)
  const model = makeModel(description, adapter, options)
  try {
    const { tensors } = openCheckpoint(folder, { variant: options.variant })
    if (description.nf4 || options.quantize) await loadByTensor(model, tensors, options)
    else await loadTogether(model, tensors, options)
    if (adapter !== undefined) await addAdapter(model, adapter, options)
    return { model, description }
  } catch (error) {
    model.dispose()
    throw error
  }
}

function requireFit({ adapter, merge, newAdapter, quantize }: LoadLanguageOptions, { nf4 }: LlamaDescription): void {
  const refuse = (option: string, expected: string, received: string) =>
    new EegTorchError('INVALID_OPTION', 'the language model cannot be loaded so', { option, expected, received })
  if (merge && adapter === undefined) throw refuse('merge', 'an adapter', 'none')
  if (merge && (nf4 || quantize)) throw refuse('merge', 'dense weights: four bits cannot take an adapter in', 'nf4')
  if (adapter !== undefined && newAdapter !== undefined) throw refuse('newAdapter', 'no other adapter', adapter)
  if (quantize !== undefined && quantize !== 'nf4') throw refuse('quantize', 'nf4', String(quantize))
}

function makeModel(
  { options, nf4 }: LlamaDescription,
  adapter: AdapterFolder | undefined,
  { merge, newAdapter, quantize, gradientCheckpointing = false }: LoadLanguageOptions,
): LlamaModel {
  const all = {
    ...options,
    gradient_checkpointing: gradientCheckpointing,
    ...(quantize && !nf4 && { weights: 'nf4', double_quant: true }),
  }
  if (adapter !== undefined && !merge) return new Model('llama_lora', { ...all, ...adapter.options }, undefined, false)
  if (newAdapter !== undefined) return new Model('llama_lora', { ...all, ...newAdapter }, undefined, false)
  return new Model('llama', all, undefined, false)
}

/** Mapped where dtype and device agree: dense weights without an adapter beside them. */
async function loadTogether(model: LlamaModel, source: TensorSource, options: LoadLanguageOptions): Promise<void> {
  if (model.name === 'llama') {
    const names = new Map(source.names.filter((name) => !COMPUTED.test(name)).map((name) => [name, name]))
    // files name tied weights once
    if (model.config.tieWordEmbeddings) names.delete('lm_head.weight')
    await loadWeights(model as Model, source, names, options)
    return
  }
  await loadByTensor(model, source, options)
}

/** One by one: what becomes four bits is dense for one tensor alone. */
async function loadByTensor(model: LlamaModel, source: TensorSource, options: LoadLanguageOptions): Promise<void> {
  const { device, dtype, onProgress, signal } = options
  if (device !== undefined || dtype !== undefined)
    model.to({ ...(device !== undefined && { device }), ...(dtype !== undefined && { dtype }) })
  const wanted = new Set(model.tensorNames().filter((name) => !name.startsWith('base_model.')))
  const tied = model.config.tieWordEmbeddings
  const total = source.names.length
  for (const [i, name] of source.names.entries()) {
    if (signal?.aborted) throw new EegTorchError('CANCELLED', 'the loading was stopped', { file: source.path })
    if (COMPUTED.test(name) || (tied && name === 'lm_head.weight')) continue
    using stored = await source.load(name)
    const known = name.endsWith(QUANT_STATE) ? `${name.slice(0, -QUANT_STATE.length)}.nested_offset` : name
    if (!wanted.delete(known) && known === name) throw mismatch(source, 'unexpected', name)
    if (known !== name) await loadQuantState(model, known, stored.toTypedArray() as Uint8Array, source.path)
    else await nativeLanguage.llamaLoad(model.id, name, stored.id)
    // what a dense weight becomes has no names in its file
    for (const part of wanted) if (part.startsWith(`${name}.`) && /^b?float/.test(stored.dtype)) wanted.delete(part)
    onProgress?.({ file: source.path, done: i + 1, total })
  }
  if (tied) wanted.delete('lm_head.weight')
  const [missing] = wanted
  if (missing !== undefined) throw mismatch(source, 'missing', missing)
}

function mismatch(source: TensorSource, kind: string, name: string): EegTorchError {
  return new EegTorchError('CHECKPOINT_MISMATCH', `the weights do not fit this language model: ${kind} ${name}`, {
    file: source.path,
  })
}

/** bitsandbytes keeps the offset of the scales in a description that is a tensor of bytes. */
async function loadQuantState(model: LlamaModel, name: string, bytes: Uint8Array, file: string): Promise<void> {
  let state: Record<string, unknown>
  try {
    state = JSON.parse(Buffer.from(bytes).toString('utf8')) as Record<string, unknown>
  } catch (cause) {
    throw new EegTorchError('FILE_INVALID', `the description of ${name} is not JSON`, { file, cause })
  }
  const { quant_type, blocksize, nested_blocksize, nested_offset } = state
  const nested = nested_offset !== undefined
  if (quant_type !== 'nf4' || blocksize !== 64 || (nested && nested_blocksize !== 256)) {
    throw new EegTorchError('FILE_UNSUPPORTED', `the description of ${name} is of another quantisation`, {
      file,
      expected: 'nf4 in blocks of 64, their scales in blocks of 256',
      received: JSON.stringify({ quant_type, blocksize, nested_blocksize }),
    })
  }
  if (!nested) return
  using offset = tensor(Number(nested_offset))
  await nativeLanguage.llamaLoad(model.id, name, offset.id)
}

async function addAdapter(model: LlamaModel, adapter: AdapterFolder, { merge }: LoadLanguageOptions): Promise<void> {
  const tensors = await adapter.load()
  try {
    if (merge) await mergeAdapter(model, adapter, tensors)
    else await loadAdapter(model, tensors)
  } finally {
    for (const each of tensors.values()) each.dispose()
  }
}

async function loadAdapter(model: LlamaModel, tensors: Awaited<ReturnType<AdapterFolder['load']>>): Promise<void> {
  const wanted = new Set(model.tensorNames().filter((name) => name.startsWith('base_model.')))
  for (const [name, each] of tensors) {
    wanted.delete(name)
    await nativeLanguage.llamaLoad(model.id, name, each.id)
  }
  const [missing] = wanted
  if (missing === undefined) return
  throw new EegTorchError('CHECKPOINT_MISMATCH', `the adapter does not fit this language model: missing ${missing}`)
}

async function mergeAdapter(
  model: LlamaModel,
  { targets, options }: AdapterFolder,
  tensors: Awaited<ReturnType<AdapterFolder['load']>>,
): Promise<void> {
  for (const target of targets) {
    const part = (letter: string) => tensors.get(`base_model.model.${target}.lora_${letter}.weight`)
    const [a, b] = [part('A'), part('B')]
    if (a === undefined || b === undefined)
      throw new EegTorchError('CHECKPOINT_MISMATCH', `the adapter of ${target} has one of two parts`)
    await nativeLanguage.llamaMerge(model.id, target, a.id, b.id, options.lora_alpha / options.r)
  }
}
