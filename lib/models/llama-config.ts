import { z } from 'zod'
import { checkDescription } from '../checkpoints/json-file.ts'
import { EegTorchError } from '../errors.ts'

/** Above every published model; what a file asks for beyond has to be paid in weights too. */
const size = z
  .number()
  .int()
  .min(1)
  .max(2 ** 24)
const token = z.number().int().min(0)
const rope = z.looseObject({
  rope_type: z.string().optional(),
  type: z.string().optional(),
  rope_theta: z.number().positive().optional(),
  factor: z.number().positive().optional(),
  low_freq_factor: z.number().positive().optional(),
  high_freq_factor: z.number().positive().optional(),
  original_max_position_embeddings: size.optional(),
  partial_rotary_factor: z.number().optional(),
})

const endTokens = z.union([token, z.array(token).min(1).max(1024)]).nullish()

/** What a kind of rotary positions needs to know. */
const ROPE_NUMBERS = { linear: ['factor'], llama3: ['factor', 'low_freq_factor', 'high_freq_factor'] } as const

/** Fields of transformers' LlamaConfig with its defaults. */
const schema = z.looseObject({
  model_type: z.literal('llama').default('llama'),
  vocab_size: size.default(32000),
  hidden_size: size.default(4096),
  intermediate_size: size.default(11008),
  num_hidden_layers: z.number().int().min(1).max(4096).default(32),
  num_attention_heads: size.default(32),
  num_key_value_heads: size.nullish(),
  head_dim: size.nullish(),
  hidden_act: z.string().default('silu'),
  max_position_embeddings: size.default(2048),
  rms_norm_eps: z.number().positive().default(1e-6),
  rope_theta: z.number().positive().nullish(),
  rope_parameters: rope.nullish(),
  rope_scaling: rope.nullish(),
  partial_rotary_factor: z.number().nullish(),
  attention_bias: z.boolean().default(false),
  mlp_bias: z.boolean().default(false),
  tie_word_embeddings: z.boolean().default(false),
  bos_token_id: token.nullish(),
  eos_token_id: endTokens,
  pad_token_id: z.number().int().nullish(),
  quantization_config: z.looseObject({}).nullish(),
})

/** What a config says of its language model. */
export interface LlamaDescription {
  /** Options of the network, in the reference's spelling. */
  options: Readonly<Record<string, unknown>>
  /** Tokens that end a text. */
  stopTokens: number[]
  /** Whether the weights beside it are in four bits already. */
  nf4: boolean
}

/**
 * What transformers wrote of a Llama model. Older files say `rope_theta`, newer ones `rope_parameters`. Fields that are not known are overlooked.
 *
 * @throws EegTorchError `FILE_INVALID`; `FILE_UNSUPPORTED` for another kind of model, positions or quantisation
 */
export function describeLlama(config: Readonly<Record<string, unknown>>, file: string): LlamaDescription {
  const kind = config.model_type ?? 'llama'
  if (kind !== 'llama') throw unsupported(file, 'the language model is not known', 'model_type llama', kind)
  const given = checkDescription(schema, config, 'the language model', file)
  const { quantization_config, eos_token_id, pad_token_id } = given
  const stopTokens = [eos_token_id ?? 2].flat()
  requireTokens(stopTokens, given.vocab_size, file)
  const quantised = readQuantisation(quantization_config ?? undefined, file)
  // folders without padding say -1, or a token behind the last one
  const pad = pad_token_id ?? stopTokens[0]!
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
      ...rotaryOptions(given, file),
      attention_bias: given.attention_bias,
      mlp_bias: given.mlp_bias,
      tie_word_embeddings: given.tie_word_embeddings,
      bos_token_id: given.bos_token_id ?? 1,
      eos_token_id: stopTokens[0],
      pad_token_id: pad >= 0 && pad < given.vocab_size ? pad : 0,
      ...quantised,
    },
  }
}

