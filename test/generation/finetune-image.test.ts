import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  EegEncoder,
  finetuneImage,
  type Model,
  manualSeed,
  models,
  openCheckpoint,
  randn,
  type Tensor,
  tensor,
} from 'eegtorch'
import { useOneThread } from '../one-thread.ts'
import { rejectionOf } from '../thrown.ts'

const work = mkdtempSync(join(tmpdir(), 'eegtorch-finetune-image-'))
const SMALL = { inDim: 25, outDim: 25, dModel: 25, dimFeedforward: 32, nhead: 5, nLayer: 1, nPatches: 2 }
const MAPPER = { inDim: 25, nTokens: 8, dModel: 24, nHeads: 8, nLayers: 1, feedforwardDim: 32, clipDim: 24 }
const CLASSES = 3

let trials: { inputs: Tensor; targets: Tensor }
const targets: { imagePrototypes: Tensor; textHidden: Tensor } = {} as never
useOneThread()
beforeAll(async () => {
  manualSeed(2)
  using reader = new EegEncoder(models.csbrain({ ...SMALL, brainRegions: [4, 0, 1, 3] }))
  const eeg = randn([6, 4, 50]) as Tensor
  trials = { inputs: await reader.read(eeg), targets: tensor(BigInt64Array.from([0n, 1n, 2n, 0n, 1n, 2n])) }
  targets.imagePrototypes = randn([CLASSES, 24]) as Tensor
  targets.textHidden = randn([CLASSES, 5, 24]) as Tensor
})
afterAll(() => rmSync(work, { recursive: true }))

function newMapper(): Model<'eeg_clip_mapper'> {
  manualSeed(7)
  return models.eegClipMapper({ ...MAPPER, nQueries: 5, nOutputs: CLASSES })
}

const bytesOf = (mapper: Model<'eeg_clip_mapper'>) =>
  Object.values(mapper.stateDict()).map((each) => Buffer.from(each.toTypedArray().buffer).toString('base64'))

test('a handful of trials is learnt by heart, towards the pictures and the texts of their classes', async () => {
  const mapper = newMapper()
  const phases = { warmUp: { epochs: 80, lr: 5e-3 }, joint: { epochs: 60, lr: 2e-3 } }
  const { epochs, bestEpoch } = await finetuneImage(mapper, trials, targets, {
    ...phases,
    lambdaMse: 20,
    lambdaCos: 5,
    batchSize: 6,
  })
  expect([epochs.length, bestEpoch, epochs[79]!.phase, epochs[80]!.phase]).toEqual([140, undefined, 'warm-up', 'joint'])
  expect(epochs.at(-1)!.figures.trainAccuracy).toBe(1)
  const { promptEmbeds, encoderHiddenStates } = mapper.eval().run({ tokens: trials.inputs })
  const wanted = targets.imagePrototypes.index_select(0, trials.targets)
  const cosine = promptEmbeds
    .mul(wanted)
    .sum([1])
    .div(promptEmbeds.norm(2, [1]).mul(wanted.norm(2, [1])))
  expect(cosine.min().item()).toBeGreaterThan(0.6)
  const texts = targets.textHidden.index_select(0, trials.targets)
  const error = (hidden: Tensor) => hidden.sub(texts).pow(2).mean().item() as number
  expect(error(encoderHiddenStates)).toBeLessThan(
    0.7 * error(newMapper().eval().run({ tokens: trials.inputs }).encoderHiddenStates),
  )
})

test('stopped and gone on with, it leaves the same bytes; every epoch loads from both of its files', async () => {
  const phases = { warmUp: { epochs: 1, lr: 5e-3 }, joint: { epochs: 2, lr: 1e-3 }, batchSize: 2 }
  const whole = newMapper()
  const all = {
    ...phases,
    validation: trials,
    folder: join(work, 'whole'),
    description: { classNames: ['a', 'b', 'c'] },
  }
  const { bestEpoch } = await finetuneImage(whole, trials, targets, all)
  const folder = join(work, 'stopped')
  for (const steps of [2, 5]) {
    const stop = new AbortController()
    const options = { ...all, folder, signal: stop.signal }
    const run = finetuneImage(newMapper(), trials, targets, {
      ...options,
      onStep: (_, progress) => void (progress.step === steps && stop.abort()),
    })
    await expect(run).rejects.toMatchObject({ code: 'CANCELLED' })
  }
  const resumed = newMapper()
  const { epochs } = await finetuneImage(resumed, trials, targets, { ...all, folder })
  expect(epochs.map(({ epoch }) => epoch)).toEqual([1, 2, 3])
  expect(bytesOf(resumed)).toEqual(bytesOf(whole))
  const best = (await models.load(join(folder, 'mapper.safetensors'))) as Model<'eeg_clip_mapper'>
  expect(bytesOf(best)).toEqual(bytesOf(whole))
  expect(openCheckpoint(join(folder, 'mapper.safetensors')).metadata).toMatchObject({
    bestEpoch,
    classNames: ['a', 'b', 'c'],
  })
  for (const epoch of [1, 2, 3]) {
    const [pth, safetensors] = (await Promise.all(
      ['pth', 'safetensors'].map((extension) =>
        models.load(join(folder, `mapper_epoch${epoch}.${extension}`), { model: 'eeg_clip_mapper' }),
      ),
    )) as [Model<'eeg_clip_mapper'>, Model<'eeg_clip_mapper'>]
    expect(bytesOf(pth)).toEqual(bytesOf(safetensors))
  }
  expect(existsSync(join(folder, 'mapper_epoch4.pth'))).toBe(false)
})

test('targets of another width or number of classes are refused before anything is trained', async () => {
  const wide = { ...targets, textHidden: randn([CLASSES, 5, 32]) as Tensor }
  const error = (await rejectionOf(finetuneImage(newMapper(), trials, wide))) as Error & { code: string }
  expect(error.code).toBe('SHAPE_MISMATCH')
  expect(error.message).toMatch(/texts \(3, 5, 24\).*texts \(3, 5, 32\)/s)
})
