import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  EegEncoder,
  EegToText,
  type FinetunedEpoch,
  findKeyword,
  finetuneText,
  keywordAccuracy,
  LanguageModel,
  manualSeed,
  models,
  openCheckpoint,
  randn,
  scoreText,
  type TextVocabulary,
  textVocabularies,
} from 'eegtorch'
import { useOneThread } from '../one-thread.ts'
import { errorOf, rejectionOf } from '../thrown.ts'

const base = join(import.meta.dirname, '..', 'fixtures', 'generation', 'llama-pipeline', 'base')
const visual = textVocabularies['visual-imagery']!
/** Two short sentences, so that a tiny network learns them in seconds. */
const tiny: TextVocabulary = {
  name: 'tiny',
  labels: ['dog', 'cup'],
  sentences: [['a dog'], ['my cup']],
  keywords: [['dog'], ['cup']],
  prompts: ['a dog', 'a cup'],
  system: 's',
  question: 'q',
}
let folder: string
useOneThread()
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'eeg-to-text-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

test.each([
  ['The person pictures two DOGS.', 'dog', 0],
  ['occupied by nothing', undefined, undefined],
  ['a mug of coffee beside a dog', 'mug', 8],
  ['a five-pointed star', 'five-pointed', 3],
  ['a watch, then a chair', 'watch', 7],
])('%s', (sentence, keyword, label) => {
  const found = findKeyword(sentence, visual)
  expect([found?.keyword, found?.label]).toEqual([keyword, label])
  expect(found?.prompt).toBe(label === undefined ? undefined : visual.prompts[label])
})

test('every sentence of a vocabulary is reduced to its own label', () => {
  for (const vocabulary of Object.values(textVocabularies)) {
    for (const [label, sentences] of vocabulary.sentences.entries())
      for (const sentence of sentences) expect(findKeyword(sentence, vocabulary)?.label).toBe(label)
  }
})

test('the accuracy of keywords stands beside chance and an interval', () => {
  expect(keywordAccuracy([8], [8])).toMatchObject({ accuracy: 1, chance: 1, p: 1 }) // trials of one class, such as a single one
  const score = keywordAccuracy([0, 1, undefined, 1], [0, 1, 0, 0])
  expect(score).toMatchObject({ correct: 2, total: 4, accuracy: 0.5, without: 1, chance: 0.75 })
  expect(score.interval.low).toBeCloseTo(0.0676, 3)
  expect(score.interval.high).toBeCloseTo(0.9324, 3)
})

async function makeParts(gradientCheckpointing = false, adapter: object = {}) {
  manualSeed(3)
  const newAdapter = { r: 4, loraAlpha: 8, loraDropout: 0.1, targetModules: ['q_proj', 'v_proj'], ...adapter }
  const language = await LanguageModel.load(base, { newAdapter, gradientCheckpointing })
  const projection = models.eegProjection({ inDim: 6, outDim: language.width, nTokens: 4, dropProb: 0.1 })
  const tokens = randn([6, 4, 6])
  return { language, projection, tokens, labels: [0, 1, 0, 1, 0, 1] }
}

test('EEG passes encoder and projection, and becomes a text; the networks are freed with their reader', async () => {
  const { language } = await makeParts()
  const brainRegions = [0, 0, 1]
  const sizes = { inDim: 25, outDim: 25, dModel: 25, dimFeedforward: 30, nhead: 5, nLayer: 1 }
  const encoder = new EegEncoder(models.csbrain({ ...sizes, brainRegions, nPatches: 2 }))
  const csbrain = encoder.encoder
  const projection = models.eegProjection({ inDim: 25, outDim: language.width })
  const wide = models.eegProjection({ inDim: 6, outDim: 50 })
  expect(errorOf(() => new EegToText({ projection: wide, language, vocabulary: visual })).code).toBe('SHAPE_MISMATCH')
  expect([wide.disposed, language.model.disposed]).toEqual([false, false])
  const reader = new EegToText({ encoder, projection, language, vocabulary: visual })
  using eeg = randn([2, 3, 2, 25])
  using tokens = await encoder.read(eeg)
  expect(tokens.shape).toEqual([2, 4, 25])
  const read = await reader.read(eeg, { maxNewTokens: 4 })
  expect(read).toEqual(await reader.readTokens(tokens, { maxNewTokens: 4 }))
  expect(read.map(({ tokens: made }) => made.length)).toEqual([4, 4])
  reader.dispose()
  expect([csbrain, encoder.reducer, projection, language.model].map(({ disposed }) => disposed)).toEqual([
    true,
    true,
    true,
    true,
  ])
})

