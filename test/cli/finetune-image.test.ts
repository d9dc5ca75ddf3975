import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { EegWindows, encodePng, manualSeed, models, openStore, readGenerations, writeStore } from 'eegtorch'
import { runNode } from '../built.ts'

const root = join(import.meta.dirname, '..', '..')
const main = join(root, 'dist', 'cli', 'main.js')
const sd15 = join(root, 'test', 'oracle', 'pipelines', 'sd15')
const clip = join(root, 'test', 'fixtures', 'generation', 'clip-pipeline')
const work = mkdtempSync(join(tmpdir(), 'eegtorch-finetune-image-'))
const at = (...parts: string[]) => join(work, ...parts)
const run = (...args: string[]) => runNode([main, ...args, '--threads', '1'])
const SMALL = { inDim: 25, outDim: 25, dModel: 25, dimFeedforward: 32, nhead: 5, nLayer: 1, nPatches: 2 }

beforeAll(async () => {
  const origins = Array.from({ length: 8 }, (_, i) => ({
    ...{ recording: i % 2, trial: i + 1, onset: i, start: 50 * i, label: (i >> 1) % 2 },
  }))
  const data = Float32Array.from({ length: 8 * 4 * 50 }, (_, i) => Math.sin(0.3 * i) * 1e-5)
  const recordings = ['A', 'B'].map((subject) => ({
    ...{ name: subject, identity: subject, subject, session: undefined, run: undefined },
  }))
  const names = { classNames: ['dog', 'cup'], channelNames: ['Fz', 'Cz', 'Pz', 'Oz'] }
  await writeStore(
    at('store'),
    new EegWindows({ data, origins, recordings, ...names, nSamples: 50, samplingRate: 100 }),
  )
  mkdirSync(at('pictures'))
  for (const [i, name] of ['Animal_dog', 'Object_cup'].entries()) {
    const pixels = Uint8Array.from({ length: 3 * 40 * 40 }, (_, at) => (at * (i + 3)) % 251)
    writeFileSync(at('pictures', `${name}.png`), await encodePng({ width: 40, height: 40, pixels }))
  }
  manualSeed(0)
  await models.csbrain({ ...SMALL, brainRegions: [0, 4, 1, 3] }).save(at('encoder.safetensors'))
  writeFileSync(
    at('image.yaml'),
    `data: ${at('store')}
encoder: ${at('encoder.safetensors')}
mapperOptions: { dModel: 24, nHeads: 4, nLayers: 1, feedforwardDim: 32 }
epochs: 2
warmupEpochs: 1
batchSize: 2
`,
  )
})
afterAll(() => rmSync(work, { recursive: true }))

test('train takes regime: mapper with its preset, under what is said beside it', async () => {
  const yaml = `regime: mapper\npreset: eeg2image_mapper\n${readFileSync(at('image.yaml'), 'utf8')}`
  writeFileSync(at('mapper.yaml'), `${yaml}clip: ${clip}\ndiffusion: ${sd15}\nstimuli: ${at('pictures')}\n`)
  const { stdout, code, stderr } = await run('train', '--config', at('mapper.yaml'), '--out', at('trained'), '--json')
  expect([code, stderr]).toEqual([0, ''])
  expect(JSON.parse(stdout).epochs.map(({ phase }: { phase: string }) => phase)).toEqual(['warm-up', 'joint'])
  const settings = JSON.parse(readFileSync(at('trained', 'settings.json'), 'utf8'))
  expect(settings).toMatchObject({
    epochs: 2,
    lr: 1e-4,
    warmupLr: 5e-4,
    lambdaCls: 5,
    lambdaContrastive: 2,
    lambdaMse: 0.1,
  })
  expect(existsSync(at('trained', 'mapper.safetensors'))).toBe(true)

  await writeStore(at('prepared'), openStore(at('store')).windows.with({ pipeline: 'a'.repeat(64) }))
  const from = ['--checkpoint', at('trained', 'mapper_epoch1.pth'), '--clip', clip, '--diffusion', sd15]
  const given = [...from, '--stimuli', at('pictures'), '--data', at('prepared'), '--out', at('onward')]
  const onward = await run('finetune-image', at('image.yaml'), ...given)
  expect([onward.code, onward.stderr]).toEqual([
    1,
    expect.stringContaining('the windows of the training did not tell how they were prepared'),
  ])
  expect(existsSync(at('onward'))).toBe(false)

  const named = await run('train', 'eegnet', '--config', at('mapper.yaml'))
  expect([named.code, named.stderr]).toEqual([
    1,
    expect.stringMatching(/option model has no place beside regime: mapper/),
  ])
  const resumed = await run('train', '--resume', at('trained'))
  expect([resumed.code, resumed.stderr]).toEqual([
    1,
    expect.stringMatching(/is no run to resume.*same --config and --out/),
  ])
  writeFileSync(at('other.yaml'), yaml.replace('preset: eeg2image_mapper', 'preset: sgdm'))
  expect((await run('train', '--config', at('other.yaml'))).stderr).toMatch(
    /preset sgdm is for train-diffusion, not for finetune-image/,
  )
  writeFileSync(at('other.yaml'), yaml.replace('regime: mapper', 'regime: mappers').replace(/preset.*/, ''))
  expect((await run('train', '--config', at('other.yaml'))).stderr).toMatch(/regime/)
})

