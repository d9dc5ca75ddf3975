import type { SelectedTensor } from '../../checkpoints/selected-tensors.ts'
import type { StoredTensor } from '../../checkpoints/stored-tensor.ts'

// Names of the networks in files of latent diffusion (Rombach et al. 2022), to those of diffusers and transformers.

type Stored = ReadonlyMap<string, StoredTensor>
type Selection = Map<string, SelectedTensor>
/** What training and older releases leave beside the weights. */
const UNUSED = /^loss\.|\.position_ids$|^(?:text_projection|logit_scale|attn_mask)$/

type Rule = readonly [pattern: RegExp, name: string | ((groups: readonly string[]) => string)]

/** Prefixes under which a whole checkpoint holds its parts. */
export const LDM_PREFIXES = {
  unet: 'model.diffusion_model.',
  vae: 'first_stage_model.',
  /** CLIP as transformers has it: Stable Diffusion 1. */
  clip: 'cond_stage_model.transformer.',
  /** CLIP as OpenCLIP has it: Stable Diffusion 2. */
  openClip: 'cond_stage_model.model.',
} as const

const UNET_RESNET: readonly Rule[] = [
  [/^in_layers\.0\./, 'norm1.'],
  [/^in_layers\.2\./, 'conv1.'],
  [/^emb_layers\.1\./, 'time_emb_proj.'],
  [/^out_layers\.0\./, 'norm2.'],
  [/^out_layers\.3\./, 'conv2.'],
  [/^skip_connection\./, 'conv_shortcut.'],
]

/** Tensors of a UNet by diffusers' names; the file's with the prefix. */
export function selectUnet(stored: Stored, prefix: string): Selection {
  const perLevel = blocksPerLevel(stored, prefix)
  const level = (block: number) => Math.floor(block / perLevel)
  const rules: readonly Rule[] = [
    [/^time_embed\.0\./, 'time_embedding.linear_1.'],
    [/^time_embed\.2\./, 'time_embedding.linear_2.'],
    [/^input_blocks\.0\.0\./, 'conv_in.'],
    [/^out\.0\./, 'conv_norm_out.'],
    [/^out\.2\./, 'conv_out.'],
    [/^input_blocks\.(\d+)\.0\.op\./, ([n]) => `down_blocks.${level(Number(n) - 1)}.downsamplers.0.conv.`],
    [/^input_blocks\.(\d+)\.0\./, ([n]) => `${placeIn('down_blocks', Number(n) - 1, perLevel, 'resnets')}`],
    [/^input_blocks\.(\d+)\.1\./, ([n]) => `${placeIn('down_blocks', Number(n) - 1, perLevel, 'attentions')}`],
    [/^middle_block\.0\./, 'mid_block.resnets.0.'],
    [/^middle_block\.1\./, 'mid_block.attentions.0.'],
    [/^middle_block\.2\./, 'mid_block.resnets.1.'],
    [/^output_blocks\.(\d+)\.[12]\.conv\./, ([n]) => `up_blocks.${level(Number(n))}.upsamplers.0.conv.`],
    [/^output_blocks\.(\d+)\.0\./, ([n]) => `${placeIn('up_blocks', Number(n), perLevel, 'resnets')}`],
    [/^output_blocks\.(\d+)\.1\./, ([n]) => `${placeIn('up_blocks', Number(n), perLevel, 'attentions')}`],
  ]
  return select(stored, prefix, (name) => {
    const placed = replace(name, rules)
    return placed?.replace(
      /^(.*\.resnets\.\d+\.)(.*)$/,
      (_, place, inside) => place + (replace(inside, UNET_RESNET) ?? inside),
    )
  })
}

/** Blocks of a level on the way down, the one that halves the resolution counted: as many as a level has on the way up. */
function blocksPerLevel(stored: Stored, prefix: string): number {
  const halving = [...stored.keys()].flatMap((name) => {
    const match = /^input_blocks\.(\d+)\.0\.op\.weight$/.exec(name.startsWith(prefix) ? name.slice(prefix.length) : '')
    return match ? [Number(match[1])] : []
  })
  return halving.length === 0 ? 3 : Math.min(...halving)
}

function placeIn(list: string, block: number, perLevel: number, kind: string): string {
  return `${list}.${Math.floor(block / perLevel)}.${kind}.${block % perLevel}.`
}

