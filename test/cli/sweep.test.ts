import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { shapingOptions } from '../../lib/cli/shaping.ts'
import { checkSweep, sweepEntries, withFullPaths } from '../../lib/cli/sweep-config.ts'
import { commandOf, readSweep } from '../../lib/cli/sweep-plan.ts'
import { packageRoot } from '../../lib/setup/paths.ts'
import { type ChildResult, runNode } from '../built.ts'
import { writeSimulatedFiles } from '../recordings/simulated-files.ts'

const main = join(packageRoot, 'dist', 'cli', 'main.js')
const folder = mkdtempSync(join(tmpdir(), 'eegtorch-sweep-'))
const data = join(folder, 'eegmmidb')
const inFolder = (name: string) => join(folder, name)
const environment = { NODE_OPTIONS: '', EEGTORCH_DATA: '' }

/** Nine trainings of a network and three of a decoder, on 24 trials. */
const SWEEP = `data: ${data}
task: fists-feet
window: [0.5, 1.5]
protocol: { name: leave-one-out, by: run, within: subject }
seeds: 3
epochs: 40
workers: 2
models:
  - csp_lda
  - { model: eegnet, name: small eegnet, modelOptions: { F1: 2 } }
`
const config = inFolder('sweep.yaml')
const sweep = (out: string, ...words: string[]): Promise<ChildResult> =>
  runNode([main, 'sweep', config, '--out', inFolder(out), ...words], { env: environment })

beforeAll(async () => {
  await writeSimulatedFiles(data)
  writeFileSync(config, SWEEP)
})
afterAll(() => rmSync(folder, { recursive: true }))

interface Outcome {
  bytes: string
  modified: number
}

/** What is finished, by file. Anything else that lies there fails the test. */
function outcomes(out: string): Map<string, Outcome> {
  const root = inFolder(`${out}/outcomes`)
  const files = existsSync(root) ? (readdirSync(root, { recursive: true }) as string[]) : []
  // a temporary file may be renamed while this looks
  const found = files.filter((file) => !file.endsWith('.tmp') && statSync(join(root, file)).isFile())
  return new Map(
    found.map((file) => {
      const bytes = readFileSync(join(root, file), 'utf8')
      expect(JSON.parse(bytes)).toHaveProperty('predictions')
      return [file, { bytes, modified: statSync(join(root, file)).mtimeMs }]
    }),
  )
}

function start(out: string): { child: ChildProcess; ended: Promise<{ code: number | null; stderr: string }> } {
  const child = spawn(process.execPath, [main, 'sweep', config, '--out', inFolder(out)], {
    env: { ...process.env, ...environment },
  })
  let stderr = ''
  child.stderr.on('data', (text) => (stderr += text))
  return { child, ended: new Promise((resolve) => child.on('close', (code) => resolve({ code, stderr }))) }
}

