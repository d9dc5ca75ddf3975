import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  manualSeed,
  memory,
  models,
  openCheckpoint,
  optim,
  randn,
  schedulers,
  type Tensor,
  TrainingCheckpoints,
  tensor,
  writeSafetensors,
  zeros,
} from 'eegtorch'
import { PixelCodec } from '../../lib/generation/picture-codec.ts'
import { fitSgdm, type SgdmFitOptions, type Stimuli } from '../../lib/generation/sgdm/fit-sgdm.ts'
import { classifierGuide, fitNoisedClassifier, NoisedClassifier } from '../../lib/generation/sgdm/noised-classifier.ts'
import { Sgdm, type SgdmConfig } from '../../lib/generation/sgdm/sgdm.ts'
import { SgdmPipeline } from '../../lib/generation/sgdm/sgdm-pipeline.ts'
import { useOneThread } from '../one-thread.ts'
import { errorOf, rejectionOf } from '../thrown.ts'

const SIDE = 8
const config: SgdmConfig = {
  encoder: {
    ...{ nChans: 3, nTimes: 32, latentDim: 8, convFilters: [8, 8], pooledLength: 4, nHeads: 2, hiddenDim: 16 },
    dropProb: 0,
  },
  unet: {
    ...{ sampleSize: SIDE, inChannels: 3, outChannels: 3, blockOutChannels: [16], layersPerBlock: 1 },
    ...{ downBlockTypes: ['CrossAttnDownBlock2D'], upBlockTypes: ['CrossAttnUpBlock2D'] },
    ...{ normNumGroups: 4, attentionHeadDim: 2, nScales: 1 },
  },
  ...{ semanticDim: 4, nClasses: 2, structureSize: 4 },
}
const scheduler = schedulers.ddim({ numTrainTimesteps: 100, betaEnd: 0.1, predictionType: 'sample' })
const folder = mkdtempSync(join(tmpdir(), 'eegtorch-sgdm-'))

useOneThread()

/** Two pictures: bright on the left, bright below. */
function makeStimuli(): Stimuli {
  const latents = zeros([2, 3, SIDE, SIDE]).sub(0.8) as Tensor
  latents
    .select(0, 0)
    .narrow(2, 0, SIDE / 2)
    .fill_(0.8)
  latents
    .select(0, 1)
    .narrow(1, SIDE / 2, SIDE / 2)
    .fill_(0.8)
  const semantics = tensor([
    [1, 0, 0, 0],
    [0, 1, 0, 0],
  ])
  return { latents, semantics, classes: tensor([0n, 1n]) }
}

/** Windows in volts whose first or second channel swings. */
function makeWindows(count: number): { inputs: Tensor; targets: Tensor } {
  const targets = tensor(Array.from({ length: count }, (_, i) => BigInt(i % 2)))
  const wave = tensor(Array.from({ length: 32 }, (_, i) => 3e-5 * Math.sin(i)))
  const inputs = randn([count, 3, 32]).mul(5e-6) as Tensor
  for (let i = 0; i < count; i++)
    inputs
      .select(0, i)
      .select(0, i % 2)
      .add_(wave)
  return { inputs, targets }
}

function makeNetworks(): Sgdm {
  manualSeed(3)
  return new Sgdm(config).scaleEeg({ mean: [0, 0, 0], std: [2e-5, 2e-5, 0] })
}

const options = (epochs: number): SgdmFitOptions => ({
  ...{ scheduler, epochs, batchSize: 8, ema: 0.9, seed: 2, optimizer: optim.adamW({ lr: 8e-3 }) },
})

const mse = (a: Tensor, b: Tensor) => a.sub(b).pow(2).mean().item() as number
const weightsOf = (networks: Sgdm) =>
  Object.fromEntries(Object.entries(networks.stateDict()).map(([name, weight]) => [name, weight.sum().item()]))

let trained: Sgdm

