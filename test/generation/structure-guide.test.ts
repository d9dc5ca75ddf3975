import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  encodePng,
  memory,
  models,
  noGrad,
  picturesOf,
  rand,
  StableDiffusion,
  type StableDiffusionOptions,
  type Tensor,
  tensor,
} from 'eegtorch'
import { structureGuide } from '../../lib/generation/controlnet/structure-guide.ts'
import { useOneThread } from '../one-thread.ts'
import { errorOf, rejectionOf } from '../thrown.ts'

// That pictures under a ControlNet are diffusers', step by step, is held in stable-diffusion.test.ts.

const folder = join(import.meta.dirname, '..', 'oracle', 'pipelines', 'sd15-controlnet')
const controlNet = join(folder, 'controlnet')
const work = mkdtempSync(join(tmpdir(), 'eegtorch-structure-'))
useOneThread()
afterAll(() => rmSync(work, { recursive: true }))

const difference = (a: Tensor, b: Tensor) => a.sub(b).abs().max().item() as number

test('a structure changes its own picture alone, by its weight, as a file as well as in memory', async () => {
  using plain = await StableDiffusion.load(folder)
  using told = await StableDiffusion.load(folder, { controlNet })
  const draw = (pipeline: StableDiffusion, options: StableDiffusionOptions) =>
    pipeline.generate(['a dog', 'a cup'], { steps: 2, seed: 4, ...options }).images()
  const structures = tensor([0, 1], { dtype: 'float32' }).reshape([2, 1, 1, 1]).expand([2, 32, 32, 3]) as Tensor
  const pictures = await picturesOf(structures)
  const files = await Promise.all(
    pictures.map(async (picture, i) => {
      writeFileSync(join(work, `${i}.png`), await encodePng(picture))
      return join(work, `${i}.png`)
    }),
  )
  const without = await draw(plain, {})
  expect(difference(await draw(told, { structures: files, structureWeight: 0 }), without)).toBeLessThan(1e-5)
  const both = await draw(told, { structures: files })
  expect(difference(both, without)).toBeGreaterThan(1e-3)
  expect(difference(await draw(told, { structures: pictures }), both)).toBeLessThan(1e-6)
  const first = await draw(told, { structures: [files[0]!] })
  expect(difference(first.select(0, 0), both.select(0, 0))).toBeLessThan(1e-5)
  expect(difference(first.select(0, 1), both.select(0, 1))).toBeGreaterThan(1e-4)
  const wide = { width: 48, guidance: 1, structures: files }
  expect((await draw(told, wide)).shape).toEqual([2, 32, 48, 3])
  const left = memory().tensors
  ;(await draw(told, { structures: files })).dispose()
  expect(memory().tensors - left).toBe(0)
})

test('what a ControlNet said is freed where the UNet is then cancelled', async () => {
  using told = await StableDiffusion.load(folder, { controlNet })
  const network = told.parts.controlNet!
  const say = network.runAsync.bind(network)
  const structures = rand([1, 3, 32, 32]) as Tensor
  const cancelled = async (guidance: number) => {
    const stop = new AbortController()
    let said = 0
    network.runAsync = async (...given) => {
      const outputs = await say(...given)
      said++
      stop.abort()
      return outputs
    }
    const drawing = told.generate(['a dog'], { steps: 2, structures, guidance, signal: stop.signal }).images()
    return [(await rejectionOf(drawing)).code, said]
  }
  for (const guidance of [1, 4]) {
    await cancelled(guidance) // the first time may fill caches
    const before = memory().tensors
    expect(await cancelled(guidance)).toEqual(['CANCELLED', 1])
    expect(memory().tensors - before).toBe(0)
  }
})

