import { countModules, type NameRule } from '../../checkpoints/name-rules.ts'
import { residualBlock, residualBlocks, TEXT_ENDS, TEXT_LAYERS } from '../clip/open-clip-names.ts'

// Names of the networks in files of latent diffusion (Rombach et al. 2022), to those of diffusers and transformers. How many blocks there are the
// names of either side tell; the rules between them are the same.

/** A part of a whole checkpoint. */
export interface LdmPart {
  /** Before its names in the file. */
  readonly prefix: string
  /** @param names the file's, without the prefix */
  rulesOfFile(names: readonly string[]): NameRule[]
  /** @param names the network's */
  rulesOfNetwork(names: readonly string[]): NameRule[]
}

const UNET_RESNET: readonly (readonly [string, string])[] = [
  ['in_layers.0', 'norm1'],
  ['in_layers.2', 'conv1'],
  ['emb_layers.1', 'time_emb_proj'],
  ['out_layers.0', 'norm2'],
  ['out_layers.3', 'conv2'],
  ['skip_connection', 'conv_shortcut'],
]
const UNET_ENDS: readonly NameRule[] = [
  ['time_embed.0', 'time_embedding.linear_1'],
  ['time_embed.2', 'time_embedding.linear_2'],
  ['input_blocks.0.0', 'conv_in'],
  ['out.0', 'conv_norm_out'],
  ['out.2', 'conv_out'],
]

interface UnetLevels {
  levels: number
  /** Residual blocks of a level on the way down; on the way up it has one more. */
  layers: number
  /** Whether a level on the way up has attention: its upsampler then comes third in its block, else second. */
  attends: (level: number) => boolean
}

function unetRules({ levels, layers, attends }: UnetLevels): NameRule[] {
  const perLevel = layers + 1
  const rules: NameRule[] = [
    ...UNET_ENDS,
    ...unetResnet('middle_block.0', 'mid_block.resnets.0'),
    ['middle_block.1', 'mid_block.attentions.0'],
    ...unetResnet('middle_block.2', 'mid_block.resnets.1'),
  ]
  for (let level = 0; level < levels; level++) {
    const [down, up] = [`down_blocks.${level}`, `up_blocks.${level}`]
    for (let n = 0; n < layers; n++) rules.push(...unetBlock(`input_blocks.${1 + level * perLevel + n}`, down, n))
    for (let n = 0; n < perLevel; n++) rules.push(...unetBlock(`output_blocks.${level * perLevel + n}`, up, n))
    if (level === levels - 1) continue
    const last = `output_blocks.${level * perLevel + layers}`
    rules.push([`input_blocks.${(level + 1) * perLevel}.0.op`, `${down}.downsamplers.0.conv`])
    rules.push([`${last}.${attends(level) ? 2 : 1}.conv`, `${up}.upsamplers.0.conv`])
  }
  return rules
}

function unetBlock(file: string, level: string, n: number): NameRule[] {
  return [...unetResnet(`${file}.0`, `${level}.resnets.${n}`), [`${file}.1`, `${level}.attentions.${n}`]]
}

function unetResnet(file: string, own: string): NameRule[] {
  return UNET_RESNET.map(([theirs, ours]) => [`${file}.${theirs}`, `${own}.${ours}`])
}

const unet: LdmPart = {
  prefix: 'model.diffusion_model.',
  rulesOfFile(names) {
    const known = new Set(names)
    const blocks = countModules(names, 'input_blocks.')
    let perLevel = 1
    // the last block of a level halves the resolution; where there is but one level, none does
    while (perLevel < blocks && !known.has(`input_blocks.${perLevel}.0.op.weight`)) perLevel++
    const attends = (level: number) => known.has(`output_blocks.${level * perLevel}.1.norm.weight`)
    return unetRules({ levels: Math.ceil((blocks - 1) / perLevel), layers: perLevel - 1, attends })
  },
  rulesOfNetwork(names) {
    const known = new Set(names)
    return unetRules({
      levels: countModules(names, 'down_blocks.'),
      layers: countModules(names, 'down_blocks.0.resnets.'),
      attends: (level) => known.has(`up_blocks.${level}.attentions.0.norm.weight`),
    })
  },
}

