import { cpSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  LanguageModel,
  type LoadLanguageOptions,
  noGrad,
  ones,
  readSafetensors,
  type Tensor,
  writeSafetensors,
} from 'eegtorch'
import { useOneThread } from '../one-thread.ts'
import { rejectionOf } from '../thrown.ts'

const pipeline = join(import.meta.dirname, '..', 'fixtures', 'generation', 'llama-pipeline')
const base = join(pipeline, 'base')
const adapter = join(pipeline, 'adapter')
const INDEX = 'model.safetensors.index.json'
let folder: string
let weights: Map<string, Tensor>
let reference: Map<string, Tensor>
useOneThread()
beforeAll(async () => {
  weights = await readSafetensors(join(base, 'model.safetensors')).loadAll({ copy: true })
  reference = await readSafetensors(join(pipeline, 'expected.safetensors')).loadAll({ copy: true })
})
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'llama-weights-'))
  cpSync(base, folder, { recursive: true })
  rmSync(join(folder, 'model.safetensors'))
})
afterEach(() => rmSync(folder, { recursive: true }))

/** Shards and their index, as transformers names them. */
async function writeShards(count: number): Promise<string[]> {
  const names = [...weights.keys()]
  const files = Array.from({ length: count }, (_, i) => `model-0000${i + 1}-of-0000${count}.safetensors`)
  const fileOf = (name: string) => files[Math.floor((names.indexOf(name) * count) / names.length)]!
  for (const file of files) {
    const part = names.filter((name) => fileOf(name) === file).map((name) => [name, weights.get(name)!] as const)
    await writeSafetensors(join(folder, file), new Map(part), { format: 'pt' })
  }
  const weight_map = Object.fromEntries(names.map((name) => [name, fileOf(name)]))
  writeFileSync(join(folder, INDEX), JSON.stringify({ metadata: { total_size: 1 }, weight_map }))
  return files
}

/** The weights in half precision, or with its rounding in float32. */
async function writeRounded(dtype: 'float16' | 'bfloat16', stored: 'float32' | typeof dtype): Promise<void> {
  const rounded = new Map([...weights].map(([name, tensor]) => [name, tensor.to(dtype).to(stored)]))
  await writeSafetensors(join(folder, 'model.safetensors'), rounded, { format: 'pt' })
  const config = JSON.parse(readFileSync(join(folder, 'config.json'), 'utf8'))
  writeFileSync(join(folder, 'config.json'), JSON.stringify({ ...config, torch_dtype: stored }))
}

/** Logits behind the pipeline's prefix, and 12 tokens. */
async function outcome(from: string, options: LoadLanguageOptions = {}) {
  using language = await LanguageModel.load(from, options)
  const prefix = reference.get('prefix_embeds')!
  const ids = reference.get('tokens.chat')!.view([1, -1])
  const attentionMask = ones([1, prefix.shape[1]! + ids.shape[1]!], { dtype: 'int64' })
  const dtype = options.dtype ?? 'float32'
  const inputs = { prefixEmbeds: prefix.to(dtype), inputIds: ids, attentionMask, labels: ids }
  const logits = noGrad(() => language.model.run(inputs)).logits.to('float32')
  const tokens = Array.from(ids.toTypedArray() as BigInt64Array, Number)
  const [made] = await language.generate({ prefix, ids: [tokens] }, { maxNewTokens: 12 })
  return { logits, tokens: made!.tokens }
}

const distance = (a: Tensor, b: Tensor) => (a.sub(b).abs().max().item() as number) / (b.abs().max().item() as number)

test.each([
  ['dense', {}],
  ['beside an adapter', { adapter }],
  ['in four bits', { quantize: 'nf4' }],
] as const)('a folder of shards is the model of one file: %s', async (_, options) => {
  await writeShards(3)
  const [whole, shards] = [await outcome(base, options), await outcome(folder, options)]
  expect(shards.tokens).toEqual(whole.tokens)
  expect(shards.logits.equal(whole.logits)).toBe(true)
})

test('shards that are missing, cut off, or not told of are refused by name', async () => {
  const files = await writeShards(3)
  const error = () => rejectionOf(LanguageModel.load(folder))
  truncateSync(join(folder, files[1]!), 1000)
  expect(await error()).toMatchObject({ code: 'FILE_TRUNCATED', file: join(folder, files[1]!) })
  rmSync(join(folder, files[1]!))
  const missing = await error()
  expect(missing).toMatchObject({ code: 'FILE_NOT_FOUND', file: join(folder, INDEX) })
  expect(missing.message).toContain(files[1]!)
  await writeShards(3)
  const index = JSON.parse(readFileSync(join(folder, INDEX), 'utf8'))
  delete index.weight_map['model.norm.weight']
  writeFileSync(join(folder, INDEX), JSON.stringify(index))
  const untold = await error()
  expect(untold.code).toBe('CHECKPOINT_MISMATCH')
  expect(untold.message).toContain('model.norm.weight')
})

test.each([
  ['float16', 1e-2],
  ['bfloat16', 8e-2],
] as const)('weights in %s are read into float32, into four bits, and as they are', async (dtype, rounding) => {
  await writeRounded(dtype, 'float32')
  const wanted = [await outcome(folder), await outcome(folder, { quantize: 'nf4' })]
  await writeRounded(dtype, dtype)
  const got = [await outcome(folder), await outcome(folder, { quantize: 'nf4' })]
  for (const [i, { logits, tokens }] of got.entries()) {
    expect(logits.equal(wanted[i]!.logits)).toBe(true)
    expect(tokens).toEqual(wanted[i]!.tokens)
  }
  // computed in half precision too
  const half = await outcome(folder, { dtype })
  expect(half.tokens).toHaveLength(12)
  expect(distance(half.logits, got[0]!.logits)).toBeGreaterThan(0)
  expect(distance(half.logits, got[0]!.logits)).toBeLessThan(rounding)
})

test('in half precision codes, scales and their maps stay as they are, a new adapter goes with the rest', async () => {
  const nf4 = join(pipeline, '..', 'llama-nf4')
  using wide = await LanguageModel.load(nf4)
  using half = await LanguageModel.load(nf4, { dtype: 'bfloat16', newAdapter: { r: 2 } })
  const own = wide.model.stateDict()
  for (const [name, tensor] of Object.entries(half.model.stateDict())) {
    const isCode = /\.weight\.|_proj\.weight$/.test(name) && !name.startsWith('base_model.')
    expect([name, tensor.dtype]).toEqual([name, isCode ? own[name]!.dtype : 'bfloat16'])
    if (isCode) expect([name, tensor.equal(own[name]!)]).toEqual([name, true])
  }
  const [made] = await half.generate({ ids: [[5, 6, 7]] }, { maxNewTokens: 3 })
  expect(made!.tokens).toHaveLength(3)
})