/** Tensors of an autoencoder by diffusers' names. Its attention is 1 x 1 convolutions in the file, and linear in diffusers. */
export function selectVae(stored: Stored, prefix: string): Selection {
  const levels = countLevels(stored, `${prefix}decoder.up.`)
  const rules: readonly Rule[] = [
    [/^encoder\.down\.(\d+)\.block\.(\d+)\./, ([level, block]) => `encoder.down_blocks.${level}.resnets.${block}.`],
    [/^encoder\.down\.(\d+)\.downsample\./, ([level]) => `encoder.down_blocks.${level}.downsamplers.0.`],
    [
      /^decoder\.up\.(\d+)\.block\.(\d+)\./,
      ([level, block]) => `decoder.up_blocks.${levels - 1 - Number(level)}.resnets.${block}.`,
    ],
    [/^decoder\.up\.(\d+)\.upsample\./, ([level]) => `decoder.up_blocks.${levels - 1 - Number(level)}.upsamplers.0.`],
    [/^(encoder|decoder)\.mid\.block_([12])\./, ([half, n]) => `${half}.mid_block.resnets.${Number(n) - 1}.`],
    [/^(encoder|decoder)\.mid\.attn_1\.norm\./, ([half]) => `${half}.mid_block.attentions.0.group_norm.`],
    [/^(encoder|decoder)\.mid\.attn_1\.([qkv])\./, ([half, x]) => `${half}.mid_block.attentions.0.to_${x}.`],
    [/^(encoder|decoder)\.mid\.attn_1\.proj_out\./, ([half]) => `${half}.mid_block.attentions.0.to_out.0.`],
    [/^(encoder|decoder)\.norm_out\./, ([half]) => `${half}.conv_norm_out.`],
    [/^((?:encoder|decoder)\.conv_(?:in|out)|quant_conv|post_quant_conv)\./, ([name]) => `${name}.`],
  ]
  return select(
    stored,
    prefix,
    (name) => replace(name, rules)?.replace('.nin_shortcut.', '.conv_shortcut.'),
    (name, { shape }) => (name.includes('.attentions.0.to_') && shape.length === 4 ? shape.slice(0, 2) : undefined),
  )
}

function countLevels(stored: Stored, prefix: string): number {
  const levels = [...stored.keys()].map((name) =>
    name.startsWith(prefix) ? Number.parseInt(name.slice(prefix.length), 10) : -1,
  )
  return Math.max(-1, ...levels) + 1
}

/** Tensors of CLIP's text encoder, which Stable Diffusion 1 holds by transformers' names. */
export function selectClip(stored: Stored, prefix: string): Selection {
  return select(stored, prefix, (name) => name)
}

const OPEN_CLIP_LAYER: readonly Rule[] = [
  [/^ln_1\./, 'layer_norm1.'],
  [/^ln_2\./, 'layer_norm2.'],
  [/^mlp\.c_fc\./, 'mlp.fc1.'],
  [/^mlp\.c_proj\./, 'mlp.fc2.'],
  [/^attn\.out_proj\./, 'self_attn.out_proj.'],
]
const OPEN_CLIP: readonly Rule[] = [
  [/^token_embedding\./, 'text_model.embeddings.token_embedding.'],
  [/^positional_embedding$/, 'text_model.embeddings.position_embedding.weight'],
  [/^ln_final\./, 'text_model.final_layer_norm.'],
]

/**
 * Tensors of OpenCLIP's text encoder by transformers' names. Stable Diffusion 2 reads the last layer but one, so the last one is left out.
 */
export function selectOpenClip(stored: Stored, prefix: string): Selection {
  const selection: Selection = new Map()
  const last = countLevels(stored, `${prefix}transformer.resblocks.`) - 1
  for (const [from, { shape }] of stored) {
    const name = from.slice(prefix.length)
    if (!from.startsWith(prefix) || UNUSED.test(name)) continue
    const [, layer, inside] = /^transformer\.resblocks\.(\d+)\.(.*)$/.exec(name) ?? []
    if (layer === undefined || inside === undefined) {
      selection.set(replace(name, OPEN_CLIP) ?? name, { from })
      continue
    }
    if (Number(layer) === last) continue
    const place = `text_model.encoder.layers.${layer}.`
    const packed = /^attn\.in_proj_(weight|bias)$/.exec(inside)?.[1]
    if (packed === undefined) {
      selection.set(place + (replace(inside, OPEN_CLIP_LAYER) ?? inside), { from })
      continue
    }
    const width = Math.floor((shape[0] ?? 0) / 3)
    for (const [i, x] of ['q', 'k', 'v'].entries()) {
      selection.set(`${place}self_attn.${x}_proj.${packed}`, { from, rows: [i * width, (i + 1) * width] })
    }
  }
  return selection
}

function select(
  stored: Stored,
  prefix: string,
  rename: (name: string) => string | undefined,
  reshape: (name: string, stored: StoredTensor) => readonly number[] | undefined = () => undefined,
): Selection {
  const selection: Selection = new Map()
  for (const [from, tensor] of stored) {
    const theirs = from.slice(prefix.length)
    if (!from.startsWith(prefix) || UNUSED.test(theirs)) continue
    // a name that no rule knows stays, and is then one too many for the network
    const name = rename(theirs) ?? theirs
    const shape = reshape(name, tensor)
    selection.set(name, { from, ...(shape !== undefined && { shape }) })
  }
  return selection
}

/** The name with its first part that a rule knows replaced; none where no rule knows it. */
function replace(name: string, rules: readonly Rule[]): string | undefined {
  for (const [pattern, put] of rules) {
    const match = pattern.exec(name)
    if (match === null) continue
    return (typeof put === 'string' ? put : put(match.slice(1))) + name.slice(match[0].length)
  }
  return undefined
}
