import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  Amused,
  EegEncoder,
  EegToImage,
  EegToText,
  LanguageModel,
  type Model,
  type ModelName,
  manualSeed,
  memory,
  models,
  randn,
  Sgdm,
  SgdmPipeline,
  StableDiffusion,
  schedulers,
  type Tensor,
  textVocabularies,
} from 'eegtorch'
import { promptsOfTokens } from '../../lib/generation/eeg-to-image/eeg-prompter.ts'
import { EpochPictures } from '../../lib/generation/eeg-to-image/epoch-pictures.ts'
import { PixelCodec } from '../../lib/generation/picture-codec.ts'
import { NoisedClassifier } from '../../lib/generation/sgdm/noised-classifier.ts'
import { Arena } from '../../lib/memory.ts'
import { useOneThread } from '../one-thread.ts'
import { rejectionOf } from '../thrown.ts'

// What a batch makes is freed when it is over, not when the collector comes by.

const at = (name: string) => join(import.meta.dirname, '..', 'oracle', 'pipelines', name)
const work = mkdtempSync(join(tmpdir(), 'eegtorch-memory-'))
useOneThread()
afterAll(() => rmSync(work, { recursive: true }))

/** Tensors that some work leaves behind, its second time: the first may fill caches. */
async function leftBy(work: () => Promise<Tensor>): Promise<number> {
  ;(await work()).dispose()
  const before = memory().tensors
  ;(await work()).dispose()
  return memory().tensors - before
}

test('an arena frees what was made in it and what it was given, and nothing else', async () => {
  const before = memory().tensors
  const arena = new Arena()
  const [mine, kept] = [randn([2]), arena.run(() => randn([2]).add(1).mul(2))]
  arena.own(await Promise.resolve({ a: randn([1]), b: [randn([1])] }))
  expect(memory().tensors).toBe(before + 6)
  expect(kept.add(mine).shape).toEqual([2])
  arena[Symbol.dispose]()
  expect([mine.shape, memory().tensors <= before + 2]).toEqual([[2], true])
})

test('pictures decoded one by one leave nothing, one or several', async () => {
  using diffusion = await StableDiffusion.load(at('sd15'), { lowMemory: true })
  const size = { height: 16, width: 16, steps: 2 }
  for (const prompts of [['a dog'], ['a dog', 'a cup', 'a car']])
    expect(await leftBy(() => diffusion.generate(prompts, size).images())).toBe(0)
})

test('Stable Diffusion leaves nothing, guided or not, with previews, of embeddings, and where it is left or fails', async () => {
  using diffusion = await StableDiffusion.load(at('sd15'))
  const size = { height: 16, width: 16, steps: 3 }
  const draw = (options: object) => () => diffusion.generate(['a dog', 'a cup'], { ...size, ...options }).images()
  expect(await leftBy(draw({}))).toBe(0)
  expect(await leftBy(draw({ guidance: 1 }))).toBe(0)
  const embeddings = await diffusion.encodePrompts(['a dog'])
  expect(await leftBy(() => diffusion.generate({ embeddings }, size).images())).toBe(0)
  expect(embeddings.shape[1]).toBe(77)
  const previewed = async () => {
    const drawing = diffusion.generate(['a dog'], { ...size, previewEvery: 1 })
    for await (const { preview } of drawing) preview?.dispose()
    return drawing.images()
  }
  expect(await leftBy(previewed)).toBe(0)
  const before = memory().tensors
  for await (const { step } of diffusion.generate(['a dog'], size)) if (step === 2) break
  const failing = diffusion.generate({ embeddings, negative: randn([1, 3, 24]) as Tensor }, size).images()
  expect((await rejectionOf(failing)).code).toBe('SHAPE_MISMATCH')
  expect(memory().tensors - before).toBeLessThanOrEqual(1) // the negative condition is the caller's
})

test('aMUSEd leaves nothing', async () => {
  using amused = await Amused.load(at('amused'))
  expect(await leftBy(() => amused.generate(['a dog'], { steps: 3 }).images())).toBe(0)
  expect(await leftBy(() => amused.generate(['a dog', 'a cup'], { steps: 2, guidance: 1 }).images())).toBe(0)
})

/** A network that is cancelled when it is asked for the nth time. */
function cancelledAt<N extends ModelName>(network: Model<N>, n: number): AbortSignal {
  const stop = new AbortController()
  const say = network.runAsync.bind(network)
  let asked = 0
  network.runAsync = (...given) => {
    if (++asked === n) stop.abort()
    return say(...given)
  }
  return stop.signal
}

