import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  type ControlNetFitOptions,
  controlNetOf,
  fitControlNet,
  type Model,
  manualSeed,
  models,
  openCheckpoint,
  optim,
  randn,
  schedulers,
  type Tensor,
  TrainingCheckpoints,
  tensor,
  zeros,
} from 'eegtorch'
import { useOneThread } from '../one-thread.ts'
import { errorOf, rejectionOf } from '../thrown.ts'

const SIDE = 8
const scheduler = schedulers.ddim({ numTrainTimesteps: 100, betaEnd: 0.1, predictionType: 'sample' })
const folder = mkdtempSync(join(tmpdir(), 'eegtorch-controlnet-'))
const shape = {
  ...{ sampleSize: SIDE, inChannels: 3, outChannels: 3, blockOutChannels: [16], layersPerBlock: 1 },
  ...{ downBlockTypes: ['CrossAttnDownBlock2D'], upBlockTypes: ['CrossAttnUpBlock2D'] },
  ...{ normNumGroups: 4, attentionHeadDim: 2 },
}
useOneThread()
afterAll(() => rmSync(folder, { recursive: true }))

const makeUnet = () => {
  manualSeed(1)
  return models.create('unet2d_condition', { ...shape, crossAttentionDim: 12 } as never)
}
const makeControlNet = (unet: Model<'unet2d_condition'> | Model<'sgdm_unet'>) => {
  manualSeed(2)
  return controlNetOf(unet, { conditioningEmbeddingOutChannels: [8] })
}

/** Two pictures, bright on the left and bright below, and their outlines. */
function makePictures() {
  const structures = zeros([2, 3, SIDE, SIDE]) as Tensor
  structures
    .select(0, 0)
    .narrow(2, 0, SIDE / 2)
    .fill_(1)
  structures
    .select(0, 1)
    .narrow(1, SIDE / 2, SIDE / 2)
    .fill_(1)
  return { structures, latents: structures.mul(1.6).sub(0.8) as Tensor }
}
const examples = () => ({ inputs: tensor([0n, 0n, 0n, 0n]), targets: tensor([0n, 1n, 0n, 1n]) })
const conditions = () => {
  manualSeed(4)
  return { encoderHiddenStates: randn([1, 3, 12]) as Tensor }
}
const options = (epochs: number): ControlNetFitOptions => ({
  ...{ scheduler, epochs, batchSize: 4, seed: 2, optimizer: optim.adamW({ lr: 1e-2 }) },
})
const sums = (net: Model) =>
  Object.fromEntries(Object.entries(net.stateDict()).map(([name, weight]) => [name, weight.abs().sum().item()]))
const residuals = (controlNet: Model<'controlnet'>, sample: Tensor, structures: Tensor) =>
  controlNet.run({
    ...{ sample, timestep: tensor([50, 50]), controlnetCond: structures },
    encoderHiddenStates: conditions().encoderHiddenStates.expand([2, 3, 12]),
  }) as unknown as Record<string, Tensor>

test('a new ControlNet has the weights of its UNet and nothing to say', () => {
  const unet = makeUnet()
  const controlNet = makeControlNet(unet)
  const [theirs, own] = [unet.stateDict(), controlNet.stateDict()]
  const shared = Object.keys(own).filter((name) => !name.startsWith('controlnet_'))
  expect(shared.length).toBeGreaterThan(40)
  for (const name of shared) expect([name, own[name]!.equal(theirs[name]!)]).toEqual([name, true])
  const said = residuals(controlNet, randn([2, 3, SIDE, SIDE]) as Tensor, makePictures().structures)
  for (const residual of Object.values(said)) expect(residual.abs().max().item()).toBe(0)
  const wide = models.create('unet2d_condition', { ...shape, crossAttentionDim: 12, convInKernel: 5 } as never)
  expect(errorOf(() => controlNetOf(wide))).toMatchObject({
    code: 'CHECKPOINT_MISMATCH',
    expected: expect.stringMatching(/conv_in/),
  })
})

