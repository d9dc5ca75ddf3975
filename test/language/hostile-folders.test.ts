import { cpSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  fromTypedArray,
  LanguageModel,
  models,
  readSafetensors,
  type Tensor,
  writeSafetensors,
  writeTorch,
} from 'eegtorch'
import { useOneThread } from '../one-thread.ts'
import { rejectionOf } from '../thrown.ts'

const fixtures = join(import.meta.dirname, '..', 'fixtures', 'generation')
const base = join(fixtures, 'llama-pipeline', 'base')
const adapter = join(fixtures, 'llama-pipeline', 'adapter')
const nf4 = join(fixtures, 'llama-nf4')
const expected = JSON.parse(readFileSync(join(fixtures, 'llama-expected.json'), 'utf8'))
const WEIGHT = 'model.layers.1.mlp.down_proj.weight'
const STATE = `${WEIGHT}.quant_state.bitsandbytes__nf4`
let folder: string
let quantised: Map<string, Tensor>
useOneThread()
beforeAll(async () => {
  quantised = await readSafetensors(join(nf4, 'model.safetensors')).loadAll({ copy: true })
})
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'hostile-folders-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

function changeJson(file: string, change: object): void {
  const path = join(folder, file)
  writeFileSync(path, JSON.stringify({ ...JSON.parse(readFileSync(path, 'utf8')), ...change }))
}

const bytesOf = (text: string) => fromTypedArray(Uint8Array.from(Buffer.from(text)))
const stateOf = () => JSON.parse(Buffer.from(quantised.get(STATE)!.toTypedArray() as Uint8Array).toString())

describe('a config is refused by name', () => {
  test.each([
    ['more layers than there are weights', { num_hidden_layers: 4000 }, 'CHECKPOINT_MISMATCH'],
    ['far wider than its weights', { intermediate_size: 2 ** 22 }, 'CHECKPOINT_MISMATCH'],
    ['a vocabulary larger than its weights', { vocab_size: 2 ** 24 }, 'CHECKPOINT_MISMATCH'],
    ['a vocabulary beyond all', { vocab_size: 2 ** 50 }, 'FILE_INVALID'],
    ['layers beyond all', { num_hidden_layers: 1e9 }, 'FILE_INVALID'],
    ['a context beyond all', { max_position_embeddings: 2 ** 40 }, 'FILE_INVALID'],
    ['positions of no wavelength', { rope_parameters: { rope_theta: -1 } }, 'FILE_INVALID'],
    ['a last token outside of the vocabulary', { eos_token_id: 5000 }, 'FILE_INVALID'],
    ['heads that do not divide its width', { num_attention_heads: 7 }, 'INVALID_OPTION'],
  ])('%s', async (_, change, code) => {
    cpSync(base, folder, { recursive: true })
    changeJson('config.json', change)
    const file = join(folder, 'config.json')
    expect(await rejectionOf(LanguageModel.load(folder))).toMatchObject({ code, file })
  })
})

describe('a description of four bits is refused by name', () => {
  const write = async (change: (tensors: Map<string, Tensor>) => void) => {
    cpSync(nf4, folder, { recursive: true })
    const tensors = new Map(quantised)
    change(tensors)
    await writeSafetensors(join(folder, 'model.safetensors'), tensors, { format: 'pt' })
  }
  const described = (change: object) => bytesOf(JSON.stringify({ ...stateOf(), ...change }))

  test.each<[string, () => Tensor, string]>([
    ['other blocks', () => described({ blocksize: 128 }), 'FILE_UNSUPPORTED'],
    ['blocks that are no number', () => described({ blocksize: '64' }), 'FILE_INVALID'],
    ['fp4', () => described({ quant_type: 'fp4' }), 'FILE_UNSUPPORTED'],
    ['other blocks of scales', () => described({ nested_blocksize: 64 }), 'FILE_UNSUPPORTED'],
    ['a type that is none', () => described({ dtype: 'int8' }), 'FILE_INVALID'],
    ['a matrix on its side', () => described({ shape: stateOf().shape.toReversed() }), 'CHECKPOINT_MISMATCH'],
    ['a huge matrix', () => described({ shape: [2 ** 60, 2 ** 60] }), 'FILE_INVALID'],
    ['scales that are not quantised', () => described({ nested_offset: undefined }), 'CHECKPOINT_MISMATCH'],
    ['an offset that is text', () => described({ nested_offset: 'much' }), 'FILE_INVALID'],
    ['no JSON', () => bytesOf('{"quant_type": "nf4", "blocksize": 6'), 'FILE_INVALID'],
    ['a list', () => bytesOf('[]'), 'FILE_INVALID'],
    ['bytes without end', () => bytesOf(' '.repeat(5000)), 'FILE_INVALID'],
    ['numbers', () => fromTypedArray(new Float32Array(64)), 'FILE_INVALID'],
  ])('%s', async (_, make, code) => {
    await write((tensors) => tensors.set(STATE, make()))
    const error = await rejectionOf(LanguageModel.load(folder))
    expect(error).toMatchObject({ code, file: join(folder, 'model.safetensors') })
    expect(error.message).toContain(WEIGHT)
  })

  test.each<[string, (tensors: Map<string, Tensor>) => void, string]>([
    ['none at all', (tensors) => tensors.delete(STATE), 'FILE_UNSUPPORTED'],
    [
      'codes of another length',
      (tensors) => tensors.set(WEIGHT, fromTypedArray(new Uint8Array(64))),
      'CHECKPOINT_MISMATCH',
    ],
    ['scales that are missing', (tensors) => tensors.delete(`${WEIGHT}.absmax`), 'CHECKPOINT_MISMATCH'],
    [
      'codes of another type',
      (tensors) => tensors.set(WEIGHT, tensors.get(WEIGHT)!.to('int64')),
      'CHECKPOINT_MISMATCH',
    ],
  ])('%s', async (_, change, code) => {
    await write(change)
    const error = await rejectionOf(LanguageModel.load(folder))
    expect(error).toMatchObject({ code, file: join(folder, 'model.safetensors') })
    expect(error.message).toContain(WEIGHT)
  })

  test('a file that was cut off', async () => {
    await write(() => {})
    const file = join(folder, 'model.safetensors')
    truncateSync(file, 100_000)
    expect(await rejectionOf(LanguageModel.load(folder))).toMatchObject({ code: 'FILE_TRUNCATED', file })
  })

  test('one that holds gives the same network through models.load', async () => {
    using language = await LanguageModel.load(nf4)
    using net = await models.load(nf4)
    expect([net.name, net.config]).toEqual(['llama', language.model.config])
    for (const [name, tensor] of Object.entries(language.model.stateDict()))
      expect([name, net.stateDict()[name]!.equal(tensor)]).toEqual([name, true])
  })
})

