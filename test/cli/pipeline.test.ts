import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  evaluateCheckpoint,
  openCheckpoint,
  Pipeline,
  readAll,
  type StoredPipeline,
  simulateMotorImagery,
  writeCheckpoint,
  writeEdf,
  writeStore,
} from 'eegtorch'
import { parse } from 'yaml'
import { cutFiltered } from '../../lib/cli/config-pipeline.ts'
import { packageRoot } from '../../lib/setup/paths.ts'
import { type ChildResult, runNode } from '../built.ts'
import { writeSimulatedFiles } from '../recordings/simulated-files.ts'

const main = join(packageRoot, 'dist', 'cli', 'main.js')
const folder = mkdtempSync(join(tmpdir(), 'eegtorch-pipeline-'))
const data = join(folder, 'eegmmidb')
const inFolder = (name: string) => join(folder, name)
const eegtorch = (...words: string[]): Promise<ChildResult> => runNode([main, ...words], { env: { NODE_OPTIONS: '' } })
const BRIEF = ['eegnet', '--data', data, '--no-baselines', '--threads', '1', '--epochs', '1']
const SHORT = ['--task', 'fists-feet', '--window', '0.5..1.5', '--channels', 'C3', 'Cz', 'C4']
const weightsOf = (run: string) => inFolder(`${run}/checkpoints/fold-1-seed-0/last.safetensors`)
const storedIn = (run: string) => openCheckpoint(weightsOf(run)).metadata.pipeline as unknown as StoredPipeline

const YAML = `name: mine
steps:
  - pick: [C3, Cz, C4]
  - filter: [4, 38]
  - windows: { from: 0.5, to: 1.5, task: fists-feet }
  - zscore
`

const UNCOUNTED = 'warning: The weights lie in no folder of a run: this look at the windows is counted nowhere.\n'

beforeAll(async () => {
  await writeSimulatedFiles(data)
  writeFileSync(inFolder('mine.yaml'), YAML)
  for (const [name, words] of [
    ['short', SHORT],
    ['long', ['--pipeline', inFolder('mine.yaml')]],
  ] as const) {
    const { code, stderr } = await eegtorch('train', ...BRIEF, '--out', inFolder(name), ...words, '--json')
    expect([code, stderr]).toEqual([0, ''])
  }
})
afterAll(() => rmSync(folder, { recursive: true }))

test('the options are shorthand: the same pipeline, the same weights', () => {
  const [short, long] = [storedIn('short'), storedIn('long')]
  expect(short.hash).toBe(Pipeline.parse(YAML.replace(', task: fists-feet', '')).hash)
  expect(long.hash).toBe(Pipeline.parse(YAML).hash)
  expect(long.learned).toEqual(short.learned)
  const weights = (run: string) => readFileSync(weightsOf(run)).subarray(-1000)
  expect(weights('long').equals(weights('short'))).toBe(true)
})

test('the folder of the run holds the steps, not the name of a file that may change', async () => {
  const config = parse(readFileSync(inFolder('long/config.yaml'), 'utf8')) as Record<string, unknown>
  expect(Pipeline.parse(config.pipeline as never).hash).toBe(Pipeline.parse(YAML).hash)
  expect(config).not.toHaveProperty('window')
  expect((await eegtorch('train', '--resume', inFolder('long'))).code).toBe(0)
  expect(readFileSync(inFolder('long/report.html'), 'utf8')).toMatch(/pipeline mine [0-9a-f]{8}/)
})

test('evaluation applies what the checkpoint holds; one of an older version gives the same score', async () => {
  const scores: unknown[] = []
  const { tensors, metadata } = openCheckpoint(weightsOf('short'))
  const { pipeline, preparedBy: _, ...rest } = metadata as Record<string, unknown>
  await writeCheckpoint(inFolder('old.safetensors'), await tensors.loadAll(), {
    ...rest,
    standardise: (pipeline as StoredPipeline).learned[0],
  } as never)
  for (const file of [weightsOf('short'), weightsOf('long'), inFolder('old.safetensors')]) {
    const { code, stdout, stderr } = await eegtorch('evaluate', file, '--data', data, '--json')
    expect([code, stderr]).toEqual([0, file.endsWith('old.safetensors') ? UNCOUNTED : ''])
    const { openings: _, proof: __, ...score } = JSON.parse(stdout)
    scores.push(score)
  }
  expect(scores[0]).toMatchObject({ windows: 8, seen: 16 })
  expect(scores[1]).toEqual(scores[0])
  expect(scores[2]).toEqual(scores[0])
})

