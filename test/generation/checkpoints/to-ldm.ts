import { cat, type Tensor } from 'eegtorch'

// The names of latent diffusion for tensors with diffusers' and transformers' names: what its own code calls them, with two residual
// blocks at each level. `make_case.py` and diffusers' own conversion hold these to be right.

type Tensors = Map<string, Tensor>

const RESNET: Record<string, string> = {
  norm1: 'in_layers.0',
  conv1: 'in_layers.2',
  time_emb_proj: 'emb_layers.1',
  norm2: 'out_layers.0',
  conv2: 'out_layers.3',
  conv_shortcut: 'skip_connection',
}
const UNET_ENDS: Record<string, string> = {
  'time_embedding.linear_1': 'time_embed.0',
  'time_embedding.linear_2': 'time_embed.2',
  conv_in: 'input_blocks.0.0',
  conv_norm_out: 'out.0',
  conv_out: 'out.2',
}

function ldmUnetName(name: string): string {
  const [, module, parameter] = /^(.*)\.(weight|bias)$/.exec(name)!
  if (UNET_ENDS[module!] !== undefined) return `${UNET_ENDS[module!]}.${parameter}`
  const parts = name.split('.')
  if (parts[0] === 'mid_block') {
    const rest = parts.slice(3).join('.')
    if (parts[1] === 'attentions') return `middle_block.1.${rest}`
    return `middle_block.${Number(parts[2]) * 2}.${RESNET[parts[3]!]}.${parameter}`
  }
  const [direction, level, kind, index, ...rest] = parts as [string, string, string, string, ...string[]]
  const [l, n] = [Number(level), Number(index)]
  if (kind === 'downsamplers') return `input_blocks.${3 * (l + 1)}.0.op.${parameter}`
  const block = direction === 'down_blocks' ? `input_blocks.${1 + 3 * l + n}` : `output_blocks.${3 * l + n}`
  if (kind === 'upsamplers') return `output_blocks.${3 * l + 2}.${l === 0 ? 1 : 2}.conv.${parameter}`
  if (kind === 'attentions') return `${block}.1.${rest.join('.')}`
  return `${block}.0.${RESNET[rest[0]!]}.${parameter}`
}

function ldmVaeName(name: string, levels: number): string {
  return name
    .replace(/^encoder\.down_blocks\.(\d+)\.resnets\.(\d+)/, 'encoder.down.$1.block.$2')
    .replace(/^encoder\.down_blocks\.(\d+)\.downsamplers\.0/, 'encoder.down.$1.downsample')
    .replace(
      /^decoder\.up_blocks\.(\d+)\.resnets\.(\d+)/,
      (_, l, n) => `decoder.up.${levels - 1 - Number(l)}.block.${n}`,
    )
    .replace(/^decoder\.up_blocks\.(\d+)\.upsamplers\.0/, (_, l) => `decoder.up.${levels - 1 - Number(l)}.upsample`)
    .replace(/mid_block\.resnets\.(\d)/, (_, n) => `mid.block_${Number(n) + 1}`)
    .replace(/mid_block\.attentions\.0\.group_norm/, 'mid.attn_1.norm')
    .replace(
      /mid_block\.attentions\.0\.(?:to_([qkv])|(q)uery|(k)ey|(v)alue)\./,
      (_, ...x) => `mid.attn_1.${x.find(Boolean)}.`,
    )
    .replace(/mid_block\.attentions\.0\.(?:to_out\.0|proj_attn)/, 'mid.attn_1.proj_out')
    .replace('conv_norm_out', 'norm_out')
    .replace('conv_shortcut', 'nin_shortcut')
}

/** A UNet's tensors as a whole checkpoint holds them. */
export function unetToLdm(unet: Tensors): Tensors {
  return new Map([...unet].map(([name, tensor]) => [`model.diffusion_model.${ldmUnetName(name)}`, tensor]))
}

/** An autoencoder's tensors; its attention becomes 1 x 1 convolutions. */
export function vaeToLdm(vae: Tensors, prefix = 'first_stage_model.'): Tensors {
  const levels = new Set([...vae.keys()].flatMap((name) => /^decoder\.up_blocks\.(\d+)/.exec(name)?.[1] ?? [])).size
  const entries = [...vae].map(([name, tensor]) => {
    const isMatrix = name.includes('attentions') && tensor.shape.length === 2
    return [prefix + ldmVaeName(name, levels), isMatrix ? tensor.unsqueeze(-1).unsqueeze(-1) : tensor] as const
  })
  return new Map(entries)
}

/** A text encoder's tensors as Stable Diffusion 1 holds them. */
export function clipToLdm(text: Tensors): Tensors {
  return new Map([...text].map(([name, tensor]) => [`cond_stage_model.transformer.${name}`, tensor]))
}

/** A text encoder's tensors as OpenCLIP has them, in Stable Diffusion 2: with a last layer more, which is not read. */
export function clipToOpenClip(text: Tensors): Tensors {
  const result: Tensors = new Map()
  const layers = new Set([...text.keys()].flatMap((name) => /layers\.(\d+)\./.exec(name)?.[1] ?? [])).size
  const put = (name: string, tensor: Tensor) => result.set(`cond_stage_model.model.${name}`, tensor)
  for (const [name, tensor] of text) {
    if (name.endsWith('position_ids')) continue
    const [, layer, inside] = /encoder\.layers\.(\d+)\.(.*)$/.exec(name) ?? []
    if (inside === undefined) {
      put(
        name
          .replace('text_model.embeddings.token_embedding', 'token_embedding')
          .replace('text_model.embeddings.position_embedding.weight', 'positional_embedding')
          .replace('text_model.final_layer_norm', 'ln_final'),
        tensor,
      )
      continue
    }
    const packed = /^self_attn\.([qkv])_proj\.(weight|bias)$/.exec(inside)
    const theirs = inside
      .replace('layer_norm', 'ln_')
      .replace('mlp.fc1', 'mlp.c_fc')
      .replace('mlp.fc2', 'mlp.c_proj')
      .replace('self_attn.', 'attn.')
    const places = Number(layer) === layers - 1 ? [layer!, String(layers)] : [layer!]
    for (const place of places) {
      const block = `transformer.resblocks.${place}.`
      if (packed === null) put(block + theirs, tensor)
      else if (packed[1] === 'q') {
        const parts = ['q', 'k', 'v'].map((x) => text.get(name.replace('q_proj', `${x}_proj`))!)
        put(`${block}attn.in_proj_${packed[2]}`, cat(parts))
      }
    }
  }
  return result
}