/** Tensors that work leaves behind which is cancelled, its second time. */
async function leftWhenCancelled(work: () => Promise<unknown>): Promise<number> {
  expect((await rejectionOf(work())).code).toBe('CANCELLED')
  const before = memory().tensors
  expect((await rejectionOf(work())).code).toBe('CANCELLED')
  return memory().tensors - before
}

test('aMUSEd that is cancelled in a step, and trials that are read no further, leave nothing', async () => {
  using amused = await Amused.load(at('amused'))
  const { transformer } = amused.parts
  const say = transformer.runAsync
  const draw = () => {
    transformer.runAsync = say
    return amused.generate(['a dog'], { steps: 3, signal: cancelledAt(transformer, 2) }).images()
  }
  expect(await leftWhenCancelled(draw)).toBe(0)
  const sizes = { inDim: 25, nTokens: 8, dModel: 24, nHeads: 4, nLayers: 1, feedforwardDim: 32, clipDim: 24 }
  using tokens = randn([20, 8, 25]) as Tensor
  using mapper = models.eegClipMapper({ ...sizes, nOutputs: 2 })
  const read = mapper.runAsync
  const prompts = () => {
    mapper.runAsync = read
    return promptsOfTokens(mapper, tokens, { signal: cancelledAt(mapper, 2) }) // 16 trials and 4
  }
  expect(await leftWhenCancelled(prompts)).toBe(0)
})

test('structure-guided diffusion leaves nothing, with classifier and ControlNet too', async () => {
  const blocks = { blockOutChannels: [16], layersPerBlock: 1, normNumGroups: 4, attentionHeadDim: 2, inChannels: 3 }
  const make = () =>
    new Sgdm({
      encoder: {
        ...{ nChans: 3, nTimes: 32, latentDim: 8, convFilters: [8, 8] },
        pooledLength: 4,
        nHeads: 2,
        hiddenDim: 16,
      },
      unet: {
        ...{ ...blocks, sampleSize: 8, outChannels: 3, nScales: 1 },
        ...{ downBlockTypes: ['CrossAttnDownBlock2D'], upBlockTypes: ['CrossAttnUpBlock2D'] },
      },
      ...{ semanticDim: 4, nClasses: 2, structureSize: 4 },
    })
  const scheduler = schedulers.ddim({ numTrainTimesteps: 100 })
  using plain = new SgdmPipeline({ networks: make(), codec: new PixelCodec(), scheduler })
  const eeg = randn([2, 3, 32]) as Tensor
  const wide = randn([2, 5, 32]) as Tensor
  await rejectionOf(plain.read(wide))
  const before = memory().tensors
  await rejectionOf(plain.read(wide))
  expect(memory().tensors - before).toBe(0)
  expect(await leftBy(() => plain.generate(eeg, { steps: 4 }).images())).toBe(0)
  const controlNet = models.controlnet({
    ...{ ...blocks, downBlockTypes: ['CrossAttnDownBlock2D'], crossAttentionDim: 12 },
    conditioningEmbeddingOutChannels: [8],
  })
  const classifier = new NoisedClassifier({ channels: 3, nClasses: 2, width: 8, timesteps: 100 })
  using guided = new SgdmPipeline({ networks: make(), codec: new PixelCodec(), scheduler, controlNet, classifier })
  expect(await leftBy(() => guided.generate(eeg, { steps: 4 }).images())).toBe(0)
})

/**
 * What 35 batches leave behind: tensors, and bytes of the process that were not there after the first ones. Fewer tensors than before are those of
 * earlier tests, which the collector has found meanwhile.
 */
async function growthOf(batch: (number: number) => Promise<void>): Promise<{ tensors: number; bytes: number }> {
  for (let i = 0; i < 5; i++) await batch(i)
  const before = { tensors: memory().tensors, bytes: process.memoryUsage.rss() }
  for (let i = 5; i < 40; i++) await batch(i)
  return { tensors: memory().tensors - before.tensors, bytes: process.memoryUsage.rss() - before.bytes }
}

/** What compiled code, the collector's heap and the allocator may take meanwhile; a batch that leaks what it works on takes more. */
const SLACK = 48 * 2 ** 20
const channels = ['Fz', 'Pz', 'Oz', 'Cz']
const SMALL = { inDim: 25, outDim: 25, dModel: 25, dimFeedforward: 32, nhead: 5, nLayer: 1, nPatches: 2 }