test('the networks together learn a handful of samples: pictures are those of their windows', async () => {
  trained = makeNetworks()
  const { epochs } = await fitSgdm(trained, makeWindows(8), makeStimuli(), options(140))
  expect(epochs.at(-1)!.trainLoss).toBeLessThan(epochs[0]!.trainLoss / 4)
  using pipeline = new SgdmPipeline({ networks: await copyOf(trained), codec: new PixelCodec(), scheduler })
  const images = await pipeline.generate(makeWindows(4).inputs, { steps: 10, guidance: 1.5, seed: 1 }).images()
  const [left, below] = [0, 1].map((i) => makeStimuli().latents.select(0, i).permute([1, 2, 0]).add(1).div(2))
  for (let i = 0; i < 4; i++) {
    const [own, other] = i % 2 === 0 ? [left!, below!] : [below!, left!]
    expect(mse(images.select(0, i), own)).toBeLessThan(mse(images.select(0, i), other) / 3)
  }
})

async function copyOf(networks: Sgdm): Promise<Sgdm> {
  const path = join(folder, 'sgdm.safetensors')
  await networks.save(path, { split: 'none' })
  return Sgdm.load(path)
}

test('a picture does not depend on its batch, and starts from the rough structure', async () => {
  using pipeline = new SgdmPipeline({ networks: makeNetworks(), codec: new PixelCodec(), scheduler })
  const { inputs } = makeWindows(3)
  const draw = (eeg: Tensor, numbers: number[], strength = 0.5) =>
    pipeline.generate(eeg, { steps: 4, guidance: 1.5, numbers, strength }).images()
  const together = await draw(inputs, [4, 5, 6])
  const alone = await draw(inputs.narrow(0, 2, 1), [6])
  expect(mse(together.narrow(0, 2, 1), alone)).toBeLessThan(1e-9)
  expect(mse(together.narrow(0, 2, 1), await draw(inputs.narrow(0, 2, 1), [7]))).toBeGreaterThan(1e-6)
  const steps: number[] = []
  for await (const { step } of pipeline.generate(inputs, { steps: 4, strength: 0.5 })) steps.push(step)
  expect(steps).toEqual([1, 2])
})

test('half the training and its resumption end in the same weights, bit for bit', async () => {
  const whole = makeNetworks()
  await fitSgdm(whole, makeWindows(8), makeStimuli(), options(4))
  const store = () => new TrainingCheckpoints(join(folder, 'resumed'), { everySteps: 1 })
  const cancel = new AbortController()
  const half = fitSgdm(makeNetworks(), makeWindows(8), makeStimuli(), {
    ...options(4),
    store: store(),
    signal: cancel.signal,
    onEpoch: ({ epoch }) => (epoch === 2 ? cancel.abort() : undefined),
  })
  expect((await rejectionOf(half)).code).toBe('CANCELLED')
  const resumed = makeNetworks()
  await fitSgdm(resumed, makeWindows(8), makeStimuli(), { ...options(4), store: store() })
  expect(weightsOf(resumed)).toEqual(weightsOf(whole))
})