test('a language model learns to read a handful of trials, and keeps every epoch as peft and the document do', async () => {
  const everywhere = ['q_proj', 'v_proj', 'o_proj', 'gate_proj', 'up_proj', 'down_proj']
  const adapter = { r: 16, loraAlpha: 32, loraDropout: 0, targetModules: everywhere }
  const { language, projection, tokens, labels } = await makeParts(false, adapter)
  const epochs = await finetuneText(
    projection,
    language,
    { tokens, labels },
    {
      vocabulary: tiny,
      warmUp: { epochs: 3, lr: 2e-2 },
      joint: { epochs: 37, lr: 2e-2 },
      batchSize: 6,
      accumulate: 2,
      folder,
    },
  )
  expect(epochs.map(({ epoch }) => epoch)).toEqual(Array.from({ length: 40 }, (_, i) => i + 1))
  const losses = epochs.map(({ figures }) => figures.trainLoss!)
  expect(losses.at(-1)!).toBeLessThan(0.6 * losses[0]!)
  expect((await scoreText({ projection, language, vocabulary: tiny }, { tokens, labels })).accuracy).toBe(1)
  expect(openCheckpoint(join(folder, 'projection_epoch40.pth')).metadata.saved).toMatchObject({ epoch: 40 })
  using again = await LanguageModel.load(base, { adapter: join(folder, 'lora_epoch40') })
  using stored = await models.load(join(folder, 'projection_epoch40.pth'), { model: 'eeg_projection' })
  expect(
    (await scoreText({ projection: stored, language: again, vocabulary: tiny }, { tokens, labels })).accuracy,
  ).toBe(1)
  const described = JSON.parse(readFileSync(join(folder, 'lora_epoch40', 'adapter_config.json'), 'utf8'))
  expect(described).toMatchObject({ peft_type: 'LORA', r: 16, lora_alpha: 32, target_modules: everywhere.sort() })
})

test('stopped in either phase it goes on bit for bit, with layers computed twice or once', async () => {
  const told = new Map<string, FinetunedEpoch[]>()
  const train = async (where: string, stopAt: number | undefined, checkpointing: boolean) => {
    const { language, projection, tokens, labels } = await makeParts(checkpointing)
    const cancel = new AbortController()
    const run = finetuneText(
      projection,
      language,
      { tokens, labels },
      {
        vocabulary: tiny,
        warmUp: { epochs: 2, lr: 1e-2 },
        joint: { epochs: 2, lr: 1e-2 },
        batchSize: 3,
        accumulate: 1,
        folder: join(folder, where),
        validation: { tokens: tokens.narrow(0, 0, 4), labels: labels.slice(0, 4) },
        maxNewTokens: 4,
        signal: cancel.signal,
        onEpoch: ({ epoch }) => epoch === stopAt && cancel.abort(),
      },
    )
    if (stopAt === undefined) told.set(where, await run)
    else expect((await rejectionOf(run)).code).toBe('CANCELLED')
    const state = { ...projection.stateDict(), ...language.model.parameters() }
    return Object.values(state).map((tensor) => tensor.toTypedArray() as Float32Array)
  }
  const whole = await train('whole', undefined, false)
  await train('parts', 1, false)
  await train('parts', 3, false)
  const parts = await train('parts', undefined, false)
  const twice = await train('twice', undefined, true)
  for (const [i, values] of whole.entries()) {
    expect(Buffer.from(values.buffer).equals(Buffer.from(parts[i]!.buffer))).toBe(true)
    expect(Buffer.from(values.buffer).equals(Buffer.from(twice[i]!.buffer))).toBe(true)
  }
  expect(existsSync(join(folder, 'parts', 'lora_epoch4', 'adapter_model.safetensors'))).toBe(true)
  // what was read of validation trials before a stop is told after it
  const validations = (where: string) =>
    told.get(where)!.map(({ epoch, phase, validation }) => [epoch, phase, validation])
  expect(validations('parts')).toEqual(validations('whole'))
  expect(told.get('parts')!.map(({ validation }) => validation!.total)).toEqual([4, 4, 4, 4])
})
