import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { EegWindows, encodePng, manualSeed, models, writeStore } from 'eegtorch'
import '../built.ts'

const root = join(import.meta.dirname, '..', '..')
const main = join(root, 'dist', 'cli', 'main.js')
const pipelines = join(root, 'test', 'fixtures', 'generation')
const folder = mkdtempSync(join(tmpdir(), 'eegtorch-killed-'))
const at = (name: string) => join(folder, name)
afterAll(() => rmSync(folder, { recursive: true }))

beforeAll(async () => {
  const origins = Array.from({ length: 8 }, (_, i) => ({
    ...{ recording: i % 2, trial: i + 1, onset: i, start: 50 * i, label: (i >> 1) % 2 },
  }))
  const recordings = ['A', 'B'].map((subject) => ({
    ...{ name: subject, identity: subject, subject, session: undefined, run: undefined },
  }))
  const names = { classNames: ['dog', 'cup'], channelNames: ['Fz', 'Cz', 'Pz', 'Oz'] }
  const data = Float32Array.from({ length: 8 * 4 * 50 }, (_, i) => Math.sin(0.3 * i) * 1e-5)
  await writeStore(
    at('store'),
    new EegWindows({ data, origins, recordings, ...names, nSamples: 50, samplingRate: 100 }),
  )
  mkdirSync(at('pictures'))
  for (const [i, name] of ['Animal_dog', 'Object_cup'].entries()) {
    const pixels = Uint8Array.from({ length: 3 * 40 * 40 }, (_, k) => (k * (i + 3)) % 251)
    writeFileSync(at(`pictures/${name}.png`), await encodePng({ width: 40, height: 40, pixels }))
  }
  manualSeed(0)
  const small = { inDim: 25, outDim: 25, dModel: 25, dimFeedforward: 32, nhead: 5, nLayer: 1, nPatches: 2 }
  await models.csbrain({ ...small, brainRegions: [0, 4, 1, 3] }).save(at('encoder.safetensors'))
})

const filesOf = (run: string) =>
  existsSync(at(run))
    ? readdirSync(at(run), { recursive: true, encoding: 'utf8' }).filter((name) =>
        statSync(at(join(run, name))).isFile(),
      )
    : []

/** Runs a command to its end, or until one of its files is there. */
function life(command: string, run: string, killAt?: (name: string) => boolean): Promise<string | number | null> {
  const words = [main, command, at(`${command}.yaml`), '--out', at(run), '--threads', '1', '--json']
  const child = spawn(process.execPath, words, { env: { ...process.env, NODE_OPTIONS: '' } })
  const watch = setInterval(() => {
    // A file may go while the folder is read.
    try {
      if (killAt !== undefined && filesOf(run).some(killAt)) child.kill('SIGKILL')
    } catch {}
  }, 1)
  return new Promise((resolve) =>
    child.on('close', (code, signal) => {
      clearInterval(watch)
      resolve(signal ?? code)
    }),
  )
}

const encoder = () => `data: ${at('store')}\nencoder: ${at('encoder.safetensors')}\n`
const RUNS: [string, () => string, string[]][] = [
  [
    'finetune-text',
    () => `${encoder()}language: ${join(pipelines, 'llama-pipeline', 'base')}
epochs: 4
warmupEpochs: 2
batchSize: 2
maxNewTokens: 3
validationSubjects: [B]
`,
    [
      'lora_epoch1/adapter_config.json',
      'projection_epoch2.pth',
      'training-joint/state.safetensors',
      'lora_epoch4/adapter_model',
    ],
  ],
  [
    'finetune-image',
    () => `${encoder()}mapperOptions: { dModel: 24, nHeads: 4, nLayers: 1, feedforwardDim: 32 }
epochs: 4
warmupEpochs: 2
batchSize: 2
clip: ${join(pipelines, 'clip-pipeline')}
diffusion: ${join(root, 'test', 'oracle', 'pipelines', 'sd15')}
stimuli: ${at('pictures')}
validationSubjects: [B]
`,
    ['mapper_epoch1.pth', 'training/best.safetensors', 'mapper_epoch3.', 'mapper.safetensors'],
  ],
]

test.each(RUNS)(
  '%s, killed while it writes and between epochs, ends with the bytes of one that was not',
  async (command, yaml, moments) => {
    writeFileSync(at(`${command}.yaml`), yaml())
    expect(await life(command, `${command} whole`)).toBe(0)
    const killed = `${command} killed`
    const ends = []
    // The first sight of such a file, half written or whole.
    for (const moment of moments) ends.push(await life(command, killed, (name) => name.startsWith(moment)))
    ends.push(await life(command, killed))
    expect(ends.filter((end) => end === 'SIGKILL').length).toBeGreaterThan(1)
    expect(ends.at(-1)).toBe(0)
    const files = filesOf(`${command} whole`).sort()
    expect(filesOf(killed).sort()).toEqual(files)
    const different = files.filter(
      (name) => !readFileSync(at(join(`${command} whole`, name))).equals(readFileSync(at(join(killed, name)))),
    )
    expect(different).toEqual([])
  },
)
