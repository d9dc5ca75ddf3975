import type { NameRule } from '../../checkpoints/name-rules.ts'

// CLIP's transformer as OpenAI and OpenCLIP name it, to transformers' names.

const PARAMETERS = ['weight', 'bias'] as const

/** Rules for a stack of layers. */
export function residualBlocks(file: string, own: string, count: number): NameRule[] {
  return Array.from({ length: count }, (_, n) => residualBlock(`${file}.${n}`, `${own}.${n}`)).flat()
}

/** Rules for one layer; its queries, keys and values lie in one matrix. */
export function residualBlock(file: string, own: string): NameRule[] {
  const packed = PARAMETERS.map(
    (parameter): NameRule => [
      `${file}.attn.in_proj_${parameter}`,
      ['q', 'k', 'v'].map((x) => `${own}.self_attn.${x}_proj.${parameter}`),
    ],
  )
  return [
    [`${file}.ln_1`, `${own}.layer_norm1`],
    ...packed,
    [`${file}.attn.out_proj`, `${own}.self_attn.out_proj`],
    [`${file}.ln_2`, `${own}.layer_norm2`],
    [`${file}.mlp.c_fc`, `${own}.mlp.fc1`],
    [`${file}.mlp.c_proj`, `${own}.mlp.fc2`],
  ]
}

/** Rules for what surrounds the layers of a text encoder. */
export const TEXT_ENDS: readonly NameRule[] = [
  ['token_embedding', 'text_model.embeddings.token_embedding'],
  ['positional_embedding', 'text_model.embeddings.position_embedding.weight'],
  ['ln_final', 'text_model.final_layer_norm'],
]

/** Where a text encoder's layers lie. */
export const TEXT_LAYERS = { file: 'transformer.resblocks', own: 'text_model.encoder.layers' } as const
