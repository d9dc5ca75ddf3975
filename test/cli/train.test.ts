import { type ChildProcess, spawn } from 'node:child_process'
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { openCheckpoint, readJsonLines, writeCheckpoint } from 'eegtorch'
import { parse } from 'yaml'
import { packageRoot } from '../../lib/setup/paths.ts'
import { type ChildResult, runNode } from '../built.ts'
import { writeSimulatedFiles } from '../recordings/simulated-files.ts'

const main = join(packageRoot, 'dist', 'cli', 'main.js')
const folder = mkdtempSync(join(tmpdir(), 'eegtorch-cli-'))
const data = join(folder, 'eegmmidb')
const inFolder = (name: string) => join(folder, name)

/** What makes a run of 24 trials in three folds short. */
const BRIEF = ['--data', data, '--task', 'fists-feet', '--window', '0.5..1.5', '--no-baselines', '--threads', '1']

const environment = { NODE_OPTIONS: '', EEGTORCH_DATA: '' }
const childEnvironment = { ...process.env, ...environment }
const eegtorch = (...words: string[]): Promise<ChildResult> => runNode([main, ...words], { env: environment })
const train = (name: string, ...words: string[]) =>
  eegtorch('train', 'eegnet', ...BRIEF, '--out', inFolder(name), ...words)

beforeAll(() => writeSimulatedFiles(data))
afterAll(() => rmSync(folder, { recursive: true }))

