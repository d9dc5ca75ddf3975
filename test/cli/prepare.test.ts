import { execFile, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type EegWindows, openStore, Pipeline, readAll, writeNpz } from 'eegtorch'
import { planOf } from '../../lib/prepare/prepare-plan.ts'
import { packageRoot } from '../../lib/setup/paths.ts'
import { type ChildResult, runNode } from '../built.ts'
import { makeRecording } from '../recordings/make-recording.ts'
import { writeSimulatedFiles } from '../recordings/simulated-files.ts'
import { describeWithShared, sharedPath } from '../shared.ts'

const main = join(packageRoot, 'dist', 'cli', 'main.js')
const folder = mkdtempSync(join(tmpdir(), 'eegtorch-prepare-'))
const data = join(folder, 'eegmmidb')
const inFolder = (name: string) => join(folder, name)
const BRIEF = ['--data', data, '--task', 'fists-feet', '--window', '0.5..1.5']

const environment = { NODE_OPTIONS: '', EEGTORCH_DATA: '' }
const eegtorch = (...words: string[]): Promise<ChildResult> => runNode([main, ...words], { env: environment })
const prepare = (name: string, ...words: string[]) => eegtorch('prepare', ...BRIEF, '--out', inFolder(name), ...words)

let expected: EegWindows

beforeAll(async () => {
  await writeSimulatedFiles(data)
  const recordings = await readAll(data)
  const pick = recordings.at(0)!.channels.map(({ name }) => name)
  const pipeline = Pipeline.parse([{ pick }, { filter: [4, 38] }, { windows: { from: 0.5, to: 1.5 } }])
  expected = await pipeline.windows(recordings, { task: 'fists-feet' })
})
afterAll(() => rmSync(folder, { recursive: true }))

test('a store holds what the pipeline gives, is never overwritten, and is told in JSON', async () => {
  const { code, stdout, stderr } = await prepare('whole.store', '--json', '--workers', '2')
  expect([code, stderr]).toEqual([0, ''])
  const { windows, classNames, recordings, skipped } = JSON.parse(stdout)
  expect([windows, classNames, recordings, skipped]).toEqual([
    expected.length,
    [...expected.classNames],
    expected.recordings.length,
    0,
  ])
  expectSame(openStore(inFolder('whole.store')).windows)
  expect(readdirSync(inFolder('whole.store'))).toEqual(['data.mdb'])
  const { stdout: told } = await eegtorch('inspect', inFolder('whole.store'))
  const [simulated, channels, classes, pipeline] = told.trimEnd().split('\n')
  expect(simulated).toBe(
    `SIMULATED: ${windows} windows of ${recordings} recordings (1 subject), store of windows, float32`,
  )
  expect(channels).toContain(`22 channels (Fz, FC3`)
  expect(classes).toMatch(/^classes: .*feet \d+/)
  expect(pipeline).toMatch(/^pipeline [0-9a-f]{8}: pick, filter, windows/)
  const again = await prepare('whole.store')
  expect([again.code, again.stderr]).toEqual([1, expect.stringMatching(/whole\.store: .*not overwritten/)])
})

test('an option that was wrong is mended by the next call, for nothing was made yet', async () => {
  const out = inFolder('mended.store')
  const wrong = await eegtorch('prepare', ...BRIEF, '--channels', 'Q9', '--out', out)
  expect(wrong.code).toBe(1)
  expect(wrong.stderr).toMatch(/recordings cannot be prepared: S001R\d\d: there is no channel Q9: /)
  expect(wrong.stderr).not.toContain('kept')
  expect((await prepare('mended.store')).code).toBe(0)
  expectSame(openStore(out).windows)
  const nothing = await eegtorch('prepare', '--out', inFolder('nothing.store'))
  expect([nothing.code, nothing.stderr]).toEqual([1, expect.stringContaining('option data: expected a folder, a file')])
})