test('a ControlNet that averages over all pixels speaks under the condition alone', async () => {
  const pooled = models.controlnet({
    ...{ blockOutChannels: [8], downBlockTypes: ['CrossAttnDownBlock2D'], normNumGroups: 4, attentionHeadDim: 2 },
    ...{
      crossAttentionDim: 6,
      layersPerBlock: 1,
      conditioningEmbeddingOutChannels: [4, 4],
      globalPoolConditions: true,
    },
  })
  for (const weight of Object.values(pooled.parameters())) noGrad(() => weight.copy_(rand([...weight.shape]).sub(0.5)))
  const pictures = rand([2, 3, 8, 8]) as Tensor
  const settings = { structureWeight: 0.5, structureStart: 0, structureEnd: 1, guessMode: false }
  const say = structureGuide(pooled.eval(), pictures, settings)
  const at = { index: 0, count: 1 }
  const sample = rand([4, 4, 4, 4]) as Tensor
  const [timestep, conditions] = [rand([]) as Tensor, { encoderHiddenStates: rand([4, 3, 6]) as Tensor }]
  const guided = await say(sample, timestep, conditions, at)
  const half = { encoderHiddenStates: conditions.encoderHiddenStates.narrow(0, 2, 2) }
  const alone = await say(sample.narrow(0, 2, 2), timestep, half, at)
  for (const [name, residual] of Object.entries(guided)) {
    expect(residual.shape).toEqual([4, 8, 1, 1])
    expect(residual.narrow(0, 0, 2).abs().max().item()).toBe(0)
    expect(residual.narrow(0, 2, 2).equal(alone[name]!)).toBe(true)
  }
  expect(alone.midBlockAdditionalResidual!.abs().max().item()).toBeGreaterThan(0)
  const guessed = await structureGuide(pooled, pictures, { ...settings, guessMode: true })(
    ...([sample, timestep, conditions, at] as const),
  )
  // its weight is the same for all, as in diffusers
  for (const [name, residual] of Object.entries(guessed)) expect(residual.equal(guided[name]!)).toBe(true)
})

test('a ControlNet is not run in the steps in which it has no say', async () => {
  using told = await StableDiffusion.load(folder, { controlNet, scheduler: 'DDIMScheduler' })
  const network = told.parts.controlNet!
  const say = network.runAsync.bind(network)
  let said = 0
  network.runAsync = (...given) => {
    said++
    return say(...given)
  }
  const structures = rand([1, 3, 32, 32]) as Tensor
  await told.generate(['a dog'], { steps: 5, structures, structureStart: 0.2, structureEnd: 0.6 }).images()
  expect(said).toBe(2) // the second and the third
})

test('what does not hold is named, and nothing is left behind', async () => {
  using plain = await StableDiffusion.load(folder)
  using told = await StableDiffusion.load(folder, { controlNet })
  const failure = async (pipeline: StableDiffusion, options: StableDiffusionOptions) =>
    (await rejectionOf(pipeline.generate(['a dog', 'a cup'], { steps: 1, ...options }).images())).message
  const noise = rand([3, 3, 32, 32]) as Tensor
  const before = memory().tensors
  expect(await failure(told, {})).toMatch(/ControlNet needs pictures of the structure/)
  expect(await failure(plain, { structures: noise })).toMatch(/nothing reads.*loaded with a controlNet/)
  expect(await failure(told, { structures: noise })).toMatch(/\(2 or 1, 3, 32, 32\).*\(3, 3, 32, 32\)/)
  const refused = (options: StableDiffusionOptions) =>
    errorOf(() => told.generate(['a dog'], { structures: noise, ...options })).message
  expect(refused({ structureStart: 0.5, structureEnd: 0.5 })).toMatch(/structureEnd.*more than structureStart, 0\.5/)
  expect(refused({ structureStart: -0.1 })).toMatch(/structureStart.*-0\.1/)
  expect(refused({ guessMode: 'yes' as never })).toMatch(/guessMode.*boolean/)
  expect(await failure(told, { structures: [join(work, 'none.png')] })).toMatch(/none\.png: there is no such picture/)
  expect(memory().tensors).toBe(before)
  const shallow = models.controlnet({
    ...{ blockOutChannels: [8], downBlockTypes: ['CrossAttnDownBlock2D'], normNumGroups: 4, crossAttentionDim: 24 },
  })
  await shallow.save(join(work, 'shallow.safetensors'))
  const error = await rejectionOf(StableDiffusion.load(folder, { controlNet: join(work, 'shallow.safetensors') }))
  expect(error).toMatchObject({ code: 'CHECKPOINT_MISMATCH', option: 'controlNet' })
  expect(error.message).toMatch(/blockOutChannels \[4,8,8,8\].*blockOutChannels \[8\]/)
  expect((await rejectionOf(StableDiffusion.load(folder, { controlNet: join(folder, 'unet') }))).code).toBe(
    'CHECKPOINT_MISMATCH',
  )
})
