import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { full, openSingleFile, type Tensor, writeSafetensors, writeTorch } from 'eegtorch'
import { errorOf } from '../../thrown.ts'
import { clipToLdm, clipToOpenClip, unetToLdm, vaeToLdm } from './to-ldm.ts'

const folder = mkdtempSync(join(tmpdir(), 'eegtorch-single-file-'))
afterAll(() => rmSync(folder, { recursive: true }))

let count = 0
/** A weight and a bias, each of numbers that no other tensor has. */
const layer = (name: string, shape: number[]): [string, Tensor][] => [
  [`${name}.weight`, full(shape, ++count)],
  [`${name}.bias`, full([shape[0]!], ++count)],
]
const named = (names: Record<string, number[]>, prefix = '') =>
  Object.entries(names).flatMap(([name, shape]) => layer(prefix + name, shape))
const resnet = (prefix: string, width: number, more: Record<string, number[]>) =>
  named({ norm1: [width], conv1: [width, 2, 3, 3], norm2: [width], conv2: [width, width, 3, 3], ...more }, `${prefix}.`)

// Widths 64 and 128, two blocks each on the way down and three on the way up, attention in the first level: the names of diffusers.
function unet(isLinear: boolean): Map<string, Tensor> {
  const widths = [64, 128]
  const inside = isLinear ? [128, 128] : [128, 128, 1, 1]
  const attention = (prefix: string): [string, Tensor][] => [
    ...named(
      { norm: [128], proj_in: inside, 'transformer_blocks.0.attn2.to_k': [128, 24], proj_out: inside },
      `${prefix}.`,
    ),
  ]
  const block = (prefix: string, level: number) =>
    resnet(prefix, widths[level]!, { time_emb_proj: [widths[level]!, 8], conv_shortcut: [widths[level]!, 2, 1, 1] })
  return new Map([
    ...named({ conv_in: [64, 4, 3, 3], conv_out: [4, 64, 3, 3], conv_norm_out: [64] }),
    ...named({ 'time_embedding.linear_1': [8, 8], 'time_embedding.linear_2': [8, 8] }),
    ...widths.flatMap((_, l) => [0, 1].flatMap((n) => block(`down_blocks.${l}.resnets.${n}`, l))),
    ...[0, 1].flatMap((n) => attention(`down_blocks.0.attentions.${n}`)),
    ...layer('down_blocks.0.downsamplers.0.conv', [64, 64, 3, 3]),
    ...[0, 1].flatMap((n) => block(`mid_block.resnets.${n}`, 1)),
    ...attention('mid_block.attentions.0'),
    ...widths.flatMap((_, l) => [0, 1, 2].flatMap((n) => block(`up_blocks.${l}.resnets.${n}`, 1 - l))),
    ...[0, 1, 2].flatMap((n) => attention(`up_blocks.1.attentions.${n}`)),
    ...layer('up_blocks.0.upsamplers.0.conv', [128, 128, 3, 3]),
  ])
}

function vae(): Map<string, Tensor> {
  const widths = [8, 16]
  const half = (side: string, blocks: string, perLevel: number[]) => [
    ...widths.flatMap((_, l) => perLevel.flatMap((n) => resnet(`${side}.${blocks}.${l}.resnets.${n}`, widths[l]!, {}))),
    ...[0, 1].flatMap((n) => resnet(`${side}.mid_block.resnets.${n}`, 16, { conv_shortcut: [16, 2, 1, 1] })),
    ...named(
      { group_norm: [16], to_q: [16, 16], to_k: [16, 16], to_v: [16, 16], 'to_out.0': [16, 16] },
      `${side}.mid_block.attentions.0.`,
    ),
    ...named({ conv_norm_out: [8] }, `${side}.`),
  ]
  return new Map([
    ...half('encoder', 'down_blocks', [0, 1]),
    ...half('decoder', 'up_blocks', [0, 1, 2]),
    ...named({ 'encoder.conv_in': [8, 3, 3, 3], 'encoder.conv_out': [8, 16, 3, 3] }),
    ...named({ 'decoder.conv_in': [16, 4, 3, 3], 'decoder.conv_out': [3, 8, 3, 3] }),
    ...layer('encoder.down_blocks.0.downsamplers.0.conv', [8, 8, 3, 3]),
    ...layer('decoder.up_blocks.0.upsamplers.0.conv', [16, 16, 3, 3]),
    ...named({ quant_conv: [8, 8, 1, 1], post_quant_conv: [4, 4, 1, 1] }),
  ])
}

function text(): Map<string, Tensor> {
  const block = (n: number) =>
    named(
      {
        ...{ layer_norm1: [64], layer_norm2: [64], 'mlp.fc1': [256, 64], 'mlp.fc2': [64, 256] },
        ...{ 'self_attn.q_proj': [64, 64], 'self_attn.k_proj': [64, 64], 'self_attn.v_proj': [64, 64] },
        'self_attn.out_proj': [64, 64],
      },
      `text_model.encoder.layers.${n}.`,
    )
  return new Map([
    ['text_model.embeddings.token_embedding.weight', full([20, 64], ++count)],
    ['text_model.embeddings.position_embedding.weight', full([7, 64], ++count)],
    ...[0, 1].flatMap(block),
    ...named({ final_layer_norm: [64] }, 'text_model.'),
  ])
}

