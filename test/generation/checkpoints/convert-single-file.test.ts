import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  convertSingleFile,
  manualSeed,
  models,
  openCheckpoint,
  openSingleFile,
  StableDiffusion,
  type Tensor,
  writeSafetensors,
  writeSingleFile,
  writeTorch,
} from 'eegtorch'
import { rejectionOf } from '../../thrown.ts'
import { clipToLdm, clipToOpenClip, unetToLdm, vaeToLdm } from './to-ldm.ts'

const folder = mkdtempSync(join(tmpdir(), 'eegtorch-convert-single-'))
afterAll(() => rmSync(folder, { recursive: true }))
const at = (...parts: string[]) => join(folder, ...parts)
const tokenizer = join(import.meta.dirname, '..', '..', 'fixtures', 'generation', 'sd15-text', 'tokenizer')

const config = {
  unet: { norm_num_groups: 4, attention_head_dim: 2, sample_size: 8 },
  vae: { norm_num_groups: 4, sample_size: 16 },
  text_encoder: { num_attention_heads: 2 },
}
const networks = {
  unet: {
    ...{ block_out_channels: [8, 16], layers_per_block: 2, cross_attention_dim: 24, ...config.unet },
    ...{
      down_block_types: ['CrossAttnDownBlock2D', 'DownBlock2D'],
      up_block_types: ['UpBlock2D', 'CrossAttnUpBlock2D'],
    },
  },
  vae: {
    ...{ block_out_channels: [8, 16], layers_per_block: 2, ...config.vae },
    down_block_types: ['DownEncoderBlock2D', 'DownEncoderBlock2D'],
    up_block_types: ['UpDecoderBlock2D', 'UpDecoderBlock2D'],
  },
  text_encoder: {
    vocab_size: 614,
    hidden_size: 24,
    intermediate_size: 48,
    num_hidden_layers: 2,
    ...config.text_encoder,
  },
}
const NAMES = { unet: 'unet2d_condition', vae: 'autoencoder_kl', text_encoder: 'clip_text' } as const
const parts = {} as Record<keyof typeof networks, Map<string, Tensor>>
let whole: Map<string, Tensor>
beforeAll(async () => {
  manualSeed(4)
  for (const part of Object.keys(NAMES) as (keyof typeof NAMES)[])
    parts[part] = new Map(Object.entries(models.create(NAMES[part], networks[part] as never).stateDict()))
  whole = new Map([...unetToLdm(parts.unet), ...vaeToLdm(parts.vae), ...clipToLdm(parts.text_encoder)])
  await writeSafetensors(at('single.safetensors'), whole)
})

const bytesOf = (tensor: Tensor) => Buffer.from(tensor.contiguous().toTypedArray().buffer).toString('base64')
async function expectParts(path: string): Promise<void> {
  for (const [part, own] of Object.entries(parts)) {
    const { tensors } = openCheckpoint(join(path, part))
    const loaded = await tensors.loadAll()
    expect([...loaded.keys()].sort()).toEqual([...own.keys()].sort())
    for (const [name, tensor] of own) {
      expect([name, loaded.get(name)!.shape]).toEqual([name, tensor.shape])
      expect([name, loaded.get(name)!.equal(tensor)]).toEqual([name, true])
    }
  }
}

test('a Stable Diffusion in one file becomes a folder with the same bytes that draws', async () => {
  const written = await convertSingleFile(at('single.safetensors'), at('folder'), { tokenizer, config })
  expect(written).toMatchObject({ family: 'stable-diffusion-1', parts: { unet: parts.unet.size } })
  await expectParts(at('folder'))
  const stored = await openCheckpoint(at('folder', 'unet')).tensors.load('conv_in.weight')
  expect(bytesOf(stored)).toBe(bytesOf(parts.unet.get('conv_in.weight')!))
  expect(readdirSync(at('folder')).sort()).toEqual([
    'model_index.json',
    'scheduler',
    'text_encoder',
    'tokenizer',
    'unet',
    'vae',
  ])
  using diffusion = await StableDiffusion.load(at('folder'))
  const images = await diffusion.generate(['a photo of a dog'], { steps: 1, height: 16, width: 16 }).images()
  expect(images.shape).toEqual([1, 16, 16, 3])
})

test('large parts are cut into files, and a variant is stored in half precision under its name', async () => {
  await writeTorch(at('single.ckpt'), { state_dict: whole })
  const largest = 4e4
  await convertSingleFile(at('single.ckpt'), at('half'), { tokenizer, config, variant: 'fp16', maxShardBytes: largest })
  const files = readdirSync(at('half', 'unet'))
  expect(files).toContain('diffusion_pytorch_model.safetensors.index.fp16.json')
  expect(files.filter((name) => /^diffusion_pytorch_model\.fp16-\d{5}-of-\d{5}\.safetensors$/.test(name)).length).toBe(
    files.length - 2,
  )
  for (const name of files.filter((file) => file.endsWith('.safetensors')))
    expect(readFileSync(at('half', 'unet', name)).length).toBeLessThan(2 * largest)
  const { tensors } = openCheckpoint(at('half', 'unet'), { variant: 'fp16' })
  const loaded = await tensors.loadAll()
  for (const [name, tensor] of parts.unet)
    expect([name, loaded.get(name)!.equal(tensor.to({ dtype: 'float16' }))]).toEqual([name, true])
})

