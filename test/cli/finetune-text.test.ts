import { execFile } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { EegWindows, manualSeed, models, writeStore } from 'eegtorch'

const root = join(import.meta.dirname, '..', '..')
const language = join(root, 'test', 'fixtures', 'generation', 'llama-pipeline', 'base')
const run = promisify(execFile)
let folder: string
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'finetune-text-'))
  const shape = { channels: 3, samples: 50 }
  const origins = Array.from({ length: 8 }, (_, i) => ({
    ...{ recording: i % 2, trial: i + 1, onset: i, start: i * shape.samples, label: (i >> 1) % 2 },
  }))
  const data = Float32Array.from({ length: 8 * shape.channels * shape.samples }, (_, i) => Math.sin(0.3 * i))
  const recordings = ['A', 'B'].map((subject) => ({
    ...{ name: subject, identity: subject, subject, session: undefined, run: undefined },
  }))
  const windows = new EegWindows({
    ...{ data, origins, recordings, classNames: ['dog', 'cup'], channelNames: ['C3', 'Cz', 'C4'] },
    ...{ nSamples: shape.samples, samplingRate: 200 },
  })
  await writeStore(join(folder, 'store'), windows)
  manualSeed(0)
  const sizes = { inDim: 25, outDim: 25, dModel: 25, dimFeedforward: 30, nhead: 5, nLayer: 1, nPatches: 2 }
  await models.csbrain({ ...sizes, brainRegions: [0, 0, 1] }).save(join(folder, 'encoder.safetensors'))
})
afterAll(() => rmSync(folder, { recursive: true }))

const command = (...words: string[]) =>
  run(process.execPath, [join(root, 'dist', 'cli', 'main.js'), 'finetune-text', ...words], { cwd: folder })

test('YAML and flags make a run that keeps every epoch and tells the accuracy beside chance', async () => {
  const config = `data: store
language: ${language}
encoder: encoder.safetensors
epochs: 2
warmupEpochs: 1
batchSize: 2
gradientAccumulationSteps: 2
maxNewTokens: 3
threads: 1
`
  writeFileSync(join(folder, 'text.yaml'), config)
  const words = [
    '--config',
    'text.yaml',
    '--validation-subjects',
    'B',
    '--test-subjects',
    'B',
    '--out',
    'run',
    '--json',
  ]
  const refused = await command(...words).catch(({ stdout, stderr }) => stdout + stderr)
  expect(refused).toContain('no subject may be in two parts')
  const { stdout } = await command('--config', 'text.yaml', '--validation-subjects', 'B', '--out', 'run', '--json')
  const { epochs } = JSON.parse(stdout)
  expect(epochs.map(({ phase }: { phase: string }) => phase)).toEqual(['projection', 'joint'])
  expect(epochs[1].validation).toMatchObject({ total: 4, chance: 0.5 })
  for (const file of [
    'projection_epoch1.pth',
    'projection_epoch2.pth',
    join('lora_epoch2', 'adapter_model.safetensors'),
  ])
    expect(existsSync(join(folder, 'run', file))).toBe(true)
  expect(JSON.parse(readFileSync(join(folder, 'run', 'results.json'), 'utf8')).epochs).toHaveLength(2)
}, 60_000)
