import { copyFileSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  crossValidate,
  type EegTorchError,
  type EegWindows,
  logVarianceLda,
  models,
  Pipeline,
  Sweep,
  type SweepModel,
  setNumThreads,
  simulateMotorImagery,
  sweepMarkdown,
  sweepPage,
} from 'eegtorch'

const folder = mkdtempSync(join(tmpdir(), 'eegtorch-sweep-api-'))
const SMALL = { kernelLength: 8, depthwiseKernelLength: 4, pool1KernelSize: 2, pool2KernelSize: 2, F1: 2 }
const OPTIONS = { epochs: 2, batchSize: 4, model: SMALL }
const NETWORK = { name: 'small', model: models.eegnet, options: OPTIONS, seeds: [3, 5] }
const ROWS: SweepModel[] = [
  NETWORK,
  { name: 'variance', model: logVarianceLda({ band: null }), configuration: { band: null } },
]

afterAll(() => rmSync(folder, { recursive: true }))

let windows: EegWindows
beforeAll(async () => {
  await setNumThreads(1)
  windows = await simulateMotorImagery({ subjects: 1, runs: 3, trials: 8, seed: 2 }).windows({ from: 0, to: 0.5 })
})

describe('a sweep in a program', () => {
  test('trains what crossValidate trains, once, and compares the rows', async () => {
    const sweep = new Sweep(ROWS, windows, { folds: 3, folder: join(folder, 'whole') })
    const told: string[] = []
    await sweep.run({ onDone: (job, done, total) => told.push(`${done} of ${total}: ${sweep.nameOf(job)}`) })
    expect(told).toHaveLength(9)
    expect(told[0]).toMatch(/^1 of 9: small, .*, seed 3$/)
    const report = await sweep.report()
    expect(report.entries).toMatchObject([
      { name: 'small', model: 'eegnet', done: 6, total: 6 },
      { name: 'variance', done: 3, total: 3 },
    ])
    const alone = await crossValidate(models.eegnet, windows, { ...OPTIONS, folds: 3, seeds: [3, 5], baselines: false })
    expect(report.comparison.scores[0]!.accuracy).toEqual(alone.accuracy)
    expect(report.comparison.pairs).toMatchObject([{ a: 'small', b: 'variance' }])
    expect(sweepMarkdown(report)).toMatch(/\| small \|/)
    expect(sweepPage(report)).toMatch(/^<!doctype html>/i)
  })

  test('finds its outcomes again, and trains those of another option or row alone', async () => {
    const again = new Sweep(ROWS, windows, { folds: 3, folder: join(folder, 'whole') })
    const before = again.jobs.map(({ file }) => statSync(file).mtimeMs)
    await again.run()
    expect(again.jobs.map(({ file }) => statSync(file).mtimeMs)).toEqual(before)
    const elsewhere = { ...NETWORK, options: { ...OPTIONS, device: 'cuda', resident: true } } as const
    const moved = new Sweep([elsewhere, ROWS[1]!], windows, { folds: 3, folder: join(folder, 'whole') })
    expect(moved.missing).toEqual([])
    const longer = { ...NETWORK, options: { ...OPTIONS, epochs: 3 } }
    const changed = new Sweep([longer, ROWS[1]!], windows, { folds: 3, folder: join(folder, 'whole') })
    expect(changed.missing.map(({ entry }) => entry)).toEqual([0, 0, 0, 0, 0, 0])
    const { entries, comparison } = await changed.report()
    expect(entries[0]).toMatchObject({ done: 0, total: 6 })
    expect(comparison.scores.map(({ name }) => name)).toEqual(['variance'])
  })

  test('weights to start from count by their content, not by their path', async () => {
    const file = (name: string) => join(folder, `${name}.safetensors`)
    const sizes = { nChans: windows.nChannels, nOutputs: 2, nTimes: windows.nSamples, ...SMALL }
    for (const name of ['one', 'two']) await models.eegnet(sizes).save(file(name))
    copyFileSync(file('one'), file('copy'))
    const namesOf = (name: string, configuration?: object) => {
      const row = { ...NETWORK, options: { ...OPTIONS, startFrom: file(name) }, ...configuration }
      return new Sweep([row], windows, { folds: 3, folder }).jobs.map((job) => job.file)
    }
    for (const more of [{}, { configuration: { epochs: 2 } }]) {
      const before = namesOf('one', more)
      expect(namesOf('copy', more)).toEqual(before)
      copyFileSync(file('two'), file('copy'))
      expect(namesOf('copy', more).filter((name) => before.includes(name))).toEqual([])
      copyFileSync(file('one'), file('copy'))
    }
    expect(() => namesOf('nowhere')).toThrow(/nowhere\.safetensors.*no such file/)
  })

  test('stops where it is told to, and keeps what is finished', async () => {
    const sweep = new Sweep(ROWS, windows, { folds: 3, folder: join(folder, 'stopped') })
    const stop = new AbortController()
    const run = sweep.run({ signal: stop.signal, onDone: (_, done) => done === 2 && stop.abort() })
    await expect(run).rejects.toMatchObject({ code: 'CANCELLED' })
    expect(sweep.missing).toHaveLength(7)
  })

  test('says which file is no outcome', async () => {
    const sweep = new Sweep(ROWS, windows, { folds: 3, folder: join(folder, 'whole') })
    const { file } = sweep.jobs[0]!
    for (const text of ['no outcome', '{"name": ', '{}', '{"predictions": [{}]}']) {
      writeFileSync(file, text)
      await expect(sweep.report()).rejects.toMatchObject({ code: 'FILE_INVALID', file })
    }
  })

  test.each<[string, SweepModel[], Partial<EegTorchError>]>([
    ['no rows', [], { option: 'models' }],
    ['two rows of one name', [ROWS[0]!, ROWS[0]!], { option: 'models.1' }],
    [
      'rows of other preprocessing',
      [NETWORK, { ...NETWORK, name: 'other', options: { ...OPTIONS, pipeline: Pipeline.parse([{ upsample: 2 }]) } }],
      { option: 'models.1', received: 'upsample' },
    ],
    [
      'options that nothing tells from others',
      [{ ...NETWORK, options: { ...OPTIONS, schedule: (step: number) => 1 / (step + 1) } }],
      { option: 'schedule' },
    ],
  ])('refuses %s', (_, rows, details) => {
    expect(() => new Sweep(rows, windows, { folds: 3, folder }).jobs).toThrow(
      expect.objectContaining({ code: 'INVALID_OPTION', ...details }),
    )
  })
})
