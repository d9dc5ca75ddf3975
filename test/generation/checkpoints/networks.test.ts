import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  loadCheckpoint,
  type Model,
  models,
  ones,
  openSingleFile,
  type Tensor,
  writeSafetensors,
  writeTorch,
} from 'eegtorch'
import { rejectionOf } from '../../thrown.ts'
import { unetToLdm, vaeToLdm } from './to-ldm.ts'

const root = mkdtempSync(join(tmpdir(), 'eegtorch-published-networks-'))
afterAll(() => rmSync(root, { recursive: true }))

const unetConfig = {
  ...{ block_out_channels: [8, 16, 16], norm_num_groups: 4, cross_attention_dim: 12, attention_head_dim: 2 },
  down_block_types: ['CrossAttnDownBlock2D', 'CrossAttnDownBlock2D', 'DownBlock2D'],
  up_block_types: ['UpBlock2D', 'CrossAttnUpBlock2D', 'CrossAttnUpBlock2D'],
}
const vaeConfig = {
  ...{ block_out_channels: [8, 16], norm_num_groups: 4, layers_per_block: 2 },
  down_block_types: ['DownEncoderBlock2D', 'DownEncoderBlock2D'],
  up_block_types: ['UpDecoderBlock2D', 'UpDecoderBlock2D'],
}
const unet = () => models.create('unet2d_condition', unetConfig)
const vae = () => models.create('autoencoder_kl', vaeConfig)
const stateOf = (net: Model) => new Map(Object.entries(net.stateDict()))

function folderOf(name: string, config: object): string {
  const folder = join(root, name)
  mkdirSync(folder)
  writeFileSync(join(folder, 'config.json'), JSON.stringify({ _diffusers_version: '0.42.1', ...config }))
  return folder
}

function expectSame(back: Model, state: ReadonlyMap<string, Tensor>): void {
  for (const [name, own] of Object.entries(back.stateDict()))
    expect([name, own.equal(state.get(name)!)]).toEqual([name, true])
}

test('a UNet of diffusers in shards, and in half precision, is loaded by its class', async () => {
  using net = unet()
  const state = stateOf(net)
  const folder = folderOf('unet', { _class_name: 'UNet2DConditionModel', ...net.referenceConfig })
  const names = [...state.keys()]
  const half = Math.floor(names.length / 2)
  const shards = [names.slice(0, half), names.slice(half)].map((part, i) => ({
    part,
    file: `diffusion_pytorch_model-0000${i + 1}-of-00002.safetensors`,
  }))
  for (const { part, file } of shards)
    await writeSafetensors(join(folder, file), new Map(part.map((name) => [name, state.get(name)!])))
  const map = Object.fromEntries(shards.flatMap(({ part, file }) => part.map((name) => [name, file])))
  writeFileSync(join(folder, 'diffusion_pytorch_model.safetensors.index.json'), JSON.stringify({ weight_map: map }))
  const inHalf = new Map([...state].map(([name, tensor]) => [name, tensor.to({ dtype: 'float16' })]))
  await writeSafetensors(join(folder, 'diffusion_pytorch_model.fp16.safetensors'), inHalf)
  using back = await models.load(folder)
  expect([back.name, back.referenceConfig]).toEqual(['unet2d_condition', net.referenceConfig])
  expectSame(back, state)
  using narrow = await models.load(folder, { variant: 'fp16', dtype: 'float16' })
  expectSame(narrow, inHalf)
})

test('an autoencoder on its own, pickled and with the names of older releases, is the same', async () => {
  using net = vae()
  const state = stateOf(net)
  const folder = folderOf('vae', { _class_name: 'AutoencoderKL', ...vaeConfig })
  const older = (name: string) =>
    name
      .replace('.to_q.', '.query.')
      .replace('.to_k.', '.key.')
      .replace('.to_v.', '.value.')
      .replace('.to_out.0.', '.proj_attn.')
  await writeTorch(
    join(folder, 'diffusion_pytorch_model.bin'),
    new Map([...state].map(([name, tensor]) => [older(name), tensor])),
  )
  using back = await models.load(folder)
  expectSame(back, state)
})

test('a config of other sizes, and one of another network, are told with the file', async () => {
  using net = vae()
  const folder = folderOf('other', { _class_name: 'AutoencoderKL', ...vaeConfig, latent_channels: 6 })
  await writeSafetensors(join(folder, 'diffusion_pytorch_model.safetensors'), net.stateDict())
  expect(await rejectionOf(models.load(folder))).toMatchObject({
    code: 'CHECKPOINT_MISMATCH',
    file: folder,
    message: expect.stringMatching(/do not fit autoencoder_kl: other shape/),
  })
  expect(await rejectionOf(models.load(folder, { model: 'unet2d_condition' }))).toMatchObject({
    message: expect.stringMatching(/expected unet2d_condition, received AutoencoderKL/),
  })
  writeFileSync(join(folder, 'config.json'), JSON.stringify({ _class_name: 'UNet2DConditionModel', ...unetConfig }))
  expect((await rejectionOf(models.load(folder))).message).toMatch(/do not fit unet2d_condition: missing/)
})

test('the parts of one file become networks', async () => {
  using net = unet()
  using coder = vae()
  const text: [string, number[]][] = [
    ['embeddings.token_embedding.weight', [9, 64]],
    ['embeddings.position_embedding.weight', [7, 64]],
    ['encoder.layers.0.layer_norm1.weight', [64]],
    ['encoder.layers.0.mlp.fc1.weight', [128, 64]],
  ]
  const path = join(root, 'whole.safetensors')
  await writeSafetensors(
    path,
    new Map([
      ...unetToLdm(stateOf(net)),
      ...vaeToLdm(stateOf(coder)),
      ...text.map(([name, shape]) => [`cond_stage_model.transformer.text_model.${name}`, ones(shape)] as const),
    ]),
  )
  const config = { unet: { norm_num_groups: 4, attention_head_dim: 2 }, vae: { norm_num_groups: 4 } }
  const { parts } = openSingleFile(path, { config })
  using first = await loadCheckpoint(parts.get('unet')!)
  expect([first.name, first.referenceConfig]).toEqual(['unet2d_condition', { ...net.referenceConfig, sample_size: 64 }])
  expectSame(first, stateOf(net))
  using second = await loadCheckpoint(parts.get('vae')!, { dtype: 'float64' })
  expectSame(second, new Map([...stateOf(coder)].map(([name, tensor]) => [name, tensor.to({ dtype: 'float64' })])))
})
