import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { LanguageModel, readSafetensors, type Tensor } from 'eegtorch'
import { leastOf } from '../event-loop.ts'
import { useOneThread } from '../one-thread.ts'
import { rejectionOf } from '../thrown.ts'

const fixtures = join(import.meta.dirname, '..', 'fixtures', 'generation')
const pipeline = join(fixtures, 'llama-pipeline')
const base = join(pipeline, 'base')
const adapter = join(pipeline, 'adapter')
const expected = JSON.parse(readFileSync(join(fixtures, 'llama-expected.json'), 'utf8'))
const { chat, texts } = JSON.parse(readFileSync(join(pipeline, 'expected.json'), 'utf8'))
let folder: string
let reference: Map<string, Tensor>
useOneThread()
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'language-'))
  reference = await readSafetensors(join(pipeline, 'expected.safetensors')).loadAll({ copy: true })
})
afterAll(() => rmSync(folder, { recursive: true }))

const integers = (tensor: Tensor) => Array.from(tensor.toTypedArray() as BigInt64Array, Number)
const prefix = () => reference.get('prefix_embeds')!

test.each([
  ['base', {}],
  ['adapter', { adapter }],
  ['adapter', { adapter, merge: true }],
] as const)('%s with %j: greedy tokens behind a prefix are those of transformers and peft', async (name, options) => {
  using language = await LanguageModel.load(base, options)
  const ids = integers(reference.get('tokens.chat')!)
  expect(language.tokenizer.encode(chat, { specialTokens: false })).toEqual(ids)
  const [made] = await language.generate({ prefix: prefix(), ids: [ids] }, { maxNewTokens: 16 })
  expect(made!.tokens).toEqual(integers(reference.get(`${name}.generated`)!))
  expect(made!.text).toBe(texts[name])
})

test('drawn tokens, penalised ones and rows that are padded on their left are those of transformers', async () => {
  using language = await LanguageModel.load(base)
  const { ids, options, runs } = expected.sampled
  for (const { seed, tokens } of runs) {
    const [made] = await language.generate({ ids: [ids] }, { ...options, sample: true, seed })
    expect(made!.tokens).toEqual(tokens)
  }
  const both = await language.generate({ ids: expected.padded.ids }, { maxNewTokens: 10 })
  expect(both.map(({ tokens }) => tokens)).toEqual(expected.padded.tokens)
  const [penalised] = await language.generate({ ids: [ids] }, { maxNewTokens: 10, repetitionPenalty: 1.5 })
  expect(penalised!.tokens).toEqual(expected.penalised)
})

test("a checkpoint of bitsandbytes in four bits gives the reference's tokens", async () => {
  using language = await LanguageModel.load(join(fixtures, 'llama-nf4'))
  const [made] = await language.generate({ ids: [expected.nf4.ids] }, { maxNewTokens: 10 })
  expect(made!.tokens).toEqual(expected.nf4.tokens)
})

test('quantised while loading, beside an adapter, a text stays a text', async () => {
  using language = await LanguageModel.load(base, { quantize: 'nf4', adapter })
  expect(language.model.config.weights).toBe('nf4')
  const [made] = await language.generate({ prefix: prefix(), texts: [chat] }, { maxNewTokens: 5 })
  expect(made!.tokens).toHaveLength(5)
  expect(await rejectionOf(LanguageModel.load(base, { quantize: 'nf4', adapter, merge: true }))).toMatchObject({
    code: 'INVALID_OPTION',
    option: 'merge',
  })
})

test("a text ends where the model's context does, and one that fills it is refused before anything is computed", async () => {
  const short = join(folder, 'short')
  cpSync(base, short, { recursive: true })
  const { ids } = expected.sampled as { ids: number[] }
  const config = JSON.parse(readFileSync(join(short, 'config.json'), 'utf8'))
  const context = ids.length + 3
  writeFileSync(join(short, 'config.json'), JSON.stringify({ ...config, max_position_embeddings: context }))
  using language = await LanguageModel.load(short)
  const [made] = await language.generate({ ids: [ids] })
  expect(made).toMatchObject({ finish: 'length' })
  expect(made!.tokens).toHaveLength(3)
  const full = { ids: [[...ids, ...made!.tokens]] }
  expect(await rejectionOf(language.generate(full))).toMatchObject({
    code: 'INVALID_OPTION',
    message: expect.stringContaining('leaves no room'),
    expected: `${context - 1} tokens at most, a prefix included`,
  })
})