async function expectSame(
  single: ReturnType<typeof openSingleFile>,
  part: 'unet' | 'vae' | 'text_encoder',
  own: Map<string, Tensor>,
) {
  const loaded = await single.parts.get(part)!.tensors.loadAll()
  expect([...loaded.keys()].sort()).toEqual([...own.keys()].sort())
  for (const [name, tensor] of own) {
    expect([name, loaded.get(name)!.shape, loaded.get(name)!.equal(tensor)]).toEqual([name, tensor.shape, true])
  }
}

// The inverse mapping was held against diffusers 0.42.1's own conversion, tensor by tensor, on whole tiny pipelines.
test.each(['safetensors', 'ckpt'])(
  'a %s file of Stable Diffusion 1 is taken apart by diffusers’ names',
  async (ending) => {
    const parts = { unet: unet(false), vae: vae(), text_encoder: text() }
    const path = join(folder, `first.${ending}`)
    const whole = new Map([...unetToLdm(parts.unet), ...vaeToLdm(parts.vae), ...clipToLdm(parts.text_encoder)])
    whole.set('model_ema.decay', full([], 1)).set('first_stage_model.loss.logvar', full([], 1))
    if (ending === 'ckpt') await writeTorch(path, { state_dict: whole, global_step: 7 })
    else await writeSafetensors(path, whole)
    const single = openSingleFile(path)
    for (const [part, own] of Object.entries(parts)) await expectSame(single, part as keyof typeof parts, own)
    expect([single.family, single.scheduler?.prediction_type]).toEqual(['stable-diffusion-1', 'epsilon'])
    expect(single.parts.get('unet')!.metadata).toMatchObject({
      model: 'unet2d_condition',
      config: {
        block_out_channels: [64, 128],
        layers_per_block: 2,
        cross_attention_dim: 24,
        attention_head_dim: 8,
        use_linear_projection: false,
        down_block_types: ['CrossAttnDownBlock2D', 'DownBlock2D'],
        up_block_types: ['UpBlock2D', 'CrossAttnUpBlock2D'],
      },
    })
    expect(single.parts.get('text_encoder')!.metadata.config).toMatchObject({
      num_hidden_layers: 2,
      hidden_act: 'quick_gelu',
    })
  },
)

test('Stable Diffusion 2 has linear projections, and OpenCLIP’s packed attention without its last layer', async () => {
  const parts = { unet: unet(true), vae: vae(), text_encoder: text() }
  const path = join(folder, 'second.safetensors')
  await writeSafetensors(
    path,
    new Map([
      ...unetToLdm(parts.unet),
      ...vaeToLdm(parts.vae),
      ...clipToOpenClip(parts.text_encoder),
      ['cond_stage_model.model.logit_scale', full([], 1)],
    ]),
  )
  const single = openSingleFile(path, { config: { unet: { attention_head_dim: [1, 1] } } })
  for (const [part, own] of Object.entries(parts)) await expectSame(single, part as keyof typeof parts, own)
  expect(single.scheduler?.prediction_type).toBe('v_prediction')
  expect(single.parts.get('unet')!.metadata.config).toMatchObject({
    use_linear_projection: true,
    attention_head_dim: [1, 1],
  })
  expect(single.parts.get('text_encoder')!.metadata.config).toMatchObject({ num_hidden_layers: 2, hidden_act: 'gelu' })
})

test('an autoencoder alone is read too, and a name that nothing knows stays to be refused', async () => {
  const own = vae()
  const path = join(folder, 'vae.safetensors')
  await writeSafetensors(path, vaeToLdm(own, ''))
  const single = openSingleFile(path)
  expect([...single.parts.keys()]).toEqual(['vae'])
  await expectSame(single, 'vae', own)
  await writeSafetensors(path, new Map([...vaeToLdm(own, ''), ['encoder.surplus.weight', full([1], 1)]]))
  expect(openSingleFile(path).parts.get('vae')!.tensors.names).toContain('encoder.surplus.weight')
})

test('another family, and a file without a UNet’s first tensor, are refused with its name', async () => {
  const path = join(folder, 'other.safetensors')
  await writeSafetensors(path, { 'conditioner.embedders.0.x': full([1], 1) })
  expect(errorOf(() => openSingleFile(path))).toMatchObject({
    code: 'FILE_UNSUPPORTED',
    file: path,
    received: 'Stable Diffusion XL',
  })
  const broken = unetToLdm(unet(false))
  broken.delete('model.diffusion_model.input_blocks.0.0.weight')
  await writeSafetensors(path, new Map([...broken, ...vaeToLdm(vae()), ...clipToLdm(text())]))
  expect(errorOf(() => openSingleFile(path))).toMatchObject({
    code: 'CHECKPOINT_MISMATCH',
    expected: expect.stringMatching(/conv_in/),
  })
})