async function writeEegNetworks() {
  manualSeed(1)
  const files = { encoder: join(work, 'encoder.safetensors'), mapper: join(work, 'mapper.safetensors') }
  using encoder = models.csbrain({ ...SMALL, brainRegions: [0, 1, 3, 4] })
  const sizes = { inDim: 25, nTokens: 8, dModel: 24, nHeads: 4, nLayers: 1, feedforwardDim: 32, clipDim: 24 }
  using mapper = models.eegClipMapper({ ...sizes, nOutputs: 2 })
  await encoder.save(files.encoder)
  await mapper.save(files.mapper)
  return files
}

test('many batches of EEG to image leave no tensor, and the process does not grow', async () => {
  const files = await writeEegNetworks()
  using pipeline = await EegToImage.load(
    { ...files, diffusion: at('sd15') },
    { channels, classNames: ['face', 'house'] },
  )
  const draw = async (number: number) => {
    using trials = randn([2, 4, 50]) as Tensor
    const mode = number % 2 === 0 ? 'eeg-tokens' : 'label-prompt'
    for await (const { images } of pipeline.generate(trials, { mode, steps: 2, height: 16, width: 16, seed: number }))
      images?.dispose()
  }
  const grown = await growthOf(draw)
  expect(grown.tensors).toBeLessThanOrEqual(0)
  expect(grown.bytes).toBeLessThan(SLACK)
})

test('pictures of the epochs of a mapper leave no tensor', async () => {
  const { mapper: file } = await writeEegNetworks()
  using mapper = await models.load(file, { model: 'eeg_clip_mapper' })
  using tokens = randn([3, 8, 25]) as Tensor
  await using pictures = new EpochPictures({
    ...{ diffusion: at('sd15'), folder: join(work, 'epochs'), every: 1, classNames: ['face', 'house'], tokens },
    work: [0, 1].map((number) => ({ trial: `trial ${number}`, number })),
    drawing: { steps: 1, guidance: 2, seed: 0, height: 16, width: 16 },
  })
  await pictures.draw(mapper, 1)
  const before = memory().tensors
  await pictures.draw(mapper, 2)
  expect(memory().tensors - before).toBe(0)
})

test('many batches of EEG to text to image leave no tensor, and the process does not grow', async () => {
  const files = await writeEegNetworks()
  const llama = join(import.meta.dirname, '..', 'fixtures', 'generation', 'llama-pipeline')
  using encoder = await EegEncoder.load(files.encoder, { channels })
  const language = await LanguageModel.load(join(llama, 'base'), { adapter: join(llama, 'adapter'), quantize: 'nf4' })
  const projection = models.eegProjection({ inDim: 25, outDim: language.width, nTokens: 8 })
  using reader = new EegToText({ projection, language, vocabulary: textVocabularies['motor-imagery']! })
  using painter = await StableDiffusion.load(at('sd21'))
  const draw = async (number: number) => {
    using trials = randn([2, 4, 50]) as Tensor
    using tokens = await encoder.read(trials)
    const texts = await reader.readTokens(tokens, { maxNewTokens: 6, sample: true, seed: number })
    const prompts = texts.map(({ text, found }) => found?.prompt ?? text)
    const drawing = painter.generate(prompts, { steps: 2, height: 16, width: 16, truncate: true })
    ;(await drawing.images()).dispose()
  }
  const grown = await growthOf(draw)
  expect(grown.tensors).toBeLessThanOrEqual(0)
  expect(grown.bytes).toBeLessThan(SLACK)
})

test.each(Object.keys(schedulers).filter((name) => !/mask/i.test(name)) as (keyof typeof schedulers)[])(
  'a long run of %s frees its early steps, at which nothing looks back',
  async (name) => {
    using diffusion = await StableDiffusion.load(at('sd15'))
    const make = schedulers[name] as (config: object) => typeof diffusion.parts.scheduler
    const scheduler = make({ betaStart: 0.00085, betaEnd: 0.012, betaSchedule: 'scaled_linear' })
    const drawing = new StableDiffusion({ ...diffusion.parts, scheduler })
    const counts: number[] = []
    const walk = drawing.generate(['a dog'], { steps: 40, height: 8, width: 8, seed: 1 })
    for await (const _ of walk) counts.push(memory().tensors)
    expect(counts.at(-2)! - counts.at(-8)!).toBeLessThanOrEqual(3)
    ;(await walk.images()).dispose()
  },
)
