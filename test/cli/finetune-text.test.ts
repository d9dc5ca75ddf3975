import { execFile } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { EegWindows, manualSeed, models, openCheckpoint, writeStore } from 'eegtorch'
import { requirePreparedFor, trialsSeenBy, workOfWindows } from '../../lib/generation/sources/picture-work.ts'
import { errorOf } from '../thrown.ts'

const root = join(import.meta.dirname, '..', '..')
const language = join(root, 'test', 'fixtures', 'generation', 'llama-pipeline', 'base')
const run = promisify(execFile)
let folder: string
const shape = { channels: 3, samples: 50 }

/** Four trials of each of two subjects. */
function windowsOf(sample: (index: number) => number, subjects = ['A', 'B']): EegWindows {
  const origins = Array.from({ length: 8 }, (_, i) => ({
    ...{ recording: i % 2, trial: i + 1, onset: i, start: i * shape.samples, label: (i >> 1) % 2 },
  }))
  const recordings = subjects.map((subject) => ({
    ...{ name: subject, identity: subject, subject, session: undefined, run: undefined },
  }))
  return new EegWindows({
    data: Float32Array.from({ length: 8 * shape.channels * shape.samples }, (_, i) => sample(i)),
    ...{ origins, recordings, classNames: ['dog', 'cup'], channelNames: ['C3', 'Cz', 'C4'] },
    ...{ nSamples: shape.samples, samplingRate: 200 },
  })
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'finetune-text-'))
  await writeStore(
    join(folder, 'store'),
    windowsOf((i) => Math.sin(0.3 * i)),
  )
  await writeEncoder(0)
})
afterAll(() => rmSync(folder, { recursive: true }))

async function writeEncoder(seed: number): Promise<void> {
  manualSeed(seed)
  const sizes = { inDim: 25, outDim: 25, dModel: 25, dimFeedforward: 30, nhead: 5, nLayer: 1, nPatches: 2 }
  await models.csbrain({ ...sizes, brainRegions: [0, 0, 1] }).save(join(folder, 'encoder.safetensors'))
}

const command = (...words: string[]) =>
  run(process.execPath, [join(root, 'dist', 'cli', 'main.js'), 'finetune-text', ...words], { cwd: folder })

test('YAML and flags make a run that keeps every epoch and tells the accuracy beside chance', async () => {
  const config = `data: store
language: ${language}
encoder: encoder.safetensors
epochs: 2
warmupEpochs: 1
batchSize: 4
accumulate: 2
maxNewTokens: 3
threads: 1
`
  writeFileSync(join(folder, 'text.yaml'), config)
  const words = ['text.yaml', '--validation-subjects', 'B', '--out', 'run', '--json']
  const refused = await command(...words, '--test-subjects', 'B').catch(({ stdout, stderr }) => stdout + stderr)
  expect(refused).toContain('no subject may be in two parts')
  const { stdout } = await command(...words)
  const { epochs } = JSON.parse(stdout)
  expect(epochs.map(({ phase }: { phase: string }) => phase)).toEqual(['warm-up', 'joint'])
  expect(epochs[1].validation).toMatchObject({ total: 4, chance: 0.5 })
  for (const file of [
    'projection_epoch1.pth',
    'projection_epoch2.pth',
    join('lora_epoch2', 'adapter_model.safetensors'),
  ])
    expect(existsSync(join(folder, 'run', file))).toBe(true)
  expect(JSON.parse(readFileSync(join(folder, 'run', 'results.json'), 'utf8')).epochs).toHaveLength(2)
  const { saved } = openCheckpoint(join(folder, 'run', 'projection_epoch2.pth')).metadata
  const trials = (subject: string, first: number) => [0, 2, 4, 6].map((i) => `${subject} trial ${first + i}`)
  expect(saved).toMatchObject({ seen: [...trials('A', 1), ...trials('B', 2)], validation: epochs[1].validation })
  const told = trialsSeenBy(join(folder, 'run', 'projection_epoch1.pth'))
  expect(told.isComplete).toBe(true)
  expect(trialsSeenBy(join(folder, 'run', 'lora_epoch2'))).toEqual(told)
  const others = windowsOf((i) => Math.cos(0.3 * i), ['A', 'C'])
  const trained = (await workOfWindows(others, { n: 4, told })).map((one) => one.trained)
  expect(trained).toEqual([true, false, true, false])
  const copies = windowsOf((i) => Math.sin(0.3 * i), ['X', 'Y'])
  expect((await workOfWindows(copies, { told })).every((one) => one.trained)).toBe(true)
  expect(
    (await workOfWindows(copies, { told: { ...told, seen: { seen: told.seen.seen } } })).some((one) => one.trained),
  ).toBe(false)
  const prepared = copies.with({ pipeline: 'a'.repeat(64) })
  for (const file of ['projection_epoch1.pth', 'lora_epoch2']) {
    requirePreparedFor(copies, join(folder, 'run', file))
    expect(errorOf(() => requirePreparedFor(prepared, join(folder, 'run', file))).message).toContain(
      'the windows of the training did not tell how they were prepared',
    )
  }
  await writeStore(join(folder, 'prepared'), prepared)
  for (const [flag, file] of [
    ['--projection', 'projection_epoch1.pth'],
    ['--adapter', 'lora_epoch2'],
  ] as const) {
    const onward = ['text.yaml', '--data', 'prepared', flag, join('run', file), '--out', 'onward']
    const failed = await command(...onward).catch(({ stdout, stderr }) => stdout + stderr)
    expect(failed).toContain('the windows of the training did not tell how they were prepared')
    expect(existsSync(join(folder, 'onward'))).toBe(false)
  }
  const encoder = join(folder, 'encoder.safetensors')
  requirePreparedFor(prepared, encoder)
  expect(trialsSeenBy(encoder)).toEqual({ seen: { seen: [] }, isComplete: false })
  const mixed = trialsSeenBy(encoder, join(folder, 'run', 'lora_epoch1'))
  expect(mixed).toEqual({ ...told, isComplete: false })
  const known = (await workOfWindows(others, { n: 4, told: mixed })).map((one) => one.trained)
  expect(known).toEqual([true, undefined, true, undefined])
  await writeEncoder(7)
  const other = await command(...words).catch(({ stdout, stderr }) => stdout + stderr)
  expect(other).toMatch(/holds a run with other settings.*another content of encoder/)
  await writeEncoder(0)
  const store = join(folder, 'store')
  rmSync(store, { recursive: true })
  await writeStore(
    store,
    windowsOf((i) => Math.sin(0.3 * i)),
  )
  expect(JSON.parse((await command(...words)).stdout).epochs).toHaveLength(2)
  rmSync(store, { recursive: true })
  await writeStore(
    store,
    windowsOf((i) => (i < 1199 ? Math.sin(0.3 * i) : 0)),
  )
  const anew = await command(...words).catch(({ stdout, stderr }) => stdout + stderr)
  expect(anew).toMatch(/holds a run with other settings.*another content of data/)
})

test('subjects who share samples are refused before anything is trained', async () => {
  const same = join(folder, 'same')
  await writeStore(
    same,
    windowsOf((i) => Math.sin(0.3 * (i % 150))),
  )
  const words = ['text.yaml', '--data', same, '--validation-subjects', 'B', '--out', 'leaks', '--json']
  const { stdout, stderr } = await command(...words).catch((error) => error)
  expect(JSON.parse(stdout || stderr).error.code).toBe('SPLIT_LEAKS')
  expect(existsSync(join(folder, 'leaks', 'projection_epoch1.pth'))).toBe(false)
})
