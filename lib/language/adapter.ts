import { join } from 'node:path'
import { z } from 'zod'
import { readJsonObject } from '../checkpoints/json-file.ts'
import { readSafetensors, writeSafetensors } from '../checkpoints/safetensors.ts'
import { EegTorchError } from '../errors.ts'
import { writeFileAtomically } from '../files/atomic.ts'
import { makeFolder } from '../files/make-folder.ts'
import type { Model } from '../models/model.ts'
import type { Tensor } from '../tensor.ts'

const CONFIG = 'adapter_config.json'
const WEIGHTS = 'adapter_model.safetensors'
/** What peft puts before the names of the network that it wraps. */
export const ADAPTER_PREFIX = 'base_model.model.'

const schema = z.looseObject({
  peft_type: z.literal('LORA'),
  r: z.number().int().min(1),
  lora_alpha: z.number().positive(),
  lora_dropout: z.number().min(0).max(1).default(0),
  target_modules: z.array(z.string()).min(1),
  use_rslora: z.boolean().nullish(),
})
/** Variants of LoRA that this network does not compute, and the value that says so. */
const PLAIN: Readonly<Record<string, unknown>> = { use_dora: false, fan_in_fan_out: false, bias: 'none' }
const ABSENT = ['rank_pattern', 'alpha_pattern', 'modules_to_save', 'layers_to_transform', 'layer_replication']

/** A low-rank adapter as its folder describes it. Options are the reference's. */
export interface LoraOptions {
  r: number
  lora_alpha: number
  lora_dropout: number
  target_modules: string[]
}

/** An adapter of peft's layout, listed but not read. */
export interface AdapterFolder {
  options: LoraOptions
  /** Names of the projections that have one, such as `model.layers.0.self_attn.q_proj`. */
  targets: string[]
  /** By peft's names. */
  load(): Promise<Map<string, Tensor>>
}

/**
 * Opens a folder with `adapter_config.json` and `adapter_model.safetensors`.
 *
 * @throws EegTorchError `FILE_NOT_FOUND`, `FILE_INVALID`; `FILE_UNSUPPORTED` for other adapters than plain LoRA
 */
export function openAdapter(folder: string): AdapterFolder {
  const file = join(folder, CONFIG)
  const content = readJsonObject(file)
  const parsed = schema.safeParse(content)
  if (!parsed.success) {
    const { path, message } = parsed.error.issues[0]!
    throw new EegTorchError('FILE_UNSUPPORTED', `${path.join('.')} is not that of a LoRA adapter (${message})`, {
      file,
    })
  }
  refuseVariants(content, file)
  const { r, lora_alpha, lora_dropout, target_modules, use_rslora } = parsed.data
  const tensors = readSafetensors(join(folder, WEIGHTS))
  const targets = tensors.names
    .filter((name) => name.startsWith(ADAPTER_PREFIX) && name.endsWith('.lora_A.weight'))
    .map((name) => name.slice(ADAPTER_PREFIX.length, -'.lora_A.weight'.length))
  return {
    // rank-stabilised LoRA divides by the root of r
    options: { r, lora_alpha: use_rslora ? lora_alpha * Math.sqrt(r) : lora_alpha, lora_dropout, target_modules },
    targets,
    load: () => tensors.loadAll(),
  }
}

function refuseVariants(content: Readonly<Record<string, unknown>>, file: string): void {
  const other = Object.entries(PLAIN).find(
    ([name, plain]) => ![undefined, null, plain].includes(content[name] as never),
  )
  const present = ABSENT.find((name) => Object.keys((content[name] as object | null) ?? {}).length > 0)
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
 * @throws EegTorchError `FILE_WRITE_FAILED`
 */
export async function writeAdapter(folder: string, model: Model<'llama_lora'>, base: string): Promise<void> {
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
    await writeSafetensors(join(folder, WEIGHTS), new Map(adapterTensors(parameters)), { format: 'pt' })
    await writeFileAtomically(join(folder, CONFIG), `${JSON.stringify(described, undefined, 2)}\n`)
  } finally {
    for (const tensor of Object.values(parameters)) tensor.dispose()
  }
}

/** Those of a network's tensors that belong to its adapter. */
function adapterTensors(tensors: Readonly<Record<string, Tensor>>): [name: string, tensor: Tensor][] {
  return Object.entries(tensors).filter(([name]) => name.startsWith(ADAPTER_PREFIX))
}
