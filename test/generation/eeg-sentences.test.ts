import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  EegEncoder,
  EegToText,
  LanguageModel,
  labelsOfClasses,
  manualSeed,
  memory,
  models,
  type ReadSentencesOptions,
  randn,
  readSentences,
  type Tensor,
  textVocabularies,
  vocabularyOfClasses,
} from 'eegtorch'
import { useOneThread } from '../one-thread.ts'
import { errorOf, rejectionOf } from '../thrown.ts'

const fixtures = join(import.meta.dirname, '..', 'fixtures', 'generation', 'llama-pipeline')
const work = mkdtempSync(join(tmpdir(), 'eegtorch-eeg-sentences-'))
const files = {
  encoder: join(work, 'encoder.safetensors'),
  projection: join(work, 'projection.safetensors'),
  language: join(fixtures, 'base'),
  adapter: join(fixtures, 'adapter'),
}
const vocabulary = textVocabularies['motor-imagery']!
const channels = ['Cz', 'Fz', 'Pz', 'Oz']
const SMALL = { inDim: 25, outDim: 25, dModel: 25, dimFeedforward: 32, nhead: 5, nLayer: 1, nPatches: 2 }
let trials: Tensor

useOneThread()
beforeAll(async () => {
  manualSeed(1)
  trials = randn([3, 4, 50]) as Tensor
  await models.csbrain({ ...SMALL, brainRegions: [4, 0, 1, 3] }).save(files.encoder)
  await models.eegProjection({ inDim: 25, outDim: 48, nTokens: 8 }).save(files.projection)
})
afterAll(() => rmSync(work, { recursive: true }))

async function readAll(options: Partial<ReadSentencesOptions> = {}): Promise<string[]> {
  const all: string[] = []
  for await (const texts of readSentences(files, trials, { vocabulary, channels, maxNewTokens: 6, ...options }))
    all.push(...texts.map(({ text }) => text))
  return all
}

test('sentences are those of the networks one after the other, in any batch, and nothing is left in memory', async () => {
  using encoder = await EegEncoder.load(files.encoder, { channels })
  using language = await LanguageModel.load(files.language, { adapter: files.adapter })
  using projection = await models.load(files.projection, { model: 'eeg_projection' })
  const reader = new EegToText({ projection, language, vocabulary })
  const expected = (await reader.readTokens(await encoder.read(trials), { maxNewTokens: 6 })).map(({ text }) => text)
  const before = memory().tensors
  const stages: string[] = []
  expect(await readAll({ batch: 2, onProgress: ({ stage }) => stages.push(stage) })).toEqual(expected)
  expect([...new Set(stages)]).toEqual(['encode', 'load', 'read'])
  expect(memory().tensors).toBe(before)
  for await (const _ of readSentences(files, trials, { vocabulary, channels, batch: 1, maxNewTokens: 2 })) break
  expect(memory().tensors).toBe(before)
})

test('drawn sentences depend on seed and number, and a signal ends the reading', async () => {
  const options = { sample: true, temperature: 1.5, seed: 7 }
  const all = await readAll({ ...options, batch: 3 })
  expect(await readAll({ ...options, numbers: [0, 1, 2] })).toEqual(all)
  expect((await readAll({ ...options, numbers: [2, 1, 0] }))[0]).not.toBe(all[0])
  const cancel = new AbortController()
  const onProgress: ReadSentencesOptions['onProgress'] = ({ stage }) => stage === 'read' && cancel.abort()
  expect((await rejectionOf(readAll({ batch: 1, signal: cancel.signal, onProgress }))).code).toBe('CANCELLED')
})

test.each(['bfloat16', 'float16'] as const)(
  'a language model in %s reads what a small encoder in float32 gives',
  async (dtype) => {
    for (const place of ['before-prompt', 'after-prompt'] as const) {
      expect(await readAll({ dtype, place })).toHaveLength(3)
      expect(await readAll({ dtype, place, quantize: 'nf4' })).toHaveLength(3)
    }
  },
)

test('what does not fit is named, and classes find their vocabulary', async () => {
  await models.eegProjection({ inDim: 30, outDim: 48, nTokens: 8 }).save(join(work, 'wide.safetensors'))
  const wide = { ...files, projection: join(work, 'wide.safetensors') }
  const reading = readSentences(wide, trials, { vocabulary, channels })
  expect((await rejectionOf(reading.next())).message).toMatch(/tokens of 25.*received 30/)
  const narrow = readSentences(files, trials.narrow(1, 0, 3) as Tensor, { vocabulary, channels })
  expect((await rejectionOf(narrow.next())).message).toMatch(/do not fit/)
  expect(vocabularyOfClasses(['left_hand', 'feet']).name).toBe('motor-imagery')
  expect(labelsOfClasses(['feet', 'left-hand'], vocabulary)).toEqual([2, 0])
  expect(errorOf(() => vocabularyOfClasses(['dog', 'feet'])).message).toMatch(/no vocabulary knows.*received dog, feet/)
})