test('values that are no numbers are warned of', async () => {
  const source = inFolder('holes.npz')
  const samples = () => Float64Array.from({ length: 2000 }, (_, i) => 1e-5 * Math.sin(i * i))
  const holes = samples()
  holes[650] = Number.NaN
  const events = [2, 6, 10].map((onset) => ({ onset, duration: 0, label: 'go' }))
  await writeNpz(source, makeRecording({ nSamples: 2000, data: [samples(), holes], events }))
  const words = ['--data', source, '--events', 'go', '--window', '0..1']
  const { code, stderr } = await eegtorch('prepare', ...words, '--band', 'none', '--out', inFolder('holes.store'))
  expect([code, stderr]).toEqual([0, expect.stringMatching(/warning: holes: 1 of 3 windows hold .* \(C4\)/)])
  const spread = await eegtorch('prepare', ...words, '--out', inFolder('spread.store'))
  expect(spread.stderr).toMatch(/warning: holes: 3 of 3 windows hold .* \(C4\)/)
})

test('killed in the middle, it is no store, and goes on where it was', async () => {
  const out = inFolder('killed.store')
  const child = spawn(process.execPath, [main, 'prepare', ...BRIEF, '--out', out, '--workers', '1'], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, ...environment },
  })
  const ended = new Promise((resolve) => child.on('close', resolve))
  for await (const text of child.stderr) if (/prepared 1 of/.test(String(text))) break
  child.kill('SIGKILL')
  await ended
  expect(existsSync(out)).toBe(false)
  expect(() => openStore(`${out}.partial`)).toThrow(/never finished/)
  const other = await eegtorch('prepare', ...BRIEF, '--band', '8..30', '--out', out)
  expect([other.code, other.stderr]).toEqual([1, expect.stringMatching(/unfinished store of another pipeline/)])
  const plan = `${out}.partial/plan.json`
  renameSync(plan, `${plan}.away`)
  const unplanned = await prepare('killed.store')
  expect([unplanned.code, unplanned.stderr]).toEqual([1, expect.stringMatching(/nothing says how it was made/)])
  renameSync(`${plan}.away`, plan)
  const { code, stderr } = await prepare('killed.store')
  expect(code).toBe(0)
  expect(stderr).toMatch(/^prepared [1-9]/)
  expectSame(openStore(out).windows)
  expect(existsSync(`${out}.partial`)).toBe(false)
})

test('of two that make one store at once, one does, and the other is told', async () => {
  const both = await Promise.all([prepare('twice.store', '--workers', '1'), prepare('twice.store', '--workers', '1')])
  expect(both.map(({ code }) => code).sort()).toEqual([0, 1])
  expect(both.find(({ code }) => code === 1)!.stderr).toMatch(/twice\.store: .*not overwritten/)
  expectSame(openStore(inFolder('twice.store')).windows)
  expect(readdirSync(folder).filter((name) => name.startsWith('twice'))).toEqual(['twice.store'])
  expect(readdirSync(inFolder('twice.store'))).toEqual(['data.mdb'])
})

test('a plan knows how files are read, and every file that samples are in', async () => {
  const header = inFolder('brain.vhdr')
  const made = await eegtorch('export', join(data, readdirSync(data)[0]!), header)
  expect([made.code, made.stderr]).toEqual([0, ''])
  const planned = async (read?: object, more = {}) => {
    const work = { pipeline: Pipeline.parse([{ windows: { from: 0, to: 1 } }]), trials: { events: ['T1'] } }
    const recordings = await readAll(header)
    return planOf({ ...(read && { read }), ...more }, recordings, { ...work, sampleType: 'float32' })
  }
  const plan = await planned()
  expect(plan.recordings[0]!.files.length).toBe(2)
  expect(await planned()).toEqual(plan)
  expect(await planned({ unit: 'uV' })).not.toEqual(plan)
  const description = inFolder('mine.yaml')
  writeFileSync(description, 'scale: 1')
  const described = await planned(undefined, { dataset: description })
  writeFileSync(description, 'scale: 2')
  expect(await planned(undefined, { dataset: description })).not.toEqual(described)
  utimesSync(inFolder('brain.eeg'), 1, 1)
  expect(await planned()).not.toEqual(plan)
})

