import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  EegEncoder,
  EegWindows,
  finetuneText,
  fromTypedArray,
  GenerationFolder,
  LanguageModel,
  manualSeed,
  models,
  openStore,
  readGenerations,
  SentenceSource,
  textVocabularies,
  workOfWindows,
  writeStore,
} from 'eegtorch'
import { runNode } from '../built.ts'
import { useOneThread } from '../one-thread.ts'

const root = join(import.meta.dirname, '..', '..')
const main = join(root, 'dist', 'cli', 'main.js')
const pipelines = join(root, 'test', 'oracle', 'pipelines')
const base = join(root, 'test', 'fixtures', 'generation', 'llama-pipeline', 'base')
const work = mkdtempSync(join(tmpdir(), 'eegtorch-sentences-'))
const at = (...parts: string[]) => join(work, ...parts)
const run = (...args: string[]) => runNode([main, ...args, '--threads', '1'])
const recordsOf = (folder: string) => readGenerations(join(folder, 'generations.jsonl'))
const sentencesOf = (folder: string) =>
  readFileSync(join(folder, 'sentences.jsonl'), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))

const visual = textVocabularies['visual-imagery']!
const SMALL = { inDim: 25, outDim: 25, dModel: 25, dimFeedforward: 32, nhead: 5, nLayer: 1, nPatches: 2 }
const shape = { trials: 4, channels: 4, samples: 50 }

useOneThread()

/** Two classes that hardly look alike, an encoder, and a language model that was taught to tell them in the document's phases. */
beforeAll(async () => {
  const { trials, channels, samples } = shape
  const origins = Array.from({ length: trials }, (_, i) => ({
    ...{ recording: 0, trial: i + 1, onset: i, start: samples * i, label: i % 2 },
  }))
  const data = Float32Array.from({ length: trials * channels * samples }, (_, i) => {
    const trial = Math.floor(i / (channels * samples))
    return Math.sin((i % samples) * (trial % 2 ? 1.5 : 0.2)) * (trial % 2 ? 3 : 0.5)
  })
  const recordings = [{ name: 'one', identity: 'one', subject: 'S1', session: undefined, run: undefined }]
  const names = { classNames: ['dog', 'cup'], channelNames: ['Fz', 'Pz', 'Oz', 'Cz'] }
  await writeStore(
    at('store'),
    new EegWindows({ data, origins, recordings, ...names, nSamples: samples, samplingRate: 200 }),
  )
  cpSync(base, at('llama'), { recursive: true })
  manualSeed(3)
  await models.csbrain({ ...SMALL, brainRegions: [0, 1, 3, 4] }).save(at('encoder.safetensors'))
  using encoder = await EegEncoder.load(at('encoder.safetensors'), { channels: names.channelNames })
  using tokens = await encoder.read(fromTypedArray(data, { shape: [trials, channels, samples] }))
  const targetModules = ['q_proj', 'v_proj', 'o_proj', 'up_proj', 'down_proj']
  const newAdapter = { r: 16, loraAlpha: 32, loraDropout: 0, targetModules }
  using language = await LanguageModel.load(at('llama'), { newAdapter })
  using projection = models.eegProjection({ inDim: 25, outDim: language.width, nTokens: 8, dropProb: 0 })
  const sentences = visual.labels.map((label) => [label])
  const labels = origins.map(({ label }) => (label === 0 ? 0 : 8))
  await finetuneText(
    projection,
    language,
    { tokens, labels },
    {
      ...{ vocabulary: { ...visual, sentences }, folder: at('learned'), batchSize: trials, accumulate: 1 },
      warmUp: { epochs: 5, lr: 2e-2 },
      joint: { epochs: 25, lr: 2e-2 },
    },
  )
})
afterAll(() => rmSync(work, { recursive: true }))

const reading = () => [
  ...['generate', '--data', at('store'), '--encoder', at('encoder.safetensors'), '--language', at('llama'), '--json'],
  ...['--projection', at('learned', 'projection_epoch30.pth')],
]

