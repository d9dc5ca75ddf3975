import { join } from 'node:path'
import { z } from 'zod'
import { readJsonObject } from '../checkpoints/json-file.ts'
import { EegTorchError } from '../errors.ts'

const count = z.number().int().min(1)
const token = z.number().int().min(0)
const rope = z.looseObject({
  rope_type: z.string().optional(),
  type: z.string().optional(),
  rope_theta: z.number().optional(),
})

const schema = z.looseObject({
  model_type: z.literal('llama'),
  vocab_size: count,
  hidden_size: count,
  intermediate_size: count,
  num_hidden_layers: count,
  num_attention_heads: count,
  num_key_value_heads: count.nullish(),
  head_dim: count.nullish(),
  hidden_act: z.string().default('silu'),
  max_position_embeddings: count.default(2048),
  rms_norm_eps: z.number().positive().default(1e-6),
  rope_theta: z.number().positive().nullish(),
  rope_parameters: rope.nullish(),
  rope_scaling: rope.nullish(),
  attention_bias: z.boolean().default(false),
  mlp_bias: z.boolean().default(false),
  tie_word_embeddings: z.boolean().default(false),
  bos_token_id: token.nullish(),
  eos_token_id: z.union([token, z.array(token).min(1)]).nullish(),
  pad_token_id: z.number().int().nullish(),
  quantization_config: z.looseObject({}).nullish(),
})

/** What a folder says of its language model. */
export interface LlamaDescription {
  /** Options of the network, in the reference's spelling. */
  options: Record<string, unknown>
  /** Tokens that end a text. */
  stopTokens: number[]
  /** Whether the folder's weights are in four bits already. */
  nf4: boolean
}

/**
 * Reads `config.json` of a transformers folder. Older files say `rope_theta`, newer ones `rope_parameters`.
 *
 * @throws EegTorchError `FILE_NOT_FOUND`, `FILE_INVALID`; `FILE_UNSUPPORTED` for another kind of model, positions or quantisation
 */
export function readLlamaConfig(folder: string): LlamaDescription {
  const file = join(folder, 'config.json')
  const content = readJsonObject(file)
  const kind = content.model_type
  if (kind !== 'llama') throw unsupported(file, 'the language model is not known', 'model_type llama', kind)
  const parsed = schema.safeParse(content)
  if (!parsed.success) {
    const { path, message } = parsed.error.issues[0]!
    throw new EegTorchError('FILE_INVALID', `${path.join('.')} does not hold (${message})`, { file })
  }
  const { rope_theta, rope_parameters, rope_scaling, quantization_config, eos_token_id, ...given } = parsed.data
  for (const { rope_type, type } of [rope_parameters ?? {}, rope_scaling ?? {}]) {
    const positions = rope_type ?? type ?? 'default'
    if (positions !== 'default') throw unsupported(file, 'these rotary positions are not known', 'default', positions)
  }
  const stopTokens = eos_token_id === null || eos_token_id === undefined ? [2] : [eos_token_id].flat()
  const quantised = readQuantisation(quantization_config ?? undefined, file)
  return {
    stopTokens,
    nf4: quantised !== undefined,
    options: {
      vocab_size: given.vocab_size,
      hidden_size: given.hidden_size,
      intermediate_size: given.intermediate_size,
      num_hidden_layers: given.num_hidden_layers,
      num_attention_heads: given.num_attention_heads,
      num_key_value_heads: given.num_key_value_heads ?? given.num_attention_heads,
      head_dim: given.head_dim ?? null,
      hidden_act: given.hidden_act,
      max_position_embeddings: given.max_position_embeddings,
      rms_norm_eps: given.rms_norm_eps,
      rope_theta: rope_parameters?.rope_theta ?? rope_theta ?? 10000,
      attention_bias: given.attention_bias,
      mlp_bias: given.mlp_bias,
      tie_word_embeddings: given.tie_word_embeddings,
      bos_token_id: given.bos_token_id ?? 1,
      eos_token_id: stopTokens[0],
      pad_token_id: Math.max(given.pad_token_id ?? stopTokens[0]!, 0),
      new_tokens: 0,
      ...quantised,
    },
  }
}

function readQuantisation(given: Record<string, unknown> | undefined, file: string) {
  if (given === undefined) return undefined
  const { quant_method, load_in_4bit, bnb_4bit_quant_type, bnb_4bit_use_double_quant } = given
  if (quant_method === 'bitsandbytes' && load_in_4bit === true && bnb_4bit_quant_type === 'nf4')
    return { weights: 'nf4', double_quant: bnb_4bit_use_double_quant === true }
  const received = `${quant_method} ${bnb_4bit_quant_type ?? ''}`.trim()
  throw unsupported(file, 'the weights are quantised in a way that is not known', 'bitsandbytes nf4', received)
}

function unsupported(file: string, what: string, expected: string, received: unknown): EegTorchError {
  return new EegTorchError('FILE_UNSUPPORTED', what, { file, expected, received: String(received) })
}
