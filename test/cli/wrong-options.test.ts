import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readCommandConfig } from '../../lib/cli/command-config.ts'
import { finetuneTextSchema } from '../../lib/cli/finetune-text-config.ts'
import { checkPrepare } from '../../lib/cli/prepare-config.ts'
import { checkConfig } from '../../lib/cli/train-config.ts'
import { packageRoot } from '../../lib/setup/paths.ts'
import { runNode } from '../built.ts'
import { errorOf, rejectionOf } from '../thrown.ts'

const main = join(packageRoot, 'dist', 'cli', 'main.js')
const folder = mkdtempSync(join(tmpdir(), 'eegtorch-options-'))
const file = join(folder, 'run.yaml')
afterAll(() => rmSync(folder, { recursive: true }))

describe('schedules go by the names that programs know them by, and by their older spelling', () => {
  const said = { model: 'eegnet', data: 'none' }
  const read = (schedule: unknown) => checkConfig({ ...said, schedule }).schedule

  test.each([
    ['multi-step', 'multiStep', { milestones: [3, 9] }],
    ['cosine-restarts', 'cosineRestarts', { first: 4 }],
    ['one-cycle', 'oneCycle', { rise: 0.4 }],
  ])('%s is %s', (older, name, options) => {
    expect(read({ name, ...options })).toEqual({ name, ...options })
    expect(read({ name: older, ...options })).toEqual({ name, ...options })
  })

  test('alone too, and what is none is refused', () => {
    expect([read('one-cycle'), read('oneCycle'), read(undefined)]).toEqual(['oneCycle', 'oneCycle', 'constant'])
    expect(errorOf(() => read('twoCycles'))).toMatchObject({ code: 'INVALID_OPTION', option: 'schedule' })
  })
})

describe('a wrong option is named where it was said', () => {
  const written = 'data: d\nencoder: e\nlanguage: l\nbatchSize: 4\n'
  test.each([
    ['a flag beside a file', written, { batchSize: 0 }, '--batch-size', undefined],
    ['the file beside a flag', written.replace('4', 'many'), { epochs: 2 }, 'batchSize', file],
    ['a flag over the file’s', written.replace('4', 'many'), { batchSize: -1 }, '--batch-size', undefined],
    ['what nobody said', written.replace('encoder: e', ''), { epochs: 2 }, 'encoder', undefined],
    ['an unknown key of the file', `${written}batchsize: 4\n`, { epochs: 2 }, 'batchsize', file],
  ])('%s', async (_, text, flags, option, place) => {
    writeFileSync(file, text)
    const error = await rejectionOf(readCommandConfig(finetuneTextSchema, flags, file))
    expect([error.code, error.option, error.file]).toEqual(['INVALID_OPTION', option, place])
    expect(error.message).toContain(`option ${option}: `)
    expect(error.message.includes(file)).toBe(place !== undefined)
  })

  test('with what was expected and what was received, as in a program', async () => {
    const said = { data: 'd', encoder: 'e', language: 'l' }
    const refusal = (settings: object) =>
      rejectionOf(readCommandConfig(finetuneTextSchema, { ...said, ...settings }, undefined))
    expect(await refusal({ batchSize: 'many' })).toMatchObject({ expected: 'number', received: 'many' })
    const { message } = await refusal({ batchSize: 0 })
    expect(message).toBe('option --batch-size: expected number to be >0, received 0')
    expect((await refusal({ batch_size: 4 })).message).toMatch(/no such option\. Did you mean batchSize\?$/)
    expect(await refusal({ seat: 4 })).toMatchObject({ expected: expect.stringMatching(/^one of .*batchSize/) })
  })

  test('options that exclude each other, of which a flag said one, are not the file’s alone', () => {
    const base = { model: 'eegnet', data: 'd', task: 't', events: ['a'] }
    const mixed = errorOf(() => checkConfig(base, { file, flags: { events: ['a'] } }))
    expect([mixed.message, mixed.file]).toEqual(['give either task or events, not both', undefined])
    expect(errorOf(() => checkConfig(base, { file })).file).toBe(file)
  })

  test('a part of a pipeline beside it', async () => {
    const said = { data: 'd', pipeline: 'csbrain', band: [4, 38] }
    const flag = await rejectionOf(checkPrepare(said, { file, flags: { band: [4, 38] } }))
    expect([flag.option, flag.file]).toEqual(['--band', undefined])
    expect(await rejectionOf(checkPrepare(said, { file }))).toMatchObject({ option: 'band', file })
  })
})

// `cuda:99` is on no machine: those without a GPU refuse `cuda` too.
const sweepFile = join(folder, 'sweep.yaml')
beforeAll(() => writeFileSync(sweepFile, 'data: none\nmodels: [eegnet]\n'))
test.each([
  ['train-diffusion', ['--data', 'none', '--stimuli', 'none']],
  ['generate', ['--pipeline', 'prompt', '--diffusion', 'none', '--prompts', 'a dog']],
  ['finetune-text', ['--data', 'none', '--encoder', 'none', '--language', 'none']],
  ['finetune-image', ['--data', 'none', '--encoder', 'none']],
  ['train', ['eegnet', '--data', 'none']],
  ['sweep', [sweepFile]],
])('%s refuses a device that is not there before it opens or writes anything', async (command, words) => {
  const out = join(folder, command)
  const { code, stderr } = await runNode([main, command, ...words, '--device', 'cuda:99', '--out', out])
  expect([code, stderr.trim().split('\n')]).toEqual([
    1,
    [expect.stringMatching(/\[INVALID_OPTION\]: option --device: expected cpu.*, received cuda:99$/)],
  ])
  expect(existsSync(out)).toBe(false)
})