test('tokens are told one by one, stop tokens end a text, and a signal ends it between two', async () => {
  using language = await LanguageModel.load(base)
  const { ids } = expected.sampled
  const told: number[] = []
  const [whole] = await language.generate({ ids: [ids] }, { maxNewTokens: 6, onTokens: ([token]) => told.push(token!) })
  expect(told).toEqual(whole!.tokens)
  expect(whole!.finish).toBe('length')
  const stop = whole!.tokens[3]!
  const [ended] = await language.generate({ ids: [ids] }, { maxNewTokens: 6, stopTokens: [stop] })
  expect(ended).toMatchObject({ tokens: whole!.tokens.slice(0, whole!.tokens.indexOf(stop) + 1), finish: 'stop' })
  const cancel = new AbortController()
  const onTokens = (_: readonly number[], count: number) => count === 2 && cancel.abort()
  const stopped = language.generate({ ids: [ids] }, { maxNewTokens: 500, signal: cancel.signal, onTokens })
  expect(await rejectionOf(stopped)).toMatchObject({ code: 'CANCELLED' })
})

test('what cannot be generated is refused', async () => {
  using language = await LanguageModel.load(base)
  const refused = async (prompts: object, options: object = {}) => {
    const error = await rejectionOf(language.generate(prompts, options))
    return [error.code, error.option]
  }
  expect(await refused({ ids: [[5]] }, { temperature: 0, sample: true })).toEqual(['INVALID_OPTION', 'temperature'])
  expect(await refused({ ids: [[5]] }, { topP: 1.5 })).toEqual(['INVALID_OPTION', 'topP'])
  expect(await refused({ ids: [[5]] }, { seed: -1 })).toEqual(['INVALID_OPTION', 'seed'])
  expect(await refused({ ids: [[5e6]] })).toEqual(['INVALID_OPTION', 'inputIds'])
  expect((await refused({}))[0]).toBe('INVALID_OPTION')
  expect((await refused({ prefix: prefix().narrow(2, 0, 7) }))[0]).toBe('SHAPE_MISMATCH')
})

test.each([
  ['another kind of model', { model_type: 'gpt2' }, 'FILE_UNSUPPORTED'],
  ['other positions', { rope_scaling: { rope_type: 'dynamic', factor: 8 } }, 'FILE_UNSUPPORTED'],
  ['another width', { hidden_size: 96 }, 'CHECKPOINT_MISMATCH'],
  ['a size that is none', { vocab_size: -1 }, 'FILE_INVALID'],
])('a config with %s is refused', async (_, change, code) => {
  cpSync(base, folder, { recursive: true })
  const config = JSON.parse(readFileSync(join(base, 'config.json'), 'utf8'))
  writeFileSync(join(folder, 'config.json'), JSON.stringify({ ...config, ...change }))
  expect(await rejectionOf(LanguageModel.load(folder))).toMatchObject({ code })
})

test('the event loop is free while texts are continued: its longest stall is shorter than a token', async () => {
  using language = await LanguageModel.load(base, { adapter, quantize: 'nf4' })
  const ids = Array.from({ length: 256 }, () => expected.sampled.ids as number[])
  const delay = monitorEventLoopDelay({ resolution: 1 })
  /** The longest stall as a share of the time that a token took. A loop that waits for each token gives 1 or more. */
  const stallOf = async (seed: number): Promise<number> => {
    delay.reset()
    delay.enable()
    const begin = performance.now()
    const made = await language.generate({ ids }, { maxNewTokens: 6, sample: true, seed, stopTokens: [] })
    const perToken = (performance.now() - begin) / 6
    delay.disable()
    expect(made.every(({ tokens }) => tokens.length === 6)).toBe(true)
    return delay.max / 1e6 / perToken
  }
  await stallOf(0) // compiles what is called
  expect(await leastOf(0.5, stallOf)).toBeLessThan(0.5)
})
