import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  Clip,
  clipTargets,
  encodeConditions,
  findStimuli,
  fitMapper,
  manualSeed,
  meanPairwiseCosine,
  models,
  openCheckpoint,
  openPipelineEncoder,
  randn,
  type Tensor,
  tensor,
} from 'eegtorch'
import sharp from 'sharp'
import { useOneThread } from '../one-thread.ts'
import { rejectionOf } from '../thrown.ts'

// Text encoder and tokenizer of the oracle's tiny Stable Diffusion 1.5; expected: diffusers 0.42
const fixtures = join(import.meta.dirname, '..', 'fixtures', 'generation')
const pipeline = join(fixtures, 'sd15-text')
const clip = join(fixtures, 'clip-pipeline')
const classNames = ['dog', 'bird', 'cup']
const prompts = classNames.map((name) => `a photo of a ${name}`)
let scratch: string
useOneThread()
beforeAll(async () => {
  scratch = mkdtempSync(join(tmpdir(), 'targets-'))
  const colours = ['#aa2200', '#0033bb', '#22cc44']
  for (const [i, name] of classNames.entries()) {
    const picture = sharp({ create: { width: 40 + 5 * i, height: 33, channels: 3, background: colours[i]! } })
    await picture.png().toFile(join(scratch, `Thing_${name}.png`))
  }
})
afterAll(() => rmSync(scratch, { recursive: true }))

const worst = (a: Tensor, b: Tensor) => a.sub(b).abs().max().item() as number

test('texts are encoded as the pipeline conditions on them', async () => {
  const expected = await openCheckpoint(join(pipeline, 'expected.safetensors')).tensors.loadAll()
  const { hidden } = await encodeConditions(openPipelineEncoder(pipeline), ['a photo of a golden retriever dog', ''])
  expect(worst(hidden.narrow(0, 0, 1), expected.get('prompt_embeds')!)).toBeLessThan(1e-5)
  expect(worst(hidden.narrow(0, 1, 1), expected.get('negative_prompt_embeds')!)).toBeLessThan(1e-5)
})

test('targets are computed once for the same weights, pictures and prompts', async () => {
  const stimuli = await findStimuli(scratch, classNames)
  const options = { stimuli, prompts, clip, pipeline, store: join(scratch, 'store') }
  const first = await clipTargets(options)
  expect([first.cached, first.imagePrototypes.shape, first.textHidden.shape, first.textPooled.shape]).toEqual([
    false,
    [3, 24],
    [3, 77, 24],
    [3, 24],
  ])
  const seen = await Clip.load(clip)
  expect(worst(first.imagePrototypes, await seen.encodeImages(stimuli))).toBe(0)
  const { mtimeMs } = statSync(first.file)
  const again = await clipTargets(options)
  expect([again.cached, again.key, statSync(again.file).mtimeMs]).toEqual([true, first.key, mtimeMs])
  expect(again.cosines).toEqual(first.cosines)
  const others = await clipTargets({ ...options, prompts: ['a dog', 'a bird', 'a cup'] })
  expect([others.cached, others.key === first.key]).toEqual([false, false])
  const swapped = await clipTargets({ ...options, stimuli: [...stimuli].reverse() })
  expect(swapped.key === first.key).toBe(false)
  const rough = await clipTargets({ ...options, dtype: 'bfloat16' })
  expect([rough.cached, rough.imagePrototypes.dtype]).toEqual([false, 'bfloat16'])
  expect((await clipTargets(options)).imagePrototypes.dtype).toBe('float32')
})

test('the mean cosine of classes', () => {
  expect(
    meanPairwiseCosine(
      tensor([
        [1, 0],
        [0, 2],
        [3, 0],
      ]),
    ),
  ).toBeCloseTo(1 / 3, 6)
  expect(
    meanPairwiseCosine(
      tensor([
        [2, 2],
        [5, 5],
      ]),
    ),
  ).toBeCloseTo(1, 6)
})

test('a mapper learns six trials by heart on targets of a tiny CLIP', async () => {
  manualSeed(1)
  const stimuli = await findStimuli(scratch, classNames)
  const targets = await clipTargets({ stimuli, prompts, clip, pipeline, store: join(scratch, 'store') })
  const sizes = { inDim: 12, nTokens: 4, dModel: 16, nHeads: 2, feedforwardDim: 32, nLayers: 1, dropProb: 0 }
  const mapper = models.eegClipMapper({ ...sizes, nQueries: 77, clipDim: 24, nOutputs: 3 })
  const labels = tensor(BigInt64Array.from([0n, 1n, 2n, 0n, 1n, 2n]), { shape: [6] })
  const eeg = { inputs: randn([6, 4, 12]), targets: labels }
  const { epochs } = await fitMapper(mapper, eeg, targets, {
    batchSize: 6,
    lambdaCls: 2,
    lambdaCos: 5,
    warmUp: { epochs: 100, lr: 5e-3 },
    joint: { epochs: 30, lr: 1e-3 },
  })
  expect(epochs.at(-1)!.trainAccuracy).toBe(1)
  const { promptEmbeds, encoderHiddenStates } = mapper.eval().run({ tokens: eeg.inputs })
  const wanted = targets.imagePrototypes.index_select(0, labels)
  const cosine = promptEmbeds
    .div(promptEmbeds.norm(2, [1], true))
    .mul(wanted)
    .sum([1])
    .min()
    .item() as number
  expect(cosine).toBeGreaterThan(0.8)
  expect(encoderHiddenStates.shape).toEqual([6, 77, 24])
})

test('stimuli that do not fit the classes are refused', async () => {
  expect((await rejectionOf(findStimuli(scratch, ['dog', 'fish']))).code).toBe('FILE_NOT_FOUND')
  expect((await rejectionOf(findStimuli(join(scratch, 'none'), ['dog']))).code).toBe('FILE_NOT_FOUND')
  writeFileSync(join(scratch, 'dog.jpg'), 'a dog')
  expect((await rejectionOf(findStimuli(scratch, classNames))).code).toBe('INVALID_OPTION')
  const options = { prompts, clip, pipeline, store: join(scratch, 'store') }
  expect((await rejectionOf(clipTargets({ ...options, stimuli: [join(scratch, 'dog.jpg')] }))).option).toBe('stimuli')
  const bad = [0, 1, 2].map(() => join(scratch, 'dog.jpg'))
  expect((await rejectionOf(clipTargets({ ...options, stimuli: bad }))).code).toBe('FILE_INVALID')
})