test('a classifier of noised latents pulls pictures towards its class', async () => {
  manualSeed(5)
  const { latents, classes } = makeStimuli()
  const net = new NoisedClassifier({ channels: 3, nClasses: 2, width: 8, timesteps: 100 })
  const { epochs } = await fitNoisedClassifier(
    net,
    { latents: latents.repeat([16, 1, 1, 1]), classes: classes!.repeat([16]) },
    { scheduler, epochs: 40, optimizer: optim.adamW({ lr: 1e-2 }) },
  )
  expect(epochs.at(-1)!.trainAccuracy).toBeGreaterThan(0.7)
  await net.save(join(folder, 'classifier.safetensors'))
  const read = await NoisedClassifier.load(join(folder, 'classifier.safetensors'))
  const wanted = tensor([0n, 0n])
  const noisy = randn([2, 3, SIDE, SIDE]) as Tensor
  const surprise = (x: Tensor) =>
    read
      .forward(x, tensor([50, 50]))
      .log_softmax(1)
      .select(1, 0)
      .neg()
      .sum()
      .item() as number
  const before = surprise(noisy)
  // where the noise is said to be something else, less of it is the class; where the clean latents are, more
  for (const [predictionType, sign] of [
    ['epsilon', -1],
    ['v_prediction', -1],
    ['sample', 1],
  ] as const) {
    const guide = classifierGuide(read, wanted, 0.1, schedulers.ddim({ numTrainTimesteps: 100, predictionType }))
    const changed = await guide(zeros([2, 3, SIDE, SIDE]), noisy, 50)
    expect(surprise(noisy.add(changed, { alpha: sign }))).toBeLessThan(before)
  }
})

test('a ControlNet is told the rough structure, and its weight counts', async () => {
  manualSeed(9)
  const { blockOutChannels, downBlockTypes, normNumGroups, attentionHeadDim, layersPerBlock } = config.unet
  const controlNet = models.controlnet({
    ...{ inChannels: 3, blockOutChannels, downBlockTypes, normNumGroups, attentionHeadDim, layersPerBlock },
    ...{ crossAttentionDim: 12, conditioningEmbeddingOutChannels: [8] },
  })
  for (const weight of Object.values(controlNet.parameters())) weight.detach().normal_(0, 0.2)
  using pipeline = new SgdmPipeline({
    ...{ networks: await copyOf(trained), codec: new PixelCodec(), scheduler, controlNet },
  })
  const { inputs } = makeWindows(2)
  const draw = (structureWeight: number) => pipeline.generate(inputs, { steps: 3, structureWeight }).images()
  const [without, half, full] = [await draw(0), await draw(0.5), await draw(1)]
  expect(mse(without, half)).toBeGreaterThan(1e-6)
  expect(mse(half, full)).toBeGreaterThan(1e-6)
  const say = controlNet.runAsync.bind(controlNet)
  let said = 0
  controlNet.runAsync = (...given) => {
    said++
    return say(...given)
  }
  await pipeline.generate(inputs, { steps: 3, strength: 0.8, structureStart: 0.5 }).images()
  expect(said).toBe(1) // in the second of the two steps that are taken from the rough structure
  const cancelled = async () => {
    const stop = new AbortController()
    controlNet.runAsync = async (...given) => {
      const outputs = await say(...given)
      stop.abort()
      return outputs
    }
    return (await rejectionOf(pipeline.generate(inputs, { steps: 3, signal: stop.signal }).images())).code
  }
  await cancelled()
  const before = memory().tensors
  expect(await cancelled()).toBe('CANCELLED')
  expect(memory().tensors - before).toBe(0)
})

test('a ControlNet of another UNet is refused', () => {
  const { blockOutChannels, downBlockTypes, normNumGroups, attentionHeadDim, layersPerBlock } = config.unet
  using controlNet = models.controlnet({
    ...{ inChannels: 3, blockOutChannels, downBlockTypes, normNumGroups, attentionHeadDim, layersPerBlock },
    ...{ crossAttentionDim: 20, conditioningEmbeddingOutChannels: [8] },
  })
  using networks = makeNetworks()
  const error = errorOf(() => new SgdmPipeline({ networks, codec: new PixelCodec(), scheduler, controlNet }))
  expect(error).toMatchObject({ code: 'CHECKPOINT_MISMATCH', option: 'controlNet' })
  expect(error).toMatchObject({ expected: 'crossAttentionDim 12', received: 'crossAttentionDim 20' })
})