const VAE_RESNET = ['norm1', 'conv1', 'norm2', 'conv2'] as const

/** Its attention is 1 x 1 convolutions in the file, and linear in diffusers; the decoder's levels are counted from the other end. */
function vaeRules(levels: number, layers: number): NameRule[] {
  const rules: NameRule[] = ['quant_conv', 'post_quant_conv'].map((name) => [name, name])
  for (const half of ['encoder', 'decoder']) {
    const mid = `${half}.mid_block`
    rules.push(
      ...['conv_in', 'conv_out'].map((name): NameRule => [`${half}.${name}`, `${half}.${name}`]),
      [`${half}.norm_out`, `${half}.conv_norm_out`],
      ...[0, 1].flatMap((n) => vaeResnet(`${half}.mid.block_${n + 1}`, `${mid}.resnets.${n}`)),
      [`${half}.mid.attn_1.norm`, `${mid}.attentions.0.group_norm`],
      ...['q', 'k', 'v'].map((x): NameRule => [`${half}.mid.attn_1.${x}`, `${mid}.attentions.0.to_${x}`, 'kernel']),
      [`${half}.mid.attn_1.proj_out`, `${mid}.attentions.0.to_out.0`, 'kernel'],
    )
  }
  for (let level = 0; level < levels; level++) {
    const [down, up] = [`encoder.down.${level}`, `decoder.up.${levels - 1 - level}`]
    const [ownDown, ownUp] = [`encoder.down_blocks.${level}`, `decoder.up_blocks.${level}`]
    for (let n = 0; n < layers; n++) rules.push(...vaeResnet(`${down}.block.${n}`, `${ownDown}.resnets.${n}`))
    for (let n = 0; n <= layers; n++) rules.push(...vaeResnet(`${up}.block.${n}`, `${ownUp}.resnets.${n}`))
    rules.push([`${down}.downsample`, `${ownDown}.downsamplers.0`], [`${up}.upsample`, `${ownUp}.upsamplers.0`])
  }
  return rules
}

function vaeResnet(file: string, own: string): NameRule[] {
  return [
    ...VAE_RESNET.map((name): NameRule => [`${file}.${name}`, `${own}.${name}`]),
    [`${file}.nin_shortcut`, `${own}.conv_shortcut`],
  ]
}

const vae: LdmPart = {
  prefix: 'first_stage_model.',
  rulesOfFile: (names) => vaeRules(countModules(names, 'encoder.down.'), countModules(names, 'encoder.down.0.block.')),
  rulesOfNetwork: (names) =>
    vaeRules(countModules(names, 'encoder.down_blocks.'), countModules(names, 'encoder.down_blocks.0.resnets.')),
}

/** CLIP's text encoder by transformers' names: Stable Diffusion 1. */
const clip: LdmPart = {
  prefix: 'cond_stage_model.transformer.',
  rulesOfFile: () => [['text_model', 'text_model']],
  rulesOfNetwork: () => [['text_model', 'text_model']],
}

/**
 * CLIP's text encoder by OpenCLIP's names: Stable Diffusion 2. It reads the last layer but one, and the network ends with that: the file's last layer
 * is left out, and in its place goes a copy of the one before, for readers that count layers.
 */
const openClip: LdmPart = {
  prefix: 'cond_stage_model.model.',
  rulesOfFile(names) {
    const used = countModules(names, `${TEXT_LAYERS.file}.`) - 1
    return [...openClipRules(used), [`${TEXT_LAYERS.file}.${used}`, []]]
  },
  rulesOfNetwork(names) {
    const count = countModules(names, `${TEXT_LAYERS.own}.`)
    return [
      ...openClipRules(count),
      ...residualBlock(`${TEXT_LAYERS.file}.${count}`, `${TEXT_LAYERS.own}.${count - 1}`),
    ]
  },
}

function openClipRules(layers: number): NameRule[] {
  return [...TEXT_ENDS, ...residualBlocks(TEXT_LAYERS.file, TEXT_LAYERS.own, Math.max(0, layers))]
}

/** The parts of a whole checkpoint; it has one of the text encoders. */
export const LDM_PARTS = { unet, vae, clip, openClip } as const