test.each([
  ['use_dora', true],
  ['use_qalora', true],
  ['lora_bias', true],
  ['bias', 'all'],
  ['fan_in_fan_out', true],
  ['rank_pattern', { q_proj: 4 }],
  ['alpha_pattern', { q_proj: 4 }],
  ['modules_to_save', ['lm_head']],
  ['layers_to_transform', [1]],
  ['layers_to_transform', 0],
  ['layers_pattern', 'layers'],
  ['target_parameters', ['experts']],
  ['init_lora_weights', 'pissa'],
  ['init_lora_weights', 'loftq'],
])('an adapter with %s of %j is refused by name', async (name, value) => {
  cpSync(adapter, folder, { recursive: true })
  changeJson('adapter_config.json', { [name]: value })
  const error = await rejectionOf(LanguageModel.load(base, { adapter: folder }))
  expect(error).toMatchObject({ code: 'FILE_UNSUPPORTED', file: join(folder, 'adapter_config.json') })
  expect(error.message).toContain(name)
})

test('an adapter whose projections a pattern names is the same', async () => {
  cpSync(adapter, folder, { recursive: true })
  changeJson('adapter_config.json', { target_modules: '.*self_attn\\.(q|v)_proj' })
  await expectSameAdapter()
})

test('an adapter that peft saved with torch.save is the same', async () => {
  cpSync(adapter, folder, { recursive: true })
  const weights = join(folder, 'adapter_model.safetensors')
  await writeTorch(join(folder, 'adapter_model.bin'), await readSafetensors(weights).loadAll({ copy: true }))
  rmSync(weights)
  await expectSameAdapter()
})

async function expectSameAdapter(): Promise<void> {
  using changed = await LanguageModel.load(base, { adapter: folder })
  using plain = await LanguageModel.load(base, { adapter })
  const expected = plain.model.stateDict()
  for (const [name, tensor] of Object.entries(changed.model.stateDict()))
    expect([name, tensor.equal(expected[name]!)]).toEqual([name, true])
}

test.each([
  ['another method', { peft_type: 'IA3' }, 'FILE_UNSUPPORTED', 'adapter_config.json'],
  ['a rank of nothing', { r: 0 }, 'FILE_INVALID', 'adapter_config.json'],
  ['a rank beyond all', { r: 2 ** 40 }, 'FILE_INVALID', 'adapter_config.json'],
  ['another rank than its weights', { r: 3 }, 'CHECKPOINT_MISMATCH', 'adapter_model.safetensors'],
  [
    'fewer projections than its weights',
    { target_modules: ['q_proj'] },
    'CHECKPOINT_MISMATCH',
    'adapter_model.safetensors',
  ],
])('an adapter of %s is refused, merged or not', async (_, change, code, file) => {
  cpSync(adapter, folder, { recursive: true })
  changeJson('adapter_config.json', change)
  const error = await rejectionOf(LanguageModel.load(base, { adapter: folder }))
  expect(error).toMatchObject({ code, file: join(folder, file) })
  if (!('target_modules' in change))
    expect(await rejectionOf(LanguageModel.load(base, { adapter: folder, merge: true }))).toMatchObject({ code })
})

test('a rank-stabilised adapter is a plain one that is scaled by the root of its rank', async () => {
  cpSync(adapter, folder, { recursive: true })
  const { r, lora_alpha } = JSON.parse(readFileSync(join(adapter, 'adapter_config.json'), 'utf8'))
  const { ids } = expected.sampled
  const continuation = async (change: object, merge: boolean) => {
    changeJson('adapter_config.json', change)
    using language = await LanguageModel.load(base, { adapter: folder, merge })
    const [made] = await language.generate({ ids: [ids] }, { maxNewTokens: 12 })
    return made!.tokens
  }
  for (const merge of [false, true]) {
    const plain = await continuation({ use_rslora: false, lora_alpha: 40 * lora_alpha * Math.sqrt(r) }, merge)
    expect(await continuation({ use_rslora: true, lora_alpha: 40 * lora_alpha }, merge)).toEqual(plain)
    expect(await continuation({ use_rslora: false, lora_alpha: 40 * lora_alpha }, merge)).not.toEqual(plain)
  }
})