async function until(child: ChildProcess, isSo: () => boolean): Promise<void> {
  while (!isSo()) {
    if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode} before it was so`)
    await sleep(5)
  }
}

const comparison = (out: string) =>
  (JSON.parse(readFileSync(inFolder(`${out}/results.json`), 'utf8')) as { comparison: object }).comparison

describe('sweep', () => {
  test('trains every model on every fold and seed, and writes one table in three forms', async () => {
    const { code, stdout } = await sweep('whole')
    expect(code).toBe(0)
    expect(readdirSync(inFolder('whole')).sort()).toEqual(
      ['config.yaml', 'outcomes', 'report.html', 'results.json', 'results.md'].sort(),
    )
    expect(outcomes('whole').size).toBe(12)
    const markdown = readFileSync(inFolder('whole/results.md'), 'utf8')
    expect(stdout).toContain(markdown)
    expect(markdown).toContain('SIMULATED DATA')
    expect(markdown).toMatch(/leave one run out within each subject, \d+ folds; 0\.5-1\.5 s after the cue, 4-38 Hz/)
    expect(markdown).toMatch(/\| csp_lda \| [01]\.\d+ \| 0\.\d\d to [01]\.\d\d \| 0\.500 \| .* \| no seeds \| 24 \|/)
    expect(markdown).toMatch(
      /\| small eegnet \| .* \| one subject \| 0\.\d+ ± 0\.\d+ \(3\) \| 24 \| [\d,]+ \| [\d.]+ s \|/,
    )
    expect(comparison('whole')).toMatchObject({
      unit: 'trial',
      scores: [
        { name: 'csp_lda', accuracy: { n: 24, seeds: 1 } },
        { name: 'small eegnet', accuracy: { n: 24, seeds: 3 } },
      ],
      pairs: [{ a: 'csp_lda', b: 'small eegnet', n: 24, wilcoxon: { holm: expect.any(Number) } }],
    })
    expect(readFileSync(inFolder('whole/report.html'), 'utf8')).toMatch(/^<!doctype html>.*small eegnet/is)
  })

  test('killed in the middle, a second call repeats nothing that is finished, and ends the same', async () => {
    const { child, ended } = start('killed')
    await until(child, () => outcomes('killed').size >= 4)
    child.kill('SIGKILL')
    await ended
    const before = outcomes('killed')
    expect(before.size).toBeLessThan(12)
    const { code, stderr } = await sweep('killed')
    expect([code, stderr]).toEqual([0, expect.stringMatching(/^12 trainings, \d+ finished before\n/)])
    const after = outcomes('killed')
    expect(after.size).toBe(12)
    for (const [file, outcome] of before) expect(after.get(file)).toEqual(outcome)
    expect(comparison('killed')).toEqual(comparison('whole'))
  })

  test('a worker that dies is one line, the rest goes on, and a second call makes up for it', async () => {
    const wound = async (folder: string) => {
      const { child, ended } = start(folder)
      const workers = () => readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8').trim().split(' ')
      await until(child, () => outcomes(folder).size >= 4)
      process.kill(Number(workers()[0]), 'SIGKILL')
      return { folder, ...(await ended) }
    }
    // A worker that has nothing left to do when the signal comes is missed by nobody.
    let wounded = await wound('wounded-1')
    for (let n = 2; wounded.code === 0 && n <= 5; n++) wounded = await wound(`wounded-${n}`)
    const { folder, code, stderr } = wounded
    expect(code).toBe(1)
    expect(stderr.match(/^failed: .*$/gm)).toEqual([
      expect.stringMatching(
        /^failed: small eegnet, S001R\d\d, seed \d: its worker process ended with signal SIGKILL; the others go on$/,
      ),
    ])
    expect(stderr).toMatch(/1 training failed; to try again: eegtorch sweep/)
    // The signal may come between a training's last byte and its word to the parent: then the outcome is there.
    const finished = outcomes(folder).size
    expect([11, 12]).toContain(finished)
    const row = finished === 11 ? '| small eegnet | 8 of 9 trainings |' : '| small eegnet | 0.'
    expect(readFileSync(inFolder(`${folder}/results.md`), 'utf8')).toContain(row)
    expect((await sweep(folder)).code).toBe(0)
    expect(comparison(folder)).toEqual(comparison('whole'))
  })

  test('another model adds its trainings alone; another option makes all of its own anew', async () => {
    const wider = inFolder('wider.yaml')
    writeFileSync(wider, `${SWEEP}  - log_variance_lda\n`)
    const words = (file: string) => [main, 'sweep', file, '--out', inFolder('whole')]
    const { stderr } = await runNode(words(wider), { env: environment })
    expect(stderr).toMatch(/^15 trainings, 12 finished before\n/)
    writeFileSync(wider, SWEEP.replace('epochs: 40', 'epochs: 1'))
    const again = await runNode([...words(wider), '--table-only', '--json'], { env: environment })
    expect(JSON.parse(again.stdout)).toMatchObject({
      entries: [{ done: 0 }, { name: 'small eegnet', done: 0, total: 9 }],
    })
  })

  test('subjects that are not there are one clear error, and nothing is written', async () => {
    const file = inFolder('wrong.yaml')
    writeFileSync(file, `${SWEEP}subjects: [S009]\n`)
    const { code, stderr } = await runNode([main, 'sweep', file, '--out', inFolder('wrong')], { env: environment })
    expect([code, stderr]).toEqual([
      1,
      expect.stringMatching(/^[^\n]*no recording is of subject S009: expected some of S001[^\n]*\n$/),
    ])
    expect(existsSync(inFolder('wrong'))).toBe(false)
  })

  test('chooses a network in inner folds of each training part, and tests that one', async () => {
    const nested = inFolder('nested.yaml')
    const models =
      'models:\n  - { model: eegnet, name: frozen, lr: 5e-3, clipNorm: 1e-30 }\n  - { model: eegnet, name: learns, lr: 5e-3 }\n'
    writeFileSync(nested, SWEEP.replace(/workers: 2\nmodels:[\s\S]*/, models).replace('seeds: 3', 'seeds: 1'))
    const run = (...words: string[]) =>
      runNode([main, 'sweep', nested, '--out', inFolder('nested'), ...words], { env: environment })
    const { code, stdout, stderr } = await run('--inner', '2', '--json')
    expect([code, stderr]).toEqual([0, ''])
    const result = JSON.parse(stdout)
    expect(result.summary.accuracy.n).toBe(24)
    expect(JSON.parse(readFileSync(inFolder('nested/nested.json'), 'utf8'))).toEqual(result)
    for (const { chosen, scores } of result.choices) {
      expect(Object.keys(scores)).toEqual(['frozen', 'learns'])
      expect(scores[chosen]).toBe(Math.max(scores.learns, scores.frozen))
    }
    // What is said of the first network concerns no other.
    const scoresOf = (name: string) => result.choices.map((choice: { scores: object }) => choice.scores[name as never])
    expect(scoresOf('learns')).not.toEqual(scoresOf('frozen'))
    const wrong = await run('--inner', '1')
    expect([wrong.code, wrong.stderr]).toEqual([1, expect.stringMatching(/option --inner: /)])
  })

  test('where it computes and how it is saved shape no training; the command that goes on says the flags that were given', async () => {
    const place = { file: 'study.yaml', folder: inFolder('planned') }
    const written = { data, task: 'fists-feet', window: [0.5, 1.5], leaveOut: 'run', models: ['eegnet', 'csp_lda'] }
    const config = checkSweep(written)
    const files = async (changed: object) =>
      (await readSweep({ ...config, ...changed }, place)).jobs.map(({ file }) => file)
    const usual = await files({})
    expect(await files({ resident: true, permutations: 9 })).toEqual(usual)
    expect(shapingOptions({ device: 'cuda', epochs: 2, lr: 1 }, ['lr'])).toEqual({ epochs: 2 })
    expect(await files({ epochs: 2 })).not.toEqual(usual)
    const said = { file: 'study.yaml', folder: 'runs/study', flags: { workers: 2, device: 'cuda:1', inner: 3 } }
    expect(commandOf(said)).toBe('eegtorch sweep study.yaml --out runs/study --workers 2 --device cuda:1 --inner 3')
  })

  test('its paths hold from anywhere', () => {
    const written = {
      data: ['a', 'b'],
      startFrom: 'w',
      models: ['eegnet', { model: 'eegnet', name: 'own', startFrom: 'v' }],
    }
    const full = withFullPaths(checkSweep(written))
    expect([full.data, full.startFrom]).toEqual([[resolve('a'), resolve('b')], resolve('w')])
    expect(full.models).toEqual(['eegnet', { model: 'eegnet', name: 'own', startFrom: resolve('v') }])
  })

  test('what the preset of one row says of windows and splits is passed over; that of all rows holds for all', () => {
    const row = { model: 'conv_net', preset: 'bcic_iv_2a_networks' }
    const other = { model: 'eegnet', preset: 'eegnet_lstm_transformer_eegnet' }
    const rows = (written: object) => sweepEntries(checkSweep({ data, ...written })).map((entry) => entry.config)
    for (const models of [
      [row, 'eegnet'],
      ['eegnet', row],
    ])
      expect(rows({ models }).map(({ folds }) => folds)).toEqual([undefined, undefined])
    expect(rows({ models: [row] })[0]!.modelOptions).toMatchObject({ nFilters: [25, 50, 100, 200] })
    const shared = { preset: row.preset, models: ['csp_lda', other] }
    expect(rows(shared).map(({ folds }) => folds)).toEqual([5, 5])
    expect(rows({ ...shared, leaveOut: 'run' }).map(({ folds }) => folds)).toEqual([undefined, undefined])
  })

  test('takes a pipeline in place of its shorthand', () => {
    const pipeline = [{ filter: [4, 38] }, { windows: { from: 0, to: 1 } }]
    const written = { data, pipeline, models: ['csp_lda', 'eegnet'] }
    expect(sweepEntries(checkSweep(written)).map(({ config }) => config.pipeline)).toEqual([pipeline, pipeline])
    expect(() => checkSweep({ ...written, band: [4, 30] })).toThrow(/option band is a part of the pipeline/)
  })

  test('refuses what choosing has no place for', () => {
    const inner = { name: 'k-fold', folds: 2 }
    expect(() => checkSweep({ data, models: ['eegnet', 'csp_lda'], inner })).toThrow(
      /models\.1 has no place.*networks alone/,
    )
    expect(() => checkSweep({ data, models: ['eegnet'], inner, validation: 0.2 })).toThrow(/validation has no place/)
    expect(() => checkSweep({ data, models: ['eegnet'], inner, workers: 2 }, { flags: { workers: 2 } })).toThrow(
      /option --workers has no place/,
    )
    const only = { file: 'sweep.yaml', flags: { tableOnly: true } }
    expect(() => checkSweep({ data, models: ['eegnet'], inner }, only)).toThrow(/option --table-only has no place/)
    expect(checkSweep({ data, models: ['eegnet'] }, only).inner).toBeUndefined()
    expect(checkSweep({ data, models: ['eegnet'], inner }).inner).toEqual(inner)
  })

  test.each([
    ['a model that is not there', { models: ['eggnet'] }, /no model is called eggnet/],
    ['a model listed twice', { models: ['csp_lda', 'csp_lda'] }, /models\.1 is not usable: .* received csp_lda twice/],
    ['an option that is common to all', { models: [{ model: 'eegnet', band: [1, 2] }] }, /models\.0\.band/],
    ['an option of a network', { models: [{ model: 'eegnet', lr: -1 }] }, /option lr/],
    ['an option of a decoder', { models: [{ model: 'csp_lda', modelOptions: { fliters: 2 } }] }, /fliters/],
    ['an option that is not known', { epoch: 3 }, /option epoch: there is no such option\. Did you mean epochs/],
    ['two protocols', { leaveOut: 'run', folds: 3, models: ['eegnet'] }, /give one of leaveOut, folds and protocol/],
    ['a protocol without its number', { protocol: { name: 'blocks' } }, /option protocol\.folds/],
    ['no models', { models: [] }, /option models/],
  ])('%s is refused by name', (_, change, pattern) => {
    expect(() => checkSweep({ data, models: ['csp_lda'], ...change }, { file: 'sweep.yaml' })).toThrow(pattern)
  })
})