/** As transformers takes them: `rope_scaling` before `rope_parameters`, and what neither says from the config itself. */
function rotaryOptions(given: z.infer<typeof schema>, file: string): Record<string, unknown> {
  const { rope_theta, rope_parameters, rope_scaling, max_position_embeddings } = given
  const rope = rope_scaling && Object.keys(rope_scaling).length > 0 ? rope_scaling : (rope_parameters ?? {})
  const kind = rope.rope_type ?? rope.type ?? 'default'
  const options = { rope_theta: rope.rope_theta ?? rope_theta ?? 10000, rope_type: kind }
  if (kind === 'default') return options
  if (kind !== 'linear' && kind !== 'llama3')
    throw unsupported(file, 'these rotary positions are not known', 'default, linear or llama3', kind)
  const part = rope.partial_rotary_factor ?? given.partial_rotary_factor ?? 1
  if (part !== 1)
    throw unsupported(file, 'heads that are turned in part are not known', 'partial_rotary_factor 1', part)
  const numbers = ROPE_NUMBERS[kind].map((name) => {
    if (rope[name] !== undefined) return [`rope_${name}`, rope[name]]
    const details = { file, expected: `a ${name} above 0`, received: 'none' }
    throw new EegTorchError('FILE_INVALID', `rotary positions of ${kind} lack a number`, details)
  })
  const original = rope.original_max_position_embeddings ?? max_position_embeddings
  return {
    ...options,
    ...Object.fromEntries(numbers),
    ...(kind === 'llama3' && { rope_original_max_position_embeddings: original }),
  }
}

/**
 * The tokens that end a text where `generation_config.json` names them: transformers' `generate` takes it before the model's config. The one that the
 * config names first, which trained texts end with, stays the first.
 *
 * @throws EegTorchError `FILE_INVALID`
 */
export function stopTokensOf(
  generation: Readonly<Record<string, unknown>>,
  { stopTokens, options }: LlamaDescription,
  file: string,
): number[] {
  const schema = z.looseObject({ eos_token_id: endTokens })
  const { eos_token_id } = checkDescription(schema, generation, 'how texts are made', file)
  if (eos_token_id === undefined || eos_token_id === null) return stopTokens
  const given = [eos_token_id].flat()
  requireTokens(given, options.vocab_size as number, file)
  const [first] = stopTokens
  return given.includes(first!) ? [first!, ...given.filter((token) => token !== first)] : given
}

function requireTokens(tokens: readonly number[], vocabulary: number, file: string): void {
  const beyond = tokens.find((token) => token >= vocabulary)
  if (beyond === undefined) return
  throw new EegTorchError('FILE_INVALID', 'a token that ends texts is not in the vocabulary', {
    file,
    expected: `eos_token_id below ${vocabulary}`,
    received: String(beyond),
  })
}

function readQuantisation(given: Readonly<Record<string, unknown>> | undefined, file: string) {
  if (given === undefined) return undefined
  const { quant_method, load_in_4bit, bnb_4bit_quant_type, bnb_4bit_use_double_quant } = given
  if (quant_method === 'bitsandbytes' && load_in_4bit === true && bnb_4bit_quant_type === 'nf4')
    return { weights: 'nf4', double_quant: bnb_4bit_use_double_quant === true }
  const received = `${quant_method} ${bnb_4bit_quant_type ?? ''}`.trim()
  throw unsupported(file, 'the weights are quantised in a way that is not known', 'bitsandbytes nf4', received)
}

function unsupported(file: string, what: string, expected: string, received: unknown): EegTorchError {
  return new EegTorchError('FILE_UNSUPPORTED', what, { file, expected, received: String(received).slice(0, 100) })
}

/** (out, in) of the projection inside the layers to which a weight belongs, such as `model.layers.0.mlp.up_proj.weight`; undefined for other tensors. */
export function projectionShape(
  options: Readonly<Record<string, unknown>>,
  weight: string,
): readonly [number, number] | undefined {
  const { hidden_size, intermediate_size, num_attention_heads, num_key_value_heads, head_dim } = options as Readonly<
    Record<string, number | null>
  >
  const [hidden, inner, heads] = [hidden_size!, intermediate_size!, num_attention_heads!]
  const width = head_dim ?? hidden / heads
  const shapes: Readonly<Record<string, readonly [number, number]>> = {
    q_proj: [heads * width, hidden],
    k_proj: [num_key_value_heads! * width, hidden],
    v_proj: [num_key_value_heads! * width, hidden],
    o_proj: [hidden, heads * width],
    gate_proj: [inner, hidden],
    up_proj: [inner, hidden],
    down_proj: [hidden, inner],
  }
  const [, name = ''] = /^model\.layers\.\d+\.(?:self_attn|mlp)\.(\w+)\.weight$/.exec(weight) ?? []
  return Object.hasOwn(shapes, name) ? shapes[name] : undefined
}
