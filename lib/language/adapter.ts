import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { openCheckpoint } from '../checkpoints/checkpoint.ts'
import { checkDescription, type JsonObject, readJsonObject } from '../checkpoints/json-file.ts'
import { writeSafetensors } from '../checkpoints/safetensors.ts'
import type { TensorSource } from '../checkpoints/tensor-file.ts'
import { EegTorchError } from '../errors.ts'
import { writeFileAtomically } from '../files/atomic.ts'
import { makeFolder } from '../files/make-folder.ts'
import type { Model } from '../models/model.ts'
import { requireFit } from '../models/model-fit.ts'
import type { Tensor } from '../tensor.ts'
import type { LlamaModel } from './load-llama.ts'

const CONFIG = 'adapter_config.json'
const WEIGHTS = 'adapter_model.safetensors'
/** As peft saved them before. */
const OLDER_WEIGHTS = 'adapter_model.bin'
/** What peft puts before the names of the network that it wraps. */
export const ADAPTER_PREFIX = 'base_model.model.'
const PART_A = '.lora_A.weight'
const PART_B = '.lora_B.weight'

const schema = z.looseObject({
  peft_type: z.literal('LORA'),
  r: z
    .number()
    .int()
    .min(1)
    .max(2 ** 16),
  lora_alpha: z.number().positive(),
  lora_dropout: z.number().min(0).max(1).default(0),
  /** A text is a pattern: which names it means, the weights tell. */
  target_modules: z.union([z.array(z.string()).min(1).max(1024), z.string()]),
  use_rslora: z.boolean().nullish(),
})
/** Variants of LoRA that this network does not compute, and the value that says so. */
const PLAIN: Readonly<Record<string, unknown>> = {
  ...{ use_dora: false, use_qalora: false, lora_bias: false, fan_in_fan_out: false, bias: 'none' },
}
/** What A and B may have begun as without a change of the weights that they are added to; of other beginnings peft takes a part off these when it loads. */
const BEGINNINGS: readonly unknown[] = [undefined, null, true, false, 'gaussian', 'eva', 'orthogonal']
const ABSENT = [
  ...['rank_pattern', 'alpha_pattern', 'modules_to_save', 'layers_to_transform', 'layers_pattern', 'layer_replication'],
  ...['trainable_token_indices', 'target_parameters', 'alora_invocation_tokens', 'arrow_config'],
]

/** A low-rank adapter as its folder describes it. Options are the reference's. */
export interface LoraOptions {
  r: number
  lora_alpha: number
  lora_dropout: number
  target_modules: string[]
}

/** An adapter of peft's layout, listed but not read. */
export interface AdapterFolder {
  /** Of the weights. */
  readonly path: string
  readonly options: LoraOptions
  /** Names of the projections that have one, such as `model.layers.0.self_attn.q_proj`. */
  readonly targets: readonly string[]
  /** By peft's names. */
  readonly tensors: TensorSource
}

/**
 * Opens a folder with `adapter_config.json` and `adapter_model.safetensors`, or the `adapter_model.bin` of older versions of peft.
 *
 * @throws EegTorchError `FILE_NOT_FOUND`, `FILE_INVALID`; `FILE_UNSUPPORTED` for other adapters than plain LoRA
 */
export function openAdapter(folder: string): AdapterFolder {
  const file = join(folder, CONFIG)
  const content = readJsonObject(file)
  requireLora(content, file)
  refuseVariants(content, file)
  const described = checkDescription(schema, content, 'the adapter', file)
  const { r, lora_alpha, lora_dropout, target_modules, use_rslora } = described
  const names = [WEIGHTS, OLDER_WEIGHTS].map((name) => join(folder, name))
  const path = names.find((name) => existsSync(name)) ?? names[0]!
  const { tensors } = openCheckpoint(path)
  const targets = tensors.names
    .filter((name) => name.startsWith(ADAPTER_PREFIX) && name.endsWith(PART_A))
    .map((name) => name.slice(ADAPTER_PREFIX.length, -PART_A.length))
  const modules = typeof target_modules === 'string' ? lastNames(targets) : target_modules
  return {
    // rank-stabilised LoRA divides by the root of r
    options: {
      ...{ r, lora_alpha: use_rslora ? lora_alpha * Math.sqrt(r) : lora_alpha, lora_dropout },
      target_modules: modules,
    },
    ...{ path, targets, tensors },
  }
}

const lastNames = (targets: readonly string[]): string[] => [
  ...new Set(targets.map((target) => target.split('.').at(-1)!)),
]

