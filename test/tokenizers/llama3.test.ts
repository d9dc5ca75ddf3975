import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { loadTokenizer } from 'eegtorch'
import { rejectionOf } from '../thrown.ts'

// `llama3_files` of test/oracle/pipelines/_tokenizers.py; expected ids and texts: transformers 5 from the same folder
const fixture = join(import.meta.dirname, '..', 'fixtures', 'generation', 'llama3-tokenizer')
const { texts, ids, decoded } = JSON.parse(readFileSync(join(fixture, 'expected.json'), 'utf8'))

test("the tokens of texts and the texts of tokens are the reference's", async () => {
  const tokenizer = await loadTokenizer(fixture)
  expect(texts.map((text: string) => tokenizer.encode(text))).toEqual(ids)
  for (const { ids, text, bare } of decoded) {
    expect(tokenizer.decode(ids, { skipSpecialTokens: false })).toBe(text)
    expect(tokenizer.decode(ids)).toBe(bare)
  }
  expect(tokenizer.token(tokenizer.eosId!)).toBe('<|eot_id|>')
})

describe('in a changed folder', () => {
  let folder: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'llama3-'))
    cpSync(fixture, folder, { recursive: true })
  })
  afterEach(() => rmSync(folder, { recursive: true }))

  function rewrite(file: string, edit: (text: string) => string): void {
    writeFileSync(join(folder, file), edit(readFileSync(join(folder, file), 'utf8')))
  }

  test.each(['TokenizersBackend', undefined])('the class may be %s', async (name) => {
    const named = (text: string) => JSON.stringify({ ...JSON.parse(text), tokenizer_class: name })
    rewrite('tokenizer_config.json', named)
    expect((await loadTokenizer(folder)).encode(texts[0])).toEqual(ids[0])
  })

  test('words of another model are refused', async () => {
    rewrite('tokenizer.json', (text) => text.replace('{1,3}', '{1,2}'))
    const file = join(folder, 'tokenizer_config.json')
    expect(await rejectionOf(loadTokenizer(folder))).toMatchObject({ code: 'FILE_UNSUPPORTED', file })
  })
})
