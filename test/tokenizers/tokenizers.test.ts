import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { loadTokenizer } from 'eegtorch'
import { errorOf, rejectionOf } from '../thrown.ts'

const fixtures = join(import.meta.dirname, '..', 'fixtures', 'generation')
const expected = JSON.parse(readFileSync(join(fixtures, 'tokenizers.json'), 'utf8'))
let root: string
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'tokenizers-'))
  for (const name of Object.keys(expected.folders)) write(name)
})
afterAll(() => rmSync(root, { recursive: true }))

/** The folder of a variant: vocabulary and merges of the tiny CLIP or Llama, the config that the variant is about. */
function write(name: string, change: Record<string, unknown> = {}, as = name): string {
  const { config, specialTokensMap, tokenizerJson } = expected.folders[name]
  const folder = join(root, as)
  const llama = config.tokenizer_class === 'LlamaTokenizer'
  mkdirSync(folder, { recursive: true })
  const files = llama ? ['tokenizer.json'] : ['vocab.json', 'merges.txt']
  const from = join(fixtures, llama ? 'llama-tokenizer' : 'clip-pipeline')
  for (const file of files) cpSync(join(from, file), join(folder, file))
  const save = (file: string, value: unknown) => writeFileSync(join(folder, file), JSON.stringify(value))
  save('tokenizer_config.json', { ...config, ...change })
  if (specialTokensMap) save('special_tokens_map.json', specialTokensMap)
  if (tokenizerJson) {
    const vocab = JSON.parse(readFileSync(join(folder, 'vocab.json'), 'utf8'))
    const merges = readFileSync(join(folder, 'merges.txt'), 'utf8').trim().split('\n').slice(1)
    save('tokenizer.json', { ...tokenizerJson, model: { ...tokenizerJson.model, vocab, merges } })
    for (const file of files) rmSync(join(folder, file))
  }
  return folder
}

// Expected ids and texts: transformers 5.23 from the same folders
test.each(Object.keys(expected.folders))('%s: the tokens of texts and the texts of tokens', async (name) => {
  const tokenizer = await loadTokenizer(join(root, name))
  const { ids, decoded } = expected.folders[name]
  const got = expected.texts.map((text: string) => tokenizer.encode(text, { maxLength: 10_000 }))
  expect(got).toEqual(ids)
  for (const { ids, text, bare } of decoded) {
    expect(tokenizer.decode(ids, { skipSpecialTokens: false })).toBe(text)
    expect(tokenizer.decode(ids)).toBe(bare)
  }
})

test('rows are cut and filled as the folder says', async () => {
  const { sentences, clip, mask, exclamation, llama } = expected.batches
  const sd15 = await loadTokenizer(join(root, 'clip'))
  const batch = sd15.encodeBatch(sentences, { padTo: 'maxLength', truncate: true })
  expect(batch).toEqual({ ids: clip, mask })
  const sd21 = await loadTokenizer(join(root, 'exclamation'))
  expect(sd21.encodeBatch(sentences.slice(0, 3)).ids).toEqual(exclamation)
  expect(sd21.padId).toBe(0)
  const tiny = await loadTokenizer(join(root, 'llama'))
  expect(tiny.encodeBatch(sentences.slice(0, 3)).ids).toEqual(llama)
})

test("TinyLlama's chat template", async () => {
  const { messages, with: asked, without } = expected.chat
  const tokenizer = await loadTokenizer(join(root, 'llama'))
  expect(tokenizer.chat(messages)).toBe(asked)
  expect(tokenizer.chat(messages, { generationPrompt: false })).toBe(without)
})

test('a text of more than 77 tokens is an error, unless it may be cut', async () => {
  const tokenizer = await loadTokenizer(join(root, 'clip'))
  const long = expected.batches.sentences.at(-1)
  expect(errorOf(() => tokenizer.encode(long))).toMatchObject({
    code: 'INVALID_OPTION',
    expected: 'at most 77 tokens',
    received: '98 tokens',
  })
  const cut = tokenizer.encode(long, { truncate: true })
  expect(cut).toHaveLength(77)
  expect(cut.at(-1)).toBe(tokenizer.eosId)
  expect(errorOf(() => tokenizer.encode(long, { truncate: true, maxLength: 1 })).code).toBe('INVALID_OPTION')
  const whole = tokenizer.encode(long, { maxLength: 1000 })
  expect(cut).toEqual([...whole.slice(0, 76), tokenizer.eosId])
  const other = await loadTokenizer(write('clip', { truncation_side: 'left' }, 'cut before'))
  expect(other.encode(long, { truncate: true })).toEqual([tokenizer.bosId, ...whole.slice(-76)])
})

describe('what cannot be used is a clear error', () => {
  test('ids, filling and chat that the tokenizer does not have', async () => {
    const clip = await loadTokenizer(join(root, 'clip'))
    expect(errorOf(() => clip.decode([1, clip.vocabSize])).code).toBe('INVALID_OPTION')
    expect(errorOf(() => clip.encodeBatch(['a dog'], { padTo: 1 })).option).toBe('padTo')
    expect(errorOf(() => clip.chat([{ role: 'user', content: 'a' }])).code).toBe('INVALID_OPTION')
    const bare = await loadTokenizer(write('llama', { pad_token: undefined, model_max_length: 1e30 }, 'bare'))
    expect(errorOf(() => bare.encodeBatch(['a', 'a dog'])).message).toMatch(/token to fill up with/)
    expect(errorOf(() => bare.encodeBatch(['a'], { padTo: 'maxLength' })).option).toBe('padTo')
  })

  test.each([
    ['an unknown class', { tokenizer_class: 'BertTokenizer' }, 'FILE_UNSUPPORTED'],
    ['a length that is none', { model_max_length: -3 }, 'FILE_INVALID'],
    ['a token outside the vocabulary', { eos_token: '<end>' }, 'FILE_INVALID'],
    ['a token that is no text', { added_tokens_decoder: { 1: { content: 5 } } }, 'FILE_INVALID'],
    ['an id beyond all', { added_tokens_decoder: { 9e15: { content: 'x' } } }, 'FILE_INVALID'],
  ])('%s', async (name, change, code) => {
    const folder = write('clip', change, name)
    rmSync(join(folder, 'special_tokens_map.json'))
    const file = name === 'a token outside the vocabulary' ? folder : join(folder, 'tokenizer_config.json')
    expect(await rejectionOf(loadTokenizer(folder))).toMatchObject({ code, file })
  })

  test.each([
    ['no folder', undefined, undefined, 'FILE_NOT_FOUND'],
    ['vocabulary of a list', 'vocab.json', '[]', 'FILE_INVALID'],
    ['no JSON', 'vocab.json', '{"a": ', 'FILE_INVALID'],
    ['an id twice', 'vocab.json', '{"a": 1, "b": 1}', 'FILE_INVALID'],
    ['a merge of unknown tokens', 'merges.txt', '#version: 0.2\nzz qq\n', 'FILE_INVALID'],
    ['bytes that are no text', 'merges.txt', Buffer.from([0xff, 0xfe, 0x00]), 'FILE_INVALID'],
  ])('%s', async (name, file, content, code) => {
    const folder = file === undefined ? join(root, 'nowhere') : write('clip', {}, name)
    if (file !== undefined) writeFileSync(join(folder, file), content!)
    const error = await rejectionOf(loadTokenizer(folder))
    expect(error).toMatchObject({ code, file: expect.stringContaining(file ?? folder) })
  })
})
