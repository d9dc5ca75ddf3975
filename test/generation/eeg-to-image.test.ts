import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import {
  EegPrompter,
  EegToImage,
  type EegToImageLoadOptions,
  manualSeed,
  models,
  noGrad,
  randn,
  type Tensor,
  zeros,
} from 'eegtorch'
import { useOneThread } from '../one-thread.ts'
import { errorOf, rejectionOf } from '../thrown.ts'

const sd15 = join(dirname(fileURLToPath(import.meta.url)), '..', 'oracle', 'pipelines', 'sd15')
const work = mkdtempSync(join(tmpdir(), 'eegtorch-eeg-image-'))
const files = { encoder: join(work, 'encoder.safetensors'), mapper: join(work, 'mapper.safetensors'), diffusion: sd15 }
const SMALL = { inDim: 25, outDim: 25, dModel: 25, dimFeedforward: 32, nhead: 5, nLayer: 1, nPatches: 2 }
const difference = (a: Tensor, b: Tensor) => a.sub(b).abs().max().item() as number
const CHANNELS = ['Cz', 'Fz', 'Pz', 'Oz']

function makeNetworks() {
  manualSeed(1)
  const encoder = models.csbrain({ ...SMALL, brainRegions: [4, 0, 1, 3] })
  const sizes = { inDim: 25, nTokens: 8, dModel: 24, nHeads: 4, nLayers: 1, feedforwardDim: 32, clipDim: 24 }
  return { encoder: encoder.eval(), mapper: models.eegClipMapper({ ...sizes, nOutputs: 2 }).eval() }
}

useOneThread()
beforeAll(async () => {
  const { encoder, mapper } = makeNetworks()
  await encoder.save(files.encoder)
  await mapper.save(files.mapper)
})
afterAll(() => rmSync(work, { recursive: true }))

test('tokens are those of the networks one after the other, with channels in the order of their regions', async () => {
  const { encoder, mapper } = makeNetworks()
  const trials = randn([18, 4, 50]) as Tensor
  const eeg = trials.reshape([18, 4, 2, 25])
  const { features } = noGrad(() => encoder.run({ eeg, mask: zeros([18, 4, 2], { dtype: 'int64' }) as Tensor }))
  const reducer = models.eegTokenReducer({ brainRegions: [0, 1, 3, 4], nPatches: 2, dim: 25 })
  const expected = noGrad(() => mapper.run({ tokens: reducer.forward(features) }))
  using prompter = await EegPrompter.load(files, { channels: CHANNELS, patches: 2 })
  const read = await prompter.read(trials)
  expect(difference(read.embeddings, expected.encoderHiddenStates)).toBeLessThan(1e-5)
  expect(difference(read.classLogits, expected.classLogits)).toBeLessThan(1e-5)
  expect(read.labels).toEqual(
    (expected.classLogits.toArray() as number[][]).map(([first, second]) => (second! > first! ? 1 : 0)),
  )
})

test('both modes draw, tell what they are, and differ; with little memory one model is held at a time', async () => {
  const trials = randn([2, 4, 50]) as Tensor
  const options = { steps: 2, seed: 3 }
  const finish = async (pipeline: EegToImage, mode: 'eeg-tokens' | 'label-prompt') => {
    const drawn = await pipeline.draw(await pipeline.read(trials), { ...options, mode })
    return { ...drawn, images: await drawn.generation.images() }
  }
  using whole = await EegToImage.load(files, { classNames: ['face', 'house'] })
  const tokens = await finish(whole, 'eeg-tokens')
  const labels = await finish(whole, 'label-prompt')
  expect(tokens).toMatchObject({ mode: 'eeg-tokens', prompts: [null, null] })
  expect(labels.prompts).toEqual(labels.labels.map((label) => `a photo of a ${['face', 'house'][label]}`))
  expect(tokens.images.shape).toEqual([2, 32, 32, 3])
  expect(difference(tokens.images, labels.images)).toBeGreaterThan(1e-3)

  using sparing = await EegToImage.load(files, { lowMemory: true })
  expect(difference((await finish(sparing, 'eeg-tokens')).images, tokens.images)).toBeLessThan(1e-5)
  const read: Tensor[] = []
  const { read: reading } = sparing
  sparing.read = async (...given) => {
    const prompts = await reading.apply(sparing, given)
    read.push(prompts.embeddings, prompts.promptEmbeds, prompts.classLogits)
    return prompts
  }
  const steps: (number[] | undefined)[] = []
  for await (const { images } of sparing.generate(trials, options)) steps.push(images && [...images.shape])
  expect(steps).toEqual([undefined, undefined, [2, 32, 32, 3]])
  expect(read.map(({ disposed }) => disposed)).toEqual([true, true, true])
})

test('in half precision pictures are drawn of EEG that was read in float32', async () => {
  const trials = randn([1, 4, 50]) as Tensor
  using whole = await EegToImage.load(files)
  using half = await EegToImage.load(files, { dtype: 'float16' })
  const read = await half.read(trials)
  expect(difference(read.embeddings, (await whole.read(trials)).embeddings)).toBeLessThan(1e-6)
  const { generation } = await half.draw(read, { steps: 2, seed: 3 })
  const drawn = await whole.draw(read, { steps: 2, seed: 3 })
  expect(difference(await generation.images(), await drawn.generation.images())).toBeLessThan(0.05)
})

test('how far the diffusion model is loaded is told, and a signal stops it', async () => {
  const told: string[] = []
  const onProgress: EegToImageLoadOptions['onProgress'] = ({ file, done, total }) => {
    if (done === total) told.push(basename(dirname(file)))
  }
  using _ = await EegToImage.load(files, { onProgress })
  expect(told).toEqual(['text_encoder', 'unet', 'vae'])
  const signal = AbortSignal.abort()
  expect((await rejectionOf(EegToImage.load(files, { signal }))).code).toBe('CANCELLED')
})

test('what does not fit is named', async () => {
  const { encoder } = makeNetworks()
  const narrow = models.eegClipMapper({ inDim: 25, nTokens: 5, dModel: 24, nHeads: 4, nLayers: 1, clipDim: 24 })
  expect(errorOf(() => new EegPrompter(encoder, narrow)).message).toMatch(/8 tokens of 25.*5 of 25/)
  using pipeline = await EegToImage.load(files, { lowMemory: true })
  expect((await rejectionOf(pipeline.read(randn([1, 3, 50]) as Tensor))).message).toMatch(/4 channels.*\(1, 3, 50\)/)
  expect(errorOf(() => pipeline.promptOf(1)).message).toMatch(/no prompt for class 1/)
  const read = await pipeline.read(randn([1, 4, 50]) as Tensor)
  expect((await rejectionOf(pipeline.draw(read, { mode: 'dream' as never }))).message).toMatch(
    /eeg-tokens or label-prompt/,
  )
})