test('it learns a handful of pictures that the UNet alone cannot tell apart, and the UNet stays as it was', async () => {
  const unet = makeUnet()
  const before = sums(unet)
  const controlNet = makeControlNet(unet)
  const { epochs } = await fitControlNet(
    controlNet,
    { model: unet, conditions: conditions() },
    makePictures(),
    examples(),
    options(150),
  )
  expect(epochs.at(-1)!.trainLoss).toBeLessThan(epochs[0]!.trainLoss / 8)
  expect(sums(unet)).toEqual(before)
  const learning = Object.values(unet.parameters())
  expect(learning.every(({ requiresGrad, grad }) => requiresGrad && !grad)).toBe(true)
  const { structures, latents } = makePictures()
  const sample = randn([2, 3, SIDE, SIDE]) as Tensor
  const said = residuals(controlNet, sample, structures)
  const named = Object.entries(said).map(([name, value]) => [name.replace('ResSample', 'AdditionalResidual'), value])
  const drawn = unet.run({
    ...{ sample, timestep: tensor([99, 99]), ...Object.fromEntries(named) },
    encoderHiddenStates: conditions().encoderHiddenStates.expand([2, 3, 12]),
  } as never).sample
  const error = (a: Tensor, b: Tensor) => a.sub(b).pow(2).mean().item() as number
  for (const i of [0, 1])
    expect(error(drawn.select(0, i), latents.select(0, i))).toBeLessThan(
      error(drawn.select(0, i), latents.select(0, 1 - i)) / 4,
    )
})

test('half the training and its resumption end in the same weights bit for bit; the UNet is not kept', async () => {
  const unet = makeUnet()
  const run = (controlNet: Model<'controlnet'>, more: Partial<ControlNetFitOptions> = {}) =>
    fitControlNet(
      controlNet,
      { model: unet, conditions: conditions(), without: { encoderHiddenStates: zeros([1, 3, 12]) as Tensor } },
      makePictures(),
      examples(),
      { ...options(4), conditionDropout: 0.5, snrGamma: 5, ...more },
    )
  const whole = makeControlNet(unet)
  await run(whole)
  const store = () => new TrainingCheckpoints(join(folder, 'resumed'), { everySteps: 1 })
  const cancel = new AbortController()
  const half = run(makeControlNet(unet), {
    ...{ store: store(), signal: cancel.signal },
    onEpoch: ({ epoch }) => (epoch === 2 ? cancel.abort() : undefined),
  })
  expect((await rejectionOf(half)).code).toBe('CANCELLED')
  const resumed = makeControlNet(unet)
  await run(resumed, { store: store() })
  expect(sums(resumed)).toEqual(sums(whole))
  const kept = openCheckpoint(join(folder, 'resumed', 'last.safetensors')).tensors.names
  expect(kept.filter((name) => !name.startsWith('controlNet.'))).toEqual([])
  expect(sums(resumed)).not.toEqual(sums(makeControlNet(unet)))
})

test("sgdm's UNet can be controlled too, and what does not fit is named", async () => {
  manualSeed(3)
  const unet = models.create('sgdm_unet', { ...shape, latentDim: 8, semanticDim: 4, nScales: 1 } as never)
  const controlNet = makeControlNet(unet)
  const frozen = { model: unet, conditions: { latent: randn([1, 8]) as Tensor, semantic: randn([1, 4]) as Tensor } }
  const { epochs } = await fitControlNet(controlNet, frozen, makePictures(), examples(), options(60))
  expect(epochs.at(-1)!.trainLoss).toBeLessThan(epochs[0]!.trainLoss / 3)
  const { latents, structures } = makePictures()
  const small = { latents, structures: structures.narrow(2, 0, 4) }
  const error = await rejectionOf(fitControlNet(controlNet, frozen, small, examples(), options(1)))
  expect([error.code, error.message]).toEqual([
    'SHAPE_MISMATCH',
    expect.stringMatching(/structures \(2, 3, 8, 8\).*\(2, 3, 4, 8\)/),
  ])
  const dropped = fitControlNet(controlNet, frozen, makePictures(), examples(), {
    ...options(1),
    conditionDropout: 0.1,
  })
  expect((await rejectionOf(dropped)).option).toBe('conditionDropout')
})