test('without a tokenizer, with a network that does not fit, or onto what is there, nothing is written', async () => {
  const alone = (await rejectionOf(convertSingleFile(at('single.safetensors'), at('none'), { config }))) as Error
  expect(alone.message).toMatch(/holds no tokenizer.*vocab\.json/s)
  const fewer = new Map([...whole].filter(([name]) => !name.endsWith('middle_block.0.in_layers.2.weight')))
  await writeSafetensors(at('fewer.safetensors'), fewer)
  const error = await rejectionOf(convertSingleFile(at('fewer.safetensors'), at('none'), { tokenizer, config }))
  expect((error as Error & { code: string }).code).toBe('CHECKPOINT_MISMATCH')
  expect(existsSync(at('none'))).toBe(false)
  await rejectionOf(convertSingleFile(at('single.safetensors'), folder, { tokenizer, config }))
})

test('an autoencoder alone becomes a folder of its own', async () => {
  await writeSafetensors(at('vae.safetensors'), vaeToLdm(parts.vae, ''))
  await convertSingleFile(at('vae.safetensors'), at('vae'), { config })
  expect(readdirSync(at('vae')).sort()).toEqual(['config.json', 'diffusion_pytorch_model.safetensors'])
  const loaded = await openCheckpoint(at('vae')).tensors.loadAll()
  for (const [name, tensor] of parts.vae) expect([name, loaded.get(name)!.equal(tensor)]).toEqual([name, true])
})

test.each(['stable-diffusion-1', 'stable-diffusion-2'] as const)(
  'a %s in one file, taken apart and put together again, is the same file byte for byte',
  async (family) => {
    const text = family === 'stable-diffusion-1' ? clipToLdm : clipToOpenClip
    const tensors = new Map([...unetToLdm(parts.unet), ...vaeToLdm(parts.vae), ...text(parts.text_encoder)])
    const file = at(`${family}.safetensors`)
    await writeSafetensors(file, tensors)
    await convertSingleFile(file, at(family), { tokenizer, config, maxShardBytes: 4e4 })
    const written = await writeSingleFile(at(family), at(`${family}-again.safetensors`))
    expect(written.family).toBe(family)
    expect(readFileSync(written.target).equals(readFileSync(file))).toBe(true)
    const again = openSingleFile(written.target, { config: written.untold })
    for (const [name, { metadata }] of openSingleFile(file, { config }).parts)
      expect(models.create(NAMES[name], again.parts.get(name)!.metadata.config as never).config).toEqual(
        models.create(NAMES[name], metadata.config as never).config,
      )
  },
)

test('a folder in half precision becomes a file in it, or in float32 where asked; what the file cannot tell is named', async () => {
  await convertSingleFile(at('single.safetensors'), at('fp16'), { tokenizer, config, variant: 'fp16' })
  const kept = await writeSingleFile(at('fp16'), at('fp16.safetensors'), { variant: 'fp16' })
  const widened = await writeSingleFile(at('fp16'), at('fp32.safetensors'), { dtype: 'float32' })
  expect(widened.bytes).toBe(2 * kept.bytes)
  const [half, full] = [
    await openCheckpoint(kept.target).tensors.loadAll(),
    await openCheckpoint(widened.target).tensors.loadAll(),
  ]
  expect([...half.keys()].sort()).toEqual([...whole.keys()].sort())
  for (const [name, tensor] of whole) {
    const rounded = tensor.to({ dtype: 'float16' })
    expect([name, half.get(name)!.equal(rounded), full.get(name)!.equal(rounded.to({ dtype: 'float32' }))]).toEqual([
      name,
      true,
      true,
    ])
  }
  expect(kept.untold.unet).toEqual({ attention_head_dim: 2, norm_num_groups: 4, sample_size: 8 })
  expect(kept.untold.vae).toEqual({ norm_num_groups: 4, sample_size: 16 })
  expect(kept.untold.text_encoder).toEqual({ num_attention_heads: 2 })
  expect(kept.untold.scheduler).toBeUndefined()
  await rejectionOf(writeSingleFile(at('fp16'), at('fp16.safetensors')))
})

test('a scheduler that is not the family’s is told, an autoencoder goes alone, and a network without names is refused', async () => {
  const config2 = JSON.parse(readFileSync(at('folder', 'scheduler', 'scheduler_config.json'), 'utf8'))
  writeFileSync(
    at('folder', 'scheduler', 'scheduler_config.json'),
    JSON.stringify({ ...config2, prediction_type: 'v_prediction' }),
  )
  const { untold, target } = await writeSingleFile(at('folder'), at('v.safetensors'))
  expect(untold.scheduler).toEqual({ prediction_type: 'v_prediction' })
  expect(openSingleFile(target, { config: untold }).scheduler).toMatchObject({ prediction_type: 'v_prediction' })
  await writeSingleFile(at('folder', 'vae'), at('vae-alone.safetensors'))
  await writeSafetensors(at('vae-expected.safetensors'), vaeToLdm(parts.vae, ''))
  expect(readFileSync(at('vae-alone.safetensors')).equals(readFileSync(at('vae-expected.safetensors')))).toBe(true)
  const deeper = { ...networks.unet, layers_per_block: [1, 2] }
  const net = models.create('unet2d_condition', deeper as never)
  await convertSingleFile(at('single.safetensors'), at('deeper'), { tokenizer, config })
  await writeSafetensors(at('deeper', 'unet', 'diffusion_pytorch_model.safetensors'), net.stateDict())
  writeFileSync(
    at('deeper', 'unet', 'config.json'),
    JSON.stringify({ _class_name: 'UNet2DConditionModel', ...net.referenceConfig }),
  )
  const error = await rejectionOf(writeSingleFile(at('deeper'), at('deeper.safetensors')))
  expect([error.code, error.message]).toEqual([
    'CHECKPOINT_MISMATCH',
    expect.stringMatching(/no name for some of the unet.*down_blocks/),
  ])
  expect(existsSync(at('deeper.safetensors'))).toBe(false)
})