/**
 * Whether the tensors of an adapter are those that its network has room for; to be merged, two for each projection.
 *
 * @throws EegTorchError `CHECKPOINT_MISMATCH` that lists what does not fit
 */
export function requireAdapterFit(
  { path, targets, tensors: { tensors }, options: { r } }: AdapterFolder,
  model: LlamaModel,
  merge: boolean,
): void {
  const pairs = targets.flatMap((target) => [PART_A, PART_B].map((part) => ADAPTER_PREFIX + target + part))
  const own = merge ? pairs : model.tensorNames().filter((name) => name.startsWith(ADAPTER_PREFIX))
  const missing = own.filter((name) => !tensors.has(name))
  const extra = [...tensors.keys()].filter((name) => !own.includes(name))
  const reshaped = [...tensors]
    .filter(([name, { shape }]) => name.endsWith(PART_A) && shape[0] !== r)
    .map(([name, { shape }]) => `${name}: (${shape.join(', ')}) instead of (${r}, …)`)
  const exact = missing.length + extra.length + reshaped.length === 0
  requireFit({ model: `the adapter of this ${model.name}`, missing, extra, reshaped, renamed: 0, exact }, path)
}

function requireLora({ peft_type }: JsonObject, file: string): void {
  if (peft_type === 'LORA') return
  throw new EegTorchError('FILE_UNSUPPORTED', 'the adapter is of another kind', {
    file,
    expected: 'peft_type LORA',
    received: String(peft_type).slice(0, 100),
  })
}

/** Whether the value of an option is another than its absence: null, false, or nothing in it. */
function says(value: unknown): boolean {
  return typeof value === 'object' ? Object.keys(value ?? {}).length > 0 : Boolean(value) || value === 0
}

function refuseVariants(content: Readonly<Record<string, unknown>>, file: string): void {
  const other = Object.entries(PLAIN).find(
    ([name, plain]) => ![undefined, null, plain].includes(content[name] as never),
  )
  if (!BEGINNINGS.includes(content.init_lora_weights)) {
    throw new EegTorchError('FILE_UNSUPPORTED', 'the adapter belongs to weights that its initialisation has changed', {
      file,
      expected: 'a plain LoRA adapter, as peft saves it with path_initial_model_for_weight_conversion',
      received: `init_lora_weights ${JSON.stringify(content.init_lora_weights)}`,
    })
  }
  const present = ABSENT.find((name) => says(content[name]))
  if (other === undefined && present === undefined) return
  const name = other?.[0] ?? present!
  throw new EegTorchError('FILE_UNSUPPORTED', `the adapter uses ${name}`, {
    file,
    expected: 'a plain LoRA adapter',
    received: JSON.stringify(content[name]),
  })
}

/**
 * Writes the adapter of a network as peft's `save_pretrained` lays it out.
 *
 * @param base what `base_model_name_or_path` says
 * @param description stands in the metadata of the weights, where no reader of peft's minds it
 * @throws EegTorchError `FILE_WRITE_FAILED`
 */
export async function writeAdapter(
  folder: string,
  model: Model<'llama_lora'>,
  base: string,
  description: Readonly<Record<string, unknown>> = {},
): Promise<void> {
  const { r, loraAlpha, loraDropout, targetModules } = model.config
  const described = {
    peft_type: 'LORA',
    task_type: 'CAUSAL_LM',
    base_model_name_or_path: base,
    r,
    lora_alpha: loraAlpha,
    lora_dropout: loraDropout,
    target_modules: [...targetModules].sort(),
    bias: 'none',
    fan_in_fan_out: false,
    inference_mode: true,
    init_lora_weights: true,
    modules_to_save: null,
    use_dora: false,
    use_rslora: false,
  }
  const parameters = model.parameters()
  try {
    await makeFolder(folder)
    await writeSafetensors(join(folder, WEIGHTS), new Map(adapterTensors(parameters)), {
      format: 'pt',
      eegtorch: JSON.stringify(description),
    })
    await writeFileAtomically(join(folder, CONFIG), `${JSON.stringify(described, undefined, 2)}\n`)
  } finally {
    for (const tensor of Object.values(parameters)) tensor.dispose()
  }
}

/** Those of a network's tensors that belong to its adapter. */
function adapterTensors(tensors: Readonly<Record<string, Tensor>>): [name: string, tensor: Tensor][] {
  return Object.entries(tensors).filter(([name]) => name.startsWith(ADAPTER_PREFIX))
}
