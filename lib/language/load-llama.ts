import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { openCheckpointInPieces } from '../checkpoints/checkpoint.ts'
import { JoinedTensors } from '../checkpoints/joined-tensors.ts'
import { type JsonObject, readJsonObject } from '../checkpoints/json-file.ts'
import type { TensorSource } from '../checkpoints/tensor-file.ts'
import { EegTorchError } from '../errors.ts'
import { describeLlama, type LlamaDescription, stopTokensOf } from '../models/llama-config.ts'
import { naming, namingFile } from '../models/load.ts'
import { type LoadWeightsOptions, loadWeights } from '../models/load-weights.ts'
import { Model } from '../models/model.ts'
import { weightBudget } from '../models/model-fit.ts'
import { registered } from '../models/published.ts'
import { LLAMA } from '../models/published-classes.ts'
import { ADAPTER_PREFIX, type AdapterFolder, openAdapter, requireAdapterFit } from './adapter.ts'
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

/**
 * Makes the network of a transformers folder, with its weights. A config that asks for far more than the folder has weights for is refused before
 * anything is read.
 *
 * @throws EegTorchError `FILE_NOT_FOUND`, `FILE_INVALID`, `FILE_UNSUPPORTED`, `CHECKPOINT_MISMATCH`, `INVALID_OPTION`, `CANCELLED`
 */
export async function loadLlama(
  folder: string,
  options: LoadLanguageOptions = {},
): Promise<{ model: LlamaModel; description: LlamaDescription }> {
  const file = join(folder, 'config.json')
  const config = readJsonObject(file)
  const description = describe(folder, config, file)
  const adapter = options.adapter === undefined ? undefined : openAdapter(options.adapter)
  requireFit(options, description)
  const checkpoint = await openCheckpointInPieces(folder, { variant: options.variant })
  const { tensors } = registered(LLAMA, checkpoint, config)
  const budget = weightBudget(checkpoint) + (adapter === undefined ? 0 : weightBudget(adapter))
  const model = namingFile(file, () => makeModel(description, adapter, options, budget))
  try {
    if (adapter !== undefined) requireAdapterFit(adapter, model, options.merge ?? false)
    await load(model, tensors, adapter, options)
    return { model, description }
  } catch (error) {
    model.dispose()
    throw error
  }
}

function describe(folder: string, config: JsonObject, file: string): LlamaDescription {
  const description = describeLlama(config, file)
  const generation = join(folder, 'generation_config.json')
  if (!existsSync(generation)) return description
  return { ...description, stopTokens: stopTokensOf(readJsonObject(generation), description, generation) }
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
  budget: number,
): LlamaModel {
  const all = {
    ...options,
    gradient_checkpointing: gradientCheckpointing,
    ...(quantize && !nf4 && { weights: 'nf4', double_quant: true }),
  }
  if (adapter !== undefined && !merge) return new Model('llama_lora', { ...all, ...adapter.options }, budget, false)
  if (newAdapter !== undefined) return new Model('llama_lora', { ...all, ...newAdapter }, budget, false)
  return new Model('llama', all, budget, false)
}

/** All at once: what becomes four bits is dense for one tensor alone. */
async function load(
  model: LlamaModel,
  tensors: TensorSource,
  adapter: AdapterFolder | undefined,
  options: LoadLanguageOptions,
): Promise<void> {
  const sourceOf = new Map(tensors.names.map((name) => [name, tensors]))
  // files name tied weights once, or twice and mean the embeddings
  if (model.config.tieWordEmbeddings && sourceOf.has('model.embed_tokens.weight')) sourceOf.delete('lm_head.weight')
  const beside = adapter === undefined || options.merge ? [] : adapter.tensors.names
  for (const name of beside) sourceOf.set(name, adapter!.tensors)
  const names = new Map([...sourceOf.keys()].map((name) => [name, name]))
  const kept = options.newAdapter && model.tensorNames().filter((name) => name.startsWith(ADAPTER_PREFIX))
  try {
    const source = new JoinedTensors(tensors.path, sourceOf)
    await loadWeights(model as Model, source, names, { ...options, ...(kept && { kept }) })
  } catch (error) {
    throw naming(tensors.path, error)
  }
  if (adapter !== undefined && options.merge) await mergeAdapter(model, adapter)
}

async function mergeAdapter(model: LlamaModel, { path, targets, options, tensors }: AdapterFolder): Promise<void> {
  const loaded = await tensors.loadAll()
  try {
    for (const target of targets) {
      const [a, b] = ['A', 'B'].map((letter) => loaded.get(`${ADAPTER_PREFIX}${target}.lora_${letter}.weight`)!)
      await nativeLanguage.llamaMerge(model.id, target, a!.id, b!.id, options.lora_alpha / options.r)
    }
  } catch (error) {
    throw naming(path, error)
  } finally {
    for (const each of loaded.values()) each.dispose()
  }
}
