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
import { useOneThread } from '../one-thread.ts'
import { rejectionOf } from '../thrown.ts'
import { clipToLdm, unetToLdm, vaeToLdm } from './checkpoints/to-ldm.ts'

const tokenizer = join(import.meta.dirname, '..', 'oracle', 'pipelines', 'sd15', 'tokenizer')
const work = mkdtempSync(join(tmpdir(), 'eegtorch-single-file-'))
useOneThread()
afterAll(() => rmSync(work, { recursive: true }))

const stateOf = (net: Model) => new Map(Object.entries(net.stateDict())) as Map<string, Tensor>

function makeNetworks() {
  manualSeed(2)
  const down = ['CrossAttnDownBlock2D', 'DownBlock2D']
  const up = ['UpBlock2D', 'CrossAttnUpBlock2D']
  const unet = { blockOutChannels: [64, 128], downBlockTypes: down, upBlockTypes: up, crossAttentionDim: 64 }
  const text = { vocabSize: 614, hiddenSize: 64, intermediateSize: 128, numHiddenLayers: 1, numAttentionHeads: 1 }
  const coder = {
    downBlockTypes: ['DownEncoderBlock2D', 'DownEncoderBlock2D'],
    upBlockTypes: ['UpDecoderBlock2D', 'UpDecoderBlock2D'],
  }
  return {
    unet: models.create('unet2d_condition', { ...unet, attentionHeadDim: 8, sampleSize: 64 }),
    textEncoder: models.create('clip_text', { ...text, eosTokenId: 2, hiddenAct: 'quick_gelu' }),
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
