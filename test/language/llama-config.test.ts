import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { LanguageModel } from 'eegtorch'
import { useOneThread } from '../one-thread.ts'
import { rejectionOf } from '../thrown.ts'

const base = join(import.meta.dirname, '..', 'fixtures', 'generation', 'llama-pipeline', 'base')
const written = JSON.parse(readFileSync(join(base, 'config.json'), 'utf8'))
let folder: string
useOneThread()
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'llama-config-'))
  cpSync(base, folder, { recursive: true })
})
afterEach(() => rmSync(folder, { recursive: true }))

function writeJson(file: string, value: object): string {
  const path = join(folder, file)
  writeFileSync(path, JSON.stringify(value))
  return path
}

describe('rotary positions', () => {
  const { rope_parameters: _, ...others } = written
  const llama3 = { factor: 32, low_freq_factor: 1, high_freq_factor: 4, original_max_position_embeddings: 64 }
  const wanted = { ropeType: 'llama3', ropeFactor: 32, ropeLowFreqFactor: 1, ropeHighFreqFactor: 4 }

  test.each([
    ['as Llama 3.2 was published', { rope_scaling: { ...llama3, rope_type: 'llama3' }, rope_theta: 500000 }],
    ['as transformers 5 writes them', { rope_parameters: { ...llama3, rope_type: 'llama3', rope_theta: 500000 } }],
  ])('of Llama 3.1 %s', async (_, said) => {
    writeJson('config.json', { ...others, ...said })
    using language = await LanguageModel.load(folder)
    expect(language.model.config).toMatchObject({ ...wanted, ropeTheta: 500000, ropeOriginalMaxPositionEmbeddings: 64 })
  })

  test('that are stretched, in the spelling of old files', async () => {
    writeJson('config.json', { ...others, rope_scaling: { type: 'linear', factor: 2 } })
    using language = await LanguageModel.load(folder)
    expect(language.model.config).toMatchObject({ ropeType: 'linear', ropeFactor: 2, ropeTheta: 10000 })
  })

  test.each([
    ['of another kind', { rope_type: 'yarn', factor: 4 }, 'FILE_UNSUPPORTED', 'default, linear or llama3', 'yarn'],
    [
      'without a number',
      { ...llama3, rope_type: 'llama3', factor: undefined },
      'FILE_INVALID',
      'a factor above 0',
      'none',
    ],
    [
      'of a part',
      { type: 'linear', factor: 2, partial_rotary_factor: 0.5 },
      'FILE_UNSUPPORTED',
      'partial_rotary_factor 1',
      '0.5',
    ],
  ])('%s are refused', async (_, rope_scaling, code, expected, received) => {
    const file = writeJson('config.json', { ...others, rope_scaling })
    expect(await rejectionOf(LanguageModel.load(folder))).toMatchObject({ code, file, expected, received })
  })
})

describe('tokens that end a text', () => {
  const first = written.eos_token_id
  test.each([
    ['one more than the config', { eos_token_id: [7, first] }, [first, 7]],
    ['others', { eos_token_id: 7 }, [7]],
    ['none', { temperature: 0.6 }, [first]],
  ])('are those of generation_config.json: %s', async (_, said, stopTokens) => {
    writeJson('generation_config.json', said)
    using language = await LanguageModel.load(folder)
    expect(language.stopTokens).toEqual(stopTokens)
  })

  test('are refused outside of the vocabulary', async () => {
    const file = writeJson('generation_config.json', { eos_token_id: [first, 1e6] })
    expect(await rejectionOf(LanguageModel.load(folder))).toMatchObject({ code: 'FILE_INVALID', file })
  })
})