test('pictures are decoded once where no ControlNet looks at the rough ones', async () => {
  let decoded = 0
  const codec = new PixelCodec()
  const counting = { ...{ channels: 3, factor: 1 }, encode: codec.encode, [Symbol.dispose]: () => undefined }
  const decode = (latents: Tensor) => {
    decoded++
    return codec.decode(latents)
  }
  using pipeline = new SgdmPipeline({ networks: makeNetworks(), codec: { ...counting, decode }, scheduler })
  await pipeline.generate(makeWindows(1).inputs, { steps: 2 }).images()
  expect(decoded).toBe(1)
})

/** The weights of a file under another description. */
async function described(name: string, from: string, description: object): Promise<string> {
  const file = join(folder, name)
  const tensors = await openCheckpoint(from).tensors.loadAll({ copy: true })
  await writeSafetensors(file, tensors, { format: 'pt', eegtorch: JSON.stringify(description) })
  for (const weight of tensors.values()) weight.dispose()
  return file
}

test('a description that is wrong, or of far larger networks than the file holds, is refused, and nothing stays', async () => {
  const [all, one] = [join(folder, 'all.safetensors'), join(folder, 'one.safetensors')]
  using networks = makeNetworks()
  using classifier = new NoisedClassifier({ channels: 3, nClasses: 2, width: 8 })
  await networks.save(all)
  await classifier.save(one)
  for (const [changes, code] of [
    [{ nClasses: 1e9 }, 'CHECKPOINT_MISMATCH'],
    [{ nClasses: 3 }, 'CHECKPOINT_MISMATCH'],
    [{ encoder: { ...config.encoder, hiddenDim: 1e5 } }, 'CHECKPOINT_MISMATCH'],
    [{ structureSize: 'large' }, 'FILE_INVALID'],
    [{ unet: 3 }, 'FILE_INVALID'],
  ] as const) {
    const file = await described('sgdm.safetensors', all, { sgdm: { ...config, ...changes } })
    expect([changes, (await rejectionOf(Sgdm.load(file))).code]).toEqual([changes, code])
  }
  for (const [changes, code] of [
    [{ width: 1e5 }, 'CHECKPOINT_MISMATCH'],
    [{ nClasses: 5 }, 'CHECKPOINT_MISMATCH'],
    [{ channels: '3' }, 'FILE_INVALID'],
    [{ layers: 4 }, 'FILE_INVALID'],
  ] as const) {
    const description = { noisedClassifier: { ...classifier.config, ...changes } }
    const file = await described('classifier.safetensors', one, description)
    expect([changes, (await rejectionOf(NoisedClassifier.load(file))).code]).toEqual([changes, code])
  }
  const before = memory().tensors
  for (const [file, load] of [
    [await described('a.safetensors', all, { sgdm: { ...config, nClasses: 3 } }), Sgdm.load],
    [
      await described('b.safetensors', one, { noisedClassifier: { ...classifier.config, nClasses: 5 } }),
      NoisedClassifier.load,
    ],
  ] as const)
    await rejectionOf(load(file))
  expect(memory().tensors).toBeLessThanOrEqual(before)
  expect((await Sgdm.load(all)).config).toEqual(networks.config)
})

test('what does not fit is named', async () => {
  const networks = makeNetworks()
  const { latents, semantics } = makeStimuli()
  expect(errorOf(() => fitSgdm(networks, makeWindows(2), { latents, semantics }, options(1))).message).toMatch(
    /classes \(stimuli\).*none/,
  )
  expect(errorOf(() => new Sgdm({ ...config, structureSize: 0 })).message).toMatch(/structureSize/)
  const other = { ...new PixelCodec(), channels: 4, factor: 8 } as unknown as PixelCodec
  expect(errorOf(() => new SgdmPipeline({ networks, codec: other, scheduler })).code).toBe('CHECKPOINT_MISMATCH')
  await networks.encoder.save(join(folder, 'encoder.safetensors'))
  expect((await rejectionOf(Sgdm.load(join(folder, 'encoder.safetensors')))).message).toMatch(/structure-guided/)
})