test('a full disk is one clear error, and the work goes on when there is room', async () => {
  const out = inFolder('full.store')
  // Beyond this many blocks of 512 bytes a write fails, as on a full disk.
  const command = `trap '' XFSZ; ulimit -f 128; exec "$0" "$@"`
  const words = ['-c', command, process.execPath, main, 'prepare', ...BRIEF, '--out', out, '--workers', '1']
  const stderr = await new Promise<string>((resolve) => {
    execFile('/bin/sh', words, { env: { ...process.env, ...environment } }, (_, __, text) => resolve(text))
  })
  expect(stderr).toMatch(/cannot be prepared: .*cannot be written \(/)
  expect(existsSync(out)).toBe(false)
  expect((await prepare('full.store')).code).toBe(0)
  expectSame(openStore(out).windows)
})

test('train and evaluate take a store, with the numbers of the recordings', async () => {
  await prepare('train.store')
  const words = ['--epochs', '1', '--no-baselines', '--threads', '1', '--json', '--leave-out', 'run']
  const [stored, read] = await Promise.all([
    eegtorch('train', 'eegnet', '--data', inFolder('train.store'), '--out', inFolder('stored'), ...words),
    eegtorch('train', 'eegnet', ...BRIEF, '--out', inFolder('read'), ...words),
  ])
  expect([stored.code, stored.stderr]).toEqual([0, ''])
  expect(JSON.parse(stored.stdout).accuracy).toEqual(JSON.parse(read.stdout).accuracy)
  const weights = inFolder('stored/checkpoints/fold-1-seed-0/last.safetensors')
  const score = await eegtorch('evaluate', weights, '--data', inFolder('train.store'), '--json')
  expect(JSON.parse(score.stdout)).toMatchObject({ seen: 16, windows: 8 })
  const answered = await eegtorch('train', 'eegnet', '--data', inFolder('train.store'), '--band', '8..30')
  expect(answered.stderr).toMatch(/option band was decided when the store was prepared/)
  const usual = await eegtorch('train', 'eegnet', '--data', inFolder('train.store'), '--band', '4..38')
  expect(usual.stderr).toMatch(/option band was decided when the store was prepared/)
  renameSync(inFolder('train.store'), inFolder('moved.store'))
  const moved = await eegtorch('train', '--resume', inFolder('stored'), '--data', inFolder('moved.store'), '--json')
  expect([moved.code, moved.stderr]).toEqual([0, ''])
  expect(JSON.parse(moved.stdout).accuracy).toEqual(JSON.parse(stored.stdout).accuracy)
})

test('windows of CBraMod and CSBrain become a store; what would cut them is refused where it was said', async () => {
  const pickled = join(import.meta.dirname, '../fixtures/store/pickled')
  const make = (...words: string[]) =>
    eegtorch('prepare', ...words, '--data', pickled, '--out', inFolder('pickled.store'), '--json')
  const file = inFolder('pickled.yaml')
  writeFileSync(file, 'read: { samplingRate: 100, subject: S1 }\n')
  for (const [pattern, ...words] of [
    [/option --band has no place where windows were cut already/, '--band', '8..9'],
    [/option --no-standardise|option --standardise/, '--no-standardise'],
    [/pickled\.yaml: option read\.subject has no place/, file],
  ] as const) {
    const { code, stdout } = await make(...words)
    expect([code, stdout]).toEqual([1, expect.stringMatching(pattern)])
  }
  expect(existsSync(inFolder('pickled.store'))).toBe(false)
  writeFileSync(file, 'read: { samplingRate: 100 }\n')
  expect((await make(file)).code).toBe(0)
  expect(openStore(inFolder('pickled.store')).windows.samplingRate).toBe(100)
})

test('options that make no sense are refused before anything is written', async () => {
  const pipeline = inFolder('no-windows.yaml')
  writeFileSync(pipeline, 'steps: [{ filter: [4, 38] }]\n')
  const uncut = await eegtorch('prepare', '--data', data, '--pipeline', pipeline, '--out', inFolder('x.store'))
  expect([uncut.code, uncut.stderr]).toEqual([1, expect.stringMatching(/cuts no windows/)])
  const none = await eegtorch('prepare', '--data', data, '--events', 'T9', '--out', inFolder('y.store'))
  expect([none.code, none.stderr]).toEqual([1, expect.stringMatching(/no recording gives a window/)])
  expect(readdirSync(folder).filter((name) => name.endsWith('.store') && /^[xy]/.test(name))).toEqual([])
})

describeWithShared('one recording in many formats', () => {
  const formats = (name: string) => sharedPath('eeg/derived/S001R04_64s_all_formats', name)

  test('prepare runs on FIF, BDF, EEGLAB and EDF, train and evaluate on FIF, EDF and BrainVision', async () => {
    const out = inFolder('formats.store')
    const files = ['S001R04_raw.fif', 'S001R04.bdf', 'S001R04.set'].map(formats)
    const events = ['--events', 'T1', 'T2', '--window', '0..2', '--channels', 'C3', 'Cz', 'C4']
    const edf = sharedPath('eeg/eegmmidb/S001R08.edf')
    const made = await eegtorch('prepare', '--data', ...files, edf, ...events, '--out', out, '--json')
    expect([made.code, made.stderr]).toEqual([0, ''])
    const { windows } = openStore(out)
    const byFile = windows.recordings.map((_, k) =>
      [...windows.labels.keys()].filter((index) => windows.origins[index]!.recording === k),
    )
    expect(byFile.map(({ length }) => length)).toEqual([...byFile.slice(0, 3).map(() => byFile[0]!.length), 15])
    for (const other of byFile.slice(1, 3)) {
      for (const [i, index] of other.entries()) {
        const [a, b] = [windows.window(byFile[0]![i]!), windows.window(index)]
        const scale = Math.max(...a.map(Math.abs))
        expect(Math.max(...a.map((value, k) => Math.abs(value - b[k]!))) / scale).toBeLessThan(1e-3)
      }
    }
    // Copies of one recording may not be split: the others are for the test alone.
    const part = inFolder('two.store')
    const brain = inFolder('third.vhdr')
    const written = await eegtorch('export', sharedPath('eeg/eegmmidb/S001R12.edf'), brain)
    expect([written.code, written.stderr]).toEqual([0, ''])
    await eegtorch('prepare', '--data', files[0]!, edf, brain, ...events, '--out', part)
    const words = ['--epochs', '1', '--no-baselines', '--threads', '1', '--leave-out', 'run', '--json']
    const trained = await eegtorch('train', 'eegnet', '--data', part, '--out', inFolder('two'), ...words)
    expect([trained.code, trained.stderr]).toEqual([0, ''])
    const all = openStore(part).windows
    expect(all.recordings.length).toBe(3)
    expect(JSON.parse(trained.stdout).accuracy.n).toBe(all.length)
    const weights = inFolder('two/checkpoints/fold-1-seed-0/last.safetensors')
    const score = await eegtorch('evaluate', weights, '--data', part, '--json')
    expect(JSON.parse(score.stdout).windows).toBeGreaterThan(5)
  })
})

function expectSame(stored: EegWindows): void {
  expect(stored.origins).toEqual(expected.origins)
  expect(stored.recordings).toEqual(expected.recordings)
  expect(stored.channelNames).toEqual(expected.channelNames)
  expect(stored.pipeline).toBe(expected.pipeline)
  for (let i = 0; i < expected.length; i++) expect([...stored.window(i)]).toEqual([...expected.window(i)])
}