test('targets are cached in the store, epochs kept and drawn, and what was learnt draws', async () => {
  const named = ['--clip', clip, '--diffusion', sd15, '--stimuli', at('pictures')]
  const drawing = ['--generate-every', '2', '--generate-samples', '2', '--steps', '2']
  const parts = ['--train-subjects', 'A', '--validation-subjects', 'B']
  const first = await run(
    'finetune-image',
    at('image.yaml'),
    ...named,
    ...drawing,
    ...parts,
    '--out',
    at('drawn'),
    '--json',
  )
  expect(first.stderr).toBe('')
  const told = JSON.parse(first.stdout)
  expect(told.epochs.map(({ phase }: { phase: string }) => phase)).toEqual(['warm-up', 'joint'])
  // A share of the four windows of B.
  expect([0, 0.25, 0.5, 0.75, 1]).toContain(told.epochs[1].figures.validationAccuracy)
  expect(Object.keys(told.cosines)).toEqual(['images', 'texts'])
  expect(readdirSync(at('store', 'targets'))).toHaveLength(1)
  for (const file of ['mapper_epoch1.pth', 'mapper_epoch2.safetensors', 'mapper.safetensors', 'results.json'])
    expect(existsSync(at('drawn', file))).toBe(true)
  expect(readdirSync(at('drawn', 'pictures'))).toEqual(['epoch_2'])
  const pictures = readGenerations(at('drawn', 'pictures', 'epoch_2', 'generations.jsonl'))
  expect(pictures.map(({ mode, comparison }) => [mode, typeof comparison])).toEqual([
    ['eeg-tokens', 'string'],
    ['eeg-tokens', 'string'],
  ])

  // From the store's targets alone, and without pictures in between: the same weights.
  const again = await run('finetune-image', at('image.yaml'), ...parts, '--out', at('plain'))
  expect(again.stdout).toMatch(/targets alike by cosine: pictures -?\d\.\d{3}, texts -?\d\.\d{3}/)
  const weights = (folder: string) => readFileSync(at(folder, 'mapper_epoch2.safetensors'))
  expect(weights('plain').equals(weights('drawn'))).toBe(true)

  const eeg = ['--data', at('store'), '--encoder', at('encoder.safetensors'), '--n', '1', '--steps', '2']
  const args = ['--checkpoint', at('drawn', 'mapper.safetensors'), '--diffusion', sd15, '--out', at('made'), '--json']
  const made = await run('generate', '--pipeline', 'image', ...eeg, ...args)
  expect(JSON.parse(made.stdout)).toMatchObject({ made: 1, mode: 'eeg-tokens' })
})

test('what is missing is named', async () => {
  const without = await run('finetune-image', at('image.yaml'), '--clip', clip, '--out', at('none'))
  expect(without).toMatchObject({ code: 1 })
  expect(without.stderr).toMatch(/diffusion.*its encoder reads the texts/)
  const pictures = await run(
    'finetune-image',
    at('image.yaml'),
    '--clip',
    clip,
    '--diffusion',
    sd15,
    '--out',
    at('none2'),
  )
  expect(pictures.stderr).toMatch(/the store has no stimuli/)
})