describe('train', () => {
  test('writes a whole run, prints its score, and gives scripts JSON', async () => {
    const { code, stdout, stderr } = await train('whole', '--epochs', '1', '--json')
    expect([code, stderr]).toEqual([0, ''])
    expect(JSON.parse(stdout)).toMatchObject({
      accuracy: { n: 24, chance: 0.5, confidence: 0.95 },
      baselines: [],
      folder: inFolder('whole'),
      report: inFolder('whole/report.html'),
    })
    expect(readdirSync(inFolder('whole')).sort()).toEqual(
      [
        'checkpoints',
        'config.yaml',
        'log.jsonl',
        'openings.jsonl',
        'outcomes',
        'report.html',
        'results.json',
        'settings.json',
        'tensorboard',
      ].sort(),
    )
    expect(readdirSync(inFolder('whole/checkpoints'))).toEqual(['fold-1-seed-0', 'fold-2-seed-0', 'fold-3-seed-0'])
    expect(readdirSync(inFolder('whole/checkpoints/fold-1-seed-0'))).toEqual(['last.safetensors'])
    expect(readFileSync(inFolder('whole/report.html'), 'utf8')).toMatch(/^<!doctype html>/i)
  })

  test('a finished run is not trained again, nor overwritten', async () => {
    await train('finished', '--epochs', '1')
    const weights = inFolder('finished/checkpoints/fold-2-seed-0/last.safetensors')
    const [before, log] = [readFileSync(weights), readFileSync(inFolder('finished/log.jsonl'), 'utf8')]
    const again = await train('finished', '--epochs', '1')
    expect([again.code, again.stdout]).toEqual([1, ''])
    expect(again.stderr).toMatch(/holds a run already: expected a new folder, or --resume .*finished/)
    const { code, stdout } = await eegtorch('train', '--resume', inFolder('finished'))
    expect([code, stdout]).toEqual([0, expect.stringContaining(`report   ${inFolder('finished/report.html')}`)])
    expect(readFileSync(weights).equals(before)).toBe(true)
    expect(readFileSync(inFolder('finished/log.jsonl'), 'utf8')).toBe(log)
  })

  test('a run goes on as what it is: with other options or recordings it is refused, and nothing of it changes', async () => {
    const own = inFolder('own data')
    cpSync(data, own, { recursive: true })
    const run = inFolder('continued')
    const words = ['train', 'eegnet', ...BRIEF, '--data', own, '--epochs', '1', '--out', run]
    expect((await eegtorch(...words)).code).toBe(0)
    const config = join(run, 'config.yaml')
    const before = parse(readFileSync(config, 'utf8')) as object
    const resume = (...more: string[]) => eegtorch('train', '--resume', run, ...more)
    const epochs = await resume('--epochs', '2')
    expect([epochs.code, epochs.stdout]).toEqual([1, ''])
    expect(epochs.stderr).toMatch(
      /\[INVALID_OPTION\]: .*continued holds a run with other settings: .*another epochs\n$/,
    )
    expect(parse(readFileSync(config, 'utf8'))).toEqual(before)
    expect((await resume('--checkpoint-seconds', '5', '--permutations', '10')).code).toBe(0)
    expect(parse(readFileSync(config, 'utf8'))).toEqual({ ...before, permutations: 10, checkpointSeconds: 5 })
    copyFileSync(join(own, 'S001R14.edf'), join(own, 'S001R02.edf'))
    const added = await resume()
    expect([added.code, added.stderr]).toEqual([1, expect.stringMatching(/another content of data\n$/)])
    const demo = await eegtorch('demo', '--no-pictures', '--data', data, '--out', run)
    expect([demo.code, demo.stderr]).toEqual([1, expect.stringMatching(/holds a run with other settings/)])
  })

  test('a whole regime may stand in a YAML file on top of a preset, and start from other weights', async () => {
    const config = inFolder('regime.yaml')
    const regime = `preset: eegnet_lstm_transformer_eegnet
augmentations: [timeReverse, { name: bandstopFilter, probability: 0.3 }, { name: mixup, alpha: 0.3 }]
schedule: { name: one-cycle, rise: 0.4, anneal: linear }
loss: focal
upsample: 2
ema: 0.9
l2: 0.001
freeze: ['conv_temporal*', 'bnorm_temporal*']
layerDecay: 0.75
groups: [{ params: ['final_layer*'], lr: 0.01 }]
epochs: 1
`
    writeFileSync(config, regime)
    const run = (name: string, ...words: string[]) =>
      eegtorch('train', '--config', config, ...BRIEF, '--folds', '2', '--json', '--out', inFolder(name), ...words)
    expect(await run('regime')).toMatchObject({ code: 0, stderr: '' })
    const recorded = readFileSync(inFolder('regime/config.yaml'), 'utf8')
    expect(recorded).toMatch(/^model: eegnet$/m)
    expect(recorded).toMatch(/^lr: 0.001$/m)
    const weights = inFolder('regime/checkpoints/fold-1-seed-0/last.safetensors')
    expect(await run('regime-2', '--start-from', weights, '--optimizer', 'rmsprop')).toMatchObject({
      code: 0,
      stderr: '',
    })
    const unknown = await run('regime-3', '--augmentations', 'timeWarp')
    expect([unknown.code, unknown.stdout]).toEqual([1, expect.stringMatching(/no augmentation is called time_warp/)])
  })

  test('options may stand in a YAML file, and flags win over it', async () => {
    const config = inFolder('run.yaml')
    writeFileSync(
      config,
      `model: eegnet\ndata: ${data}\ntask: fists-feet\nwindow: [0, 1]\nepochs: 3\nbaselines: false\n`,
    )
    const out = inFolder('from-yaml')
    const { code } = await eegtorch('train', '--config', config, '--epochs', '1', '--threads', '1', '--out', out)
    expect(code).toBe(0)
    expect(readFileSync(join(out, 'config.yaml'), 'utf8')).toMatch(/^epochs: 1$/m)
    expect(readJsonLines(join(out, 'log.jsonl')).filter(({ event }) => event === 'epoch')).toHaveLength(3)
  })

  test('SIGINT ends it with 130 and says how to go on; resumed, it gives what an undisturbed run gives', async () => {
    const flags = ['--epochs', '60', '--folds', '2', '--validation', '0.25']
    const stopped = await interrupted(['train', 'eegnet', ...BRIEF, '--out', inFolder('stopped'), ...flags], 'stopped')
    expect([stopped.code, stopped.stderr]).toEqual([
      130,
      expect.stringContaining(`stopped; go on with: eegtorch train --resume ${inFolder('stopped')}`),
    ])
    expect(existsSync(inFolder('stopped/checkpoints/fold-1-seed-0/state.safetensors'))).toBe(true)
    expect(existsSync(inFolder('stopped/results.json'))).toBe(false)

    const [resumed, whole] = await Promise.all([
      eegtorch('train', '--resume', inFolder('stopped')),
      train('undisturbed', ...flags),
    ])
    expect([resumed.code, whole.code]).toEqual([0, 0])
    const epochs = readJsonLines(inFolder('stopped/log.jsonl')).filter(({ event }) => event === 'epoch')
    expect(epochs).toHaveLength(120)
    for (const fold of ['fold-1-seed-0', 'fold-2-seed-0']) {
      const weights = (run: string) => readFileSync(inFolder(`${run}/checkpoints/${fold}/last.safetensors`))
      expect(weights('stopped').equals(weights('undisturbed'))).toBe(true)
    }
  })

  test.each([
    [2, /^error: unknown option --epoch. Did you mean --epochs\?\n$/, ['--epoch', '3']],
    [2, /Expected FROM\.\.TO such as 0\.5\.\.3\.5, received "3\.\.1"/, ['--window', '3..1']],
    [2, /Allowed choices are subject, session, run, trial/, ['--leave-out', 'monkey']],
    [1, /\[INVALID_OPTION\]: option --epochs: /, ['--epochs', 'many']],
    [1, /\[INVALID_OPTION\]: give either task or events, not both/, ['--events', 'T1', 'T2']],
    [1, /\[INVALID_OPTION\]: give one of leaveOut, folds and protocol/, ['--folds', '2', '--leave-out', 'run']],
    [1, /\[UNKNOWN_NAME\].*no task 'juggling'/, ['--task', 'juggling']],
    [1, /\[FILE_NOT_FOUND\].*nowhere/, ['--data', '/nowhere']],
    [1, /\[INVALID_OPTION\]: earlyStopping .* so give validation too/, ['--early-stopping', '3']],
    [1, /\[INVALID_OPTION\]: monitor .* so give validation too/, ['--monitor', 'accuracy']],
  ])('wrong words end with %i and one line that matches %s', async (exit, pattern, words) => {
    const { code, stdout, stderr } = await train('wrong', ...words)
    expect([code, stdout]).toEqual([exit, ''])
    expect(stderr).toMatch(pattern)
    expect(stderr.trim().split('\n')).toHaveLength(1)
    expect(existsSync(inFolder('wrong/config.yaml'))).toBe(false)
  })

  test.each([
    ['below a file', join(data, 'S001R06.edf', 'run')],
    ['where nothing can be made', '/proc/eegtorch/run'],
  ])('a run folder %s is one error, and it ends', async (_, out) => {
    const { code, stdout, stderr } = await eegtorch('train', 'eegnet', ...BRIEF, '--epochs', '1', '--out', out)
    expect([code, stdout]).toEqual([1, ''])
    expect(stderr).toMatch(/^EegTorchError \[FILE_WRITE_FAILED\]: [^\n]* cannot be made \([^\n]*\n$/)
  })

  test('a disk that is full in the middle is one error that names the file', async () => {
    const words = ['train', 'eegnet', ...BRIEF, '--epochs', '1', '--checkpoint-steps', '1', '--out', inFolder('full')]
    const script = 'ulimit -f 2; exec "$@"'
    const child = spawn('bash', ['-c', script, 'bash', process.execPath, main, ...words], { env: childEnvironment })
    let stderr = ''
    child.stderr.on('data', (text) => (stderr += text))
    const code = await new Promise((resolve) => child.on('close', resolve))
    expect(code).toBe(1)
    expect(stderr).toMatch(
      /EegTorchError \[FILE_WRITE_FAILED\]: .*state\.safetensors: cannot be written \(File too large\)/,
    )
  })

  test.each([
    ['no model', ['train', '--data', '.'], /option model/],
    ['an unknown model', ['train', 'eggnet', '--data', data], /no model is called eggnet: expected one of eegnet/],
    ['a folder that holds no run', ['train', '--resume', tmpdir()], /is no run to resume/],
    ['a configuration that is not there', ['train', '--config', '/nowhere.yaml'], /\[FILE_NOT_FOUND\]/],
  ])('%s is one clear error', async (_, words, pattern) => {
    const { code, stderr } = await eegtorch(...words)
    expect([code, stderr]).toEqual([1, expect.stringMatching(pattern)])
  })

  test.each([
    ['an unknown option', 'epoch: 3\n', /option epoch: there is no such option\. Did you mean epochs/],
    ['text', 'just words\n', /is no configuration: expected YAML of named options/],
    ['aliases that multiply', bomb(), /\[FILE_UNSAFE\].*expands to far more than it holds/],
  ])('a YAML file of %s is refused by name', async (_, content, pattern) => {
    const file = inFolder('wrong.yaml')
    writeFileSync(file, content)
    const { code, stderr } = await eegtorch('train', 'eegnet', '--config', file, '--data', data)
    expect([code, stderr]).toEqual([1, expect.stringMatching(pattern)])
    expect(stderr).toContain(file)
  })
})

test('progress counts the folds that there are: two files of one run are in one of them', async () => {
  await writeSimulatedFiles(inFolder('more'), 4, 7)
  const { code, stderr } = await train('counted', '--data', inFolder('more/S001R06.edf'), '--epochs', '1')
  expect([code, stderr]).toEqual([0, expect.stringMatching(/^fold 1\/3 [\s\S]*^fold 3\/3 /m)])
  const { protocol } = JSON.parse(readFileSync(inFolder('counted/results.json'), 'utf8')) as { protocol: string }
  expect(protocol).toBe('leave one run out, 3 folds; 0.5-1.5 s after the cue, 4-38 Hz')
})

describe('evaluate', () => {
  const checkpoint = inFolder('evaluated/checkpoints/fold-1-seed-0/last.safetensors')
  beforeAll(async () => {
    await train('evaluated', '--epochs', '1')
    await writeSimulatedFiles(inFolder('fresh'), 4, 5)
  })

  test('scores what the network was not trained on', async () => {
    const { code, stdout, stderr } = await eegtorch('evaluate', checkpoint, '--data', data)
    expect([code, stderr]).toEqual([0, ''])
    expect(stdout).toMatch(/n = 8 trials/)
    expect(stdout).toMatch(/8 windows scored, 16 left out that the network was trained on\n$/)
    const json = JSON.parse((await eegtorch('evaluate', checkpoint, '--data', data, '--json')).stdout) as object
    expect(json).toMatchObject({ accuracy: { n: 8 }, windows: 8, seen: 16 })
  })

  test.each([
    ['recordings that it was trained on', [checkpoint, '--data', join(data, 'S001R10.edf')], 'SPLIT_LEAKS'],
    ['no checkpoint', [inFolder('none.safetensors'), '--data', data], 'FILE_NOT_FOUND'],
    ['a file of another kind', [join(data, 'S001R06.edf'), '--data', data], 'FILE_INVALID|FILE_UNSUPPORTED'],
    ['no recordings', [checkpoint, '--data', '/nowhere'], 'FILE_NOT_FOUND'],
  ])('%s: one error, for scripts as JSON', async (_, words, expected) => {
    const { code, stdout } = await eegtorch('evaluate', ...words, '--json')
    expect(code).toBe(1)
    expect((JSON.parse(stdout) as { error: { code: string } }).error.code).toMatch(new RegExp(`^(${expected})$`))
  })

  test('a copy under another name is known by its samples, and another study under equal names is scored', async () => {
    mkdirSync(inFolder('copies'))
    copyFileSync(join(data, 'S001R10.edf'), inFolder('copies/S007R06.edf'))
    const copied = await eegtorch('evaluate', checkpoint, '--data', inFolder('copies'))
    expect([copied.code, copied.stderr]).toEqual([1, expect.stringMatching(/trained on every one of these windows/)])
    await writeSimulatedFiles(inFolder('other'), 4, 3)
    const other = await eegtorch('evaluate', checkpoint, '--data', inFolder('other'), '--json')
    expect(JSON.parse(other.stdout)).toMatchObject({ windows: 24, seen: 0, proof: { by: 'samples', seenTrials: 0 } })
    expect(other.stderr).toMatch(/16 trials have names that the network was trained on \(S001R10 .*they are scored/)
  })

  test('a checkpoint that was trained on a GPU is scored where there is none; --device is heeded', async () => {
    const { tensors, metadata } = openCheckpoint(checkpoint)
    const run = { ...(metadata.run as object), device: 'cuda:99' }
    await writeCheckpoint(inFolder('on-gpu.safetensors'), await tensors.loadAll(), { ...metadata, run })
    const words = ['evaluate', inFolder('on-gpu.safetensors'), '--data', data, '--json']
    expect(JSON.parse((await eegtorch(...words)).stdout)).toMatchObject({ windows: 8, seen: 16 })
    const refused = await eegtorch(...words, '--device', 'cuda:99')
    expect(refused).toMatchObject({ code: 1, stdout: expect.stringContaining('option --device: expected cpu') })
  })

  test('a checkpoint without hashes goes by names, and says so', async () => {
    const { tensors, metadata } = openCheckpoint(checkpoint)
    const { seenSamples: _, ...older } = metadata
    await writeCheckpoint(inFolder('older.safetensors'), await tensors.loadAll(), older)
    const { stdout, stderr } = await eegtorch('evaluate', inFolder('older.safetensors'), '--data', data, '--json')
    expect(JSON.parse(stdout)).toMatchObject({
      windows: 8,
      seen: 16,
      openings: [],
      proof: { by: 'names', against: 16 },
    })
    expect(stderr).toMatch(/keeps no hashes .*a renamed copy is scored as new/)
    expect(stderr).toMatch(/lie in no folder of a run/)
  })

  test('prints what was compared, every look at the test part, and a line for each subject', async () => {
    mkdirSync(inFolder('two'))
    for (const [subject, run] of [
      ['S001', '06'],
      ['S002', '06'],
    ] as const)
      copyFileSync(inFolder(`fresh/S001R${run}.edf`), inFolder(`two/${subject}R${run}.edf`))
    const look = async () => (await eegtorch('evaluate', checkpoint, '--data', inFolder('two'))).stdout
    await look()
    const printed = await look()
    expect(printed).toMatch(
      /^held against training: 16 windows of 16 trials, by their samples, against 16 windows .*; 0 trials left out$/m,
    )
    expect(printed).toMatch(/^test parts opened \d+ times: eegnet 3 .*evaluate on S001R06 and 1 more 2 /m)
    expect(printed).toMatch(/^S001 {3}accuracy 0\.\d+ {3}n = 8 trials.*\nS002 {3}accuracy/m)
    expect(printed).toMatch(/no classical decoder beside it/)
  })

  test('without --data it says what is missing, and ends with 2', async () => {
    expect(await eegtorch('evaluate', checkpoint)).toMatchObject({ code: 2, stderr: expect.stringContaining('--data') })
  })
})

describe('demo', () => {
  test('trains on recordings, whose task it finds by itself', async () => {
    const { code, stdout } = await eegtorch('demo', '--no-pictures', '--data', data, '--out', inFolder('demo'))
    expect(code).toBe(0)
    expect(stdout).toMatch(/^3 recordings in /)
    expect(stdout).toMatch(/accuracy 0\.\d+ {3}n = 24 trials/)
    expect(stdout).toMatch(/CSP \+ LDA/)
    expect(readFileSync(inFolder('demo/config.yaml'), 'utf8')).toMatch(/^task: fists-feet$/m)
  })

  test('without any it says that its recordings are simulated, and a stopped one can go on', async () => {
    const { code, stdout } = await interrupted(['demo', '--out', inFolder('simulated')], 'simulated')
    expect(code).toBe(130)
    expect(stdout).toContain('runs on SIMULATED motor-imagery EEG')
    expect(existsSync(inFolder('simulated/checkpoints/fold-1-seed-0/state.safetensors'))).toBe(true)
  })
})

/** Runs until the first epochs are logged, then sends SIGINT. */
async function interrupted(
  words: string[],
  run: string,
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const child = spawn(process.execPath, [main, ...words], { env: childEnvironment })
  const output = { stdout: '', stderr: '' }
  child.stdout.on('data', (text) => (output.stdout += text))
  child.stderr.on('data', (text) => (output.stderr += text))
  const ended = new Promise<number | null>((resolve) => child.on('close', resolve))
  await logged(inFolder(`${run}/log.jsonl`), child)
  child.kill('SIGINT')
  return { code: await ended, ...output }
}

async function logged(log: string, child: ChildProcess): Promise<void> {
  while (!existsSync(log) || readFileSync(log, 'utf8').split('\n').length < 3) {
    if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode} before it had logged`)
    await sleep(10)
  }
}

/** Nine levels of nine references each: 387 million items. */
function bomb(): string {
  const lines = ['a: &a0 [x]']
  for (let i = 1; i < 9; i++)
    lines.push(
      `b${i}: &a${i} [${Array(9)
        .fill(`*a${i - 1}`)
        .join(', ')}]`,
    )
  return `${lines.join('\n')}\n`
}