test('windows of another pipeline, rate or channels are refused; windows that do not tell are doubted', async () => {
  const file = weightsOf('long')
  const recordings = await readAll(data)
  const { prepared } = Pipeline.parse(YAML)
  const windows = await prepared.windows(recordings)
  expect((await evaluateCheckpoint(file, windows)).warnings).toEqual([])
  const untold = await evaluateCheckpoint(file, windows.with({ pipeline: undefined }))
  expect(untold.warnings).toEqual([expect.stringMatching(/do not tell their preprocessing/)])
  const other = await Pipeline.parse(YAML.replace('38', '30')).prepared.windows(recordings)
  await expect(evaluateCheckpoint(file, other)).rejects.toThrow(/made by another pipeline/)
  await expect(evaluateCheckpoint(file, windows.with({ samplingRate: 99 }))).rejects.toThrow(/other sampling rates/)
  const names = { channelNames: ['C3', 'Cz', 'C5'] }
  await expect(evaluateCheckpoint(file, windows.with(names))).rejects.toThrow(/fitted on other channels/)
  const slow = inFolder('S001R06.edf')
  await writeEdf(slow, recordings.at(0)!.pick(['C3', 'Cz']))
  const { code, stdout } = await eegtorch('evaluate', file, '--data', slow, '--json')
  expect([code, stdout]).toEqual([1, expect.stringMatching(/no channel C4/)])
})

test('windows whose preparation nobody told are only answered for by others of that kind', async () => {
  const store = inFolder('imported.store')
  const windows = await Pipeline.parse(YAML).prepared.windows(await readAll(data))
  await writeStore(store, windows.with({ pipeline: undefined, data: windows.data.map((value) => 3 * value) }))
  const [, , , ...brief] = BRIEF
  const words = ['--pipeline', inFolder('mine.yaml'), '--leave-out', 'run', '--out', inFolder('imported'), '--json']
  expect((await eegtorch('train', 'eegnet', '--data', store, ...brief, ...words)).code).toBe(0)
  const file = weightsOf('imported')
  expect(openCheckpoint(file).metadata.preparedBy).toBeNull()
  expect(openCheckpoint(weightsOf('long')).metadata.preparedBy).toBe(windows.pipeline)
  const unknown = /did not tell how they were prepared/
  const refused = await eegtorch('evaluate', file, '--data', data, '--json')
  expect([refused.code, refused.stdout]).toEqual([1, expect.stringMatching(unknown)])
  await expect(evaluateCheckpoint(file, windows)).rejects.toThrow(unknown)
  const scored = await eegtorch('evaluate', file, '--data', store, '--json')
  expect([scored.code, scored.stderr]).toEqual([0, expect.stringMatching(/does not tell its preprocessing/)])
  expect(JSON.parse(scored.stdout)).toMatchObject({ windows: 8, seen: 16 })
})

test('without the steps, the hash of what made the training windows decides', async () => {
  const { tensors, metadata } = openCheckpoint(weightsOf('short'))
  const { pipeline, ...rest } = metadata as Record<string, unknown>
  const standardise = (pipeline as StoredPipeline).learned[0]
  const scores: unknown[] = []
  for (const [name, preparedBy] of [
    ['alike', metadata.preparedBy],
    ['otherwise', 'f'.repeat(64)],
  ]) {
    const file = inFolder(`${name as string}.safetensors`)
    await writeCheckpoint(file, await tensors.loadAll(), { ...rest, standardise, preparedBy } as never)
    scores.push(await eegtorch('evaluate', file, '--data', data, '--json'))
  }
  expect(scores).toMatchObject([{ code: 0 }, { code: 1, stdout: expect.stringMatching(/made by another pipeline/) }])
})

test.each([
  ['a part of it beside it', ['--pipeline', 'x.yaml', '--band', '4..38'], /option --band is a part of the pipeline/],
  ['a file that is not there', ['--pipeline', 'x.yaml'], /cannot be read.*x\.yaml/],
])('%s is refused', async (_, words, message) => {
  const { code, stderr } = await eegtorch('train', ...BRIEF, '--out', inFolder('refused'), ...words)
  expect([code, stderr]).toEqual([1, expect.stringMatching(message)])
})

test('the filter of a command’s options, which runs on the compute thread, is that of recordings', async () => {
  const recordings = simulateMotorImagery({ subjects: 1 })
  const equal = (a: ArrayLike<number>, b: ArrayLike<number>) =>
    a.length === b.length && Array.prototype.every.call(a, (value, i) => value === b[i])
  const found = await cutFiltered({ window: [0.5, 2.5], band: [8, 30] }, recordings)
  const expected = await recordings.filter({ band: [8, 30] }).windows({ from: 0.5, to: 2.5 })
  expect(equal(found.data, expected.data)).toBe(true)
  expect([found.channelNames, found.labels, found.simulated]).toEqual([expected.channelNames, expected.labels, true])
  const unfiltered = await cutFiltered({ window: [0.5, 2.5] }, recordings)
  expect(equal(unfiltered.data, (await recordings.windows({ from: 0.5, to: 2.5 })).data)).toBe(true)
})