test('EEG becomes a sentence, its keyword a prompt, and this a picture; no sentence is read twice', async () => {
  const adapter = ['--adapter', at('learned', 'lora_epoch30'), '--max-new-tokens', '6']
  const drawing = ['--diffusion', join(pipelines, 'sd21'), '--steps', '2', '--low-memory', '--preview-every', '1']
  const args = [...reading(), '--pipeline', 'text', ...adapter, ...drawing, '--out', at('text')]
  const first = await run(...args, '--n', '2', '--batch', '2')
  expect(first.stderr).toBe('')
  expect(JSON.parse(first.stdout)).toMatchObject({
    ...{ made: 2, pictures: 2, right: 2, known: 2, mode: 'keyword-prompt' },
    keywords: { correct: 2, total: 2, without: 0, chance: 0.5 },
  })
  const records = recordsOf(at('text'))
  expect(records.map(({ keyword, prompt, mode }) => [keyword, prompt, mode])).toEqual([
    ['dog', visual.prompts[0], 'keyword-prompt'],
    ['cup', visual.prompts[8], 'keyword-prompt'],
  ])
  expect(records.map(({ sentence }) => sentence)).toEqual(sentencesOf(at('text')).map(({ sentence }) => sentence))
  const files = readdirSync(at('text'))
  expect(files).toEqual(expect.arrayContaining(['generated_0001_truedog_preddog.png', 'summary_grid.png']))
  expect(files).not.toContain('preview.png')

  // without its language model the folder makes what was read before, and nothing else
  renameSync(at('llama'), at('away'))
  rmSync(at('text', records[1]!.file))
  const again = await run(...args, '--n', '2')
  expect(JSON.parse(again.stdout)).toMatchObject({ made: 1, pictures: 2, keywords: { total: 2 } })
  const more = await run(...args, '--n', '3')
  expect([more.code, JSON.parse(more.stdout).error.code]).toEqual([1, 'FILE_NOT_FOUND'])
  renameSync(at('away'), at('llama'))

  // EEG of the other class says the other word
  const controlled = await run(...args, '--n', '2', '--controls', 'shuffled')
  expect(JSON.parse(controlled.stdout)).toMatchObject({
    made: 0,
    controls: { shuffled: { made: 2, keywords: { correct: 0, total: 2, without: 0 } } },
  })
  const [control] = recordsOf(at('text', 'controls', 'shuffled'))
  expect([control!.true, control!.keyword, control!.mode]).toEqual([
    'dog',
    'cup',
    'keyword-prompt + EEG of another trial',
  ])
})

test('drawn words depend on the seed and the trial alone; what names nothing is drawn as it is, by aMUSEd', async () => {
  const args = [...reading(), '--pipeline', 'amused', '--nf4', '--sample', '--temperature', '1.2', '--seed', '5']
  const alone = await run(...args, '--max-new-tokens', '8', '--n', '2', '--out', at('alone'))
  expect(alone.stderr).toBe('')
  expect(JSON.parse(alone.stdout)).toMatchObject({ made: 0, pictures: 0, mode: '', keywords: { total: 2, without: 2 } })
  // what was read alone is drawn later, and not read again
  const read = readFileSync(at('alone', 'sentences.jsonl'), 'utf8')
  const later = [...args, '--max-new-tokens', '8', '--n', '2', '--out', at('alone'), '--steps']
  const painted = await run(...later, '2', '--diffusion', join(pipelines, 'amused'))
  expect(JSON.parse(painted.stdout)).toMatchObject({ made: 2, pictures: 2 })
  expect(readFileSync(at('alone', 'sentences.jsonl'), 'utf8')).toBe(read)
  const others = await run(...later, '3', '--diffusion', join(pipelines, 'amused'))
  expect(others.stdout).toMatch(/pictures that were made with other settings.*another steps/)
  const drawn = await run(
    ...[...args, '--max-new-tokens', '8', '--n', '3', '--batch', '3', '--out', at('amused')],
    ...['--diffusion', join(pipelines, 'amused'), '--steps', '2'],
  )
  expect(JSON.parse(drawn.stdout)).toMatchObject({ made: 3, mode: 'sentence-prompt', right: 0 })
  const sentences = sentencesOf(at('amused'))
  expect(sentences.slice(0, 2)).toEqual(sentencesOf(at('alone')))
  expect(new Set(sentences.map(({ sentence }) => sentence)).size).toBeGreaterThan(1)
  expect(recordsOf(at('amused'))[0]).toMatchObject({ predicted: 'unknown', prompt: sentences[0].sentence, seed: 5 })
  expect(existsSync(at('amused', 'summary_grid.png'))).toBe(true)
})

test('sentences drawn without a word about the seed are found again', async () => {
  const { windows } = openStore(at('store'))
  const work = await workOfWindows(windows, { n: 2 })
  const drawing = { pipeline: 'text', sample: true, maxNewTokens: 4, encoder: at('encoder.safetensors') } as const
  const projection = at('learned', 'projection_epoch30.pth')
  await using folder = await GenerationFolder.open(at('unseeded'), { settings: {} })
  for (const language of [at('llama'), at('no such folder')]) {
    using source = new SentenceSource({ ...drawing, projection, language }, { windows, work, folder })
    await source.prepare([0, 1])
    expect(source.accuracy().total).toBe(2)
  }
  expect(sentencesOf(at('unseeded')).map(({ seed }) => seed)).toEqual([0, 0])
})

test('what is missing, or not there, is named', async () => {
  const missing = await run('generate', '--pipeline', 'text', '--data', at('store'), '--out', at('none'))
  expect(missing.stderr).toMatch(/encoder: the pipeline text needs it/)
  const other = await run(...reading(), '--pipeline', 'text', '--vocabulary', 'motor-imagery', '--out', at('none'))
  expect(JSON.parse(other.stdout).error.message).toMatch(/motor-imagery has no class dog/)
  const montage = await run(...reading(), '--pipeline', 'text', '--montage', 'bcic-iv-2a', '--out', at('other'))
  expect(JSON.parse(montage.stdout).error.message).toMatch(/montage bcic-iv-2a has no channel Oz/)
})
