import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  loadTokenizer,
  type Model,
  manualSeed,
  models,
  StableDiffusion,
  schedulers,
  type Tensor,
  VaeCodec,
  writeSafetensors,
} from 'eegtorch'
import { runNode } from '../built.ts'
import { useOneThread } from '../one-thread.ts'
import { rejectionOf } from '../thrown.ts'
import { clipToLdm, clipToOpenClip, unetToLdm, vaeToLdm } from './checkpoints/to-ldm.ts'

const tokenizer = join(import.meta.dirname, '..', 'oracle', 'pipelines', 'sd15', 'tokenizer')
const work = mkdtempSync(join(tmpdir(), 'eegtorch-single-file-'))
useOneThread()
afterAll(() => rmSync(work, { recursive: true }))

const stateOf = (net: Model) => new Map(Object.entries(net.stateDict())) as Map<string, Tensor>

/** @param family 2 has heads of 64, linear projections and another activation */
function makeNetworks(family: 1 | 2 = 1) {
  manualSeed(2)
  const heads = family === 1 ? 8 : [1, 2]
  const second = family === 2 && { useLinearProjection: true, upcastAttention: true }
  const down = ['CrossAttnDownBlock2D', 'DownBlock2D']
  const up = ['UpBlock2D', 'CrossAttnUpBlock2D']
  const unet = { blockOutChannels: [64, 128], downBlockTypes: down, upBlockTypes: up, crossAttentionDim: 64 }
  const text = { vocabSize: 614, hiddenSize: 64, intermediateSize: 128, numHiddenLayers: 2, numAttentionHeads: 1 }
  const coder = {
    downBlockTypes: ['DownEncoderBlock2D', 'DownEncoderBlock2D'],
    upBlockTypes: ['UpDecoderBlock2D', 'UpDecoderBlock2D'],
  }
  return {
    unet: models.create('unet2d_condition', { ...unet, ...second, attentionHeadDim: heads, sampleSize: 64 }),
    textEncoder: models.create('clip_text', {
      ...text,
      eosTokenId: 2,
      hiddenAct: family === 1 ? 'quick_gelu' : 'gelu',
    }),
    vae: models.create('autoencoder_kl', { ...coder, blockOutChannels: [32, 64], layersPerBlock: 2 }),
  }
}

test('Stable Diffusion in a single file draws what its parts draw; its tokenizer comes from elsewhere', async () => {
  const { unet, textEncoder, vae } = makeNetworks()
  const path = join(work, 'v1-5.safetensors')
  const parts = [unetToLdm(stateOf(unet)), vaeToLdm(stateOf(vae)), clipToLdm(stateOf(textEncoder))]
  await writeSafetensors(path, new Map(parts.flatMap((part) => [...part])))
  const shared = { betaStart: 0.00085, betaEnd: 0.012, betaSchedule: 'scaled_linear' as const, stepsOffset: 1 }
  using whole = new StableDiffusion({
    ...{ unet, textEncoder, codec: new VaeCodec(vae), tokenizer: await loadTokenizer(tokenizer) },
    scheduler: schedulers.pndm({ ...shared, skipPrkSteps: true, setAlphaToOne: false }),
  })
  const options = { steps: 2, seed: 3, height: 16, width: 16 }
  using expected = await whole.generate(['a dog'], options).images()
  using single = await StableDiffusion.load(path, { tokenizer })
  using images = await single.generate(['a dog'], options).images()
  expect(images.shape).toEqual([1, 16, 16, 3])
  expect(images.sub(expected).abs().max().item()).toBeLessThan(1e-6)
  expect((await rejectionOf(StableDiffusion.load(path))).option).toBe('tokenizer')
  const alone = join(work, 'vae.safetensors')
  await writeSafetensors(alone, vaeToLdm(stateOf(vae), ''))
  expect((await rejectionOf(StableDiffusion.load(alone, { tokenizer }))).message).toMatch(/lacks a part/)
})

test('a base model of Stable Diffusion 2 in a single file draws what it should once it is said what it predicts', async () => {
  const { unet, textEncoder, vae } = makeNetworks(2)
  const path = join(work, 'v2-base.safetensors')
  const parts = [unetToLdm(stateOf(unet)), vaeToLdm(stateOf(vae)), clipToOpenClip(stateOf(textEncoder))]
  await writeSafetensors(path, new Map(parts.flatMap((part) => [...part])))
  const shared = { betaStart: 0.00085, betaEnd: 0.012, betaSchedule: 'scaled_linear' as const, stepsOffset: 1 }
  const options = { steps: 2, seed: 3, height: 16, width: 16 }
  const words = await loadTokenizer(tokenizer, { padToken: '!' })
  expect(words.padId).not.toBe(words.eosId) // which the folder says
  for (const predictionType of ['epsilon', 'v_prediction'] as const) {
    const scheduler = schedulers.ddim({ ...shared, predictionType, clipSample: false, setAlphaToOne: false })
    const whole = new StableDiffusion({ unet, textEncoder, codec: new VaeCodec(vae), tokenizer: words, scheduler })
    using expected = await whole.generate(['a dog'], options).images()
    const said = predictionType === 'epsilon' ? { predictionType } : {}
    using single = await StableDiffusion.load(path, { tokenizer, ...said })
    using images = await single.generate(['a dog'], options).images()
    expect([predictionType, images.sub(expected).abs().max().item()]).toEqual([predictionType, expect.closeTo(0, 6)])
  }
  const main = join(import.meta.dirname, '..', '..', 'dist', 'cli', 'main.js')
  const generate = [main, 'generate', '--pipeline', 'prompt', '--diffusion', path, '--tokenizer', tokenizer]
  const draw = (out: string, ...more: string[]) => {
    const sizes = ['--steps', '1', '--height', '16', '--width', '16', '--threads', '1']
    return runNode([...generate, '--prompts', 'a dog', ...sizes, '--out', join(work, out), '--json', ...more])
  }
  const assumed = await draw('assumed')
  expect(assumed.stderr).toMatch(/v2-base\.safetensors does not say what its UNet predicts, v_prediction is assumed/)
  expect(JSON.parse(assumed.stdout).predictionType).toBe('v_prediction')
  const said = await draw('said', '--prediction-type', 'epsilon')
  expect([said.stderr, JSON.parse(said.stdout).predictionType]).toEqual(['', 'epsilon'])
})
