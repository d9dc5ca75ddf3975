import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CrossValidationResult } from 'eegtorch'
import { exampleSignals } from '../../lib/report/example-signals.ts'
import { renderReport } from '../../lib/report/html.ts'
import { sampleRun } from './sample-run.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'eegtorch-report-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

describe('report.html', () => {
  test('stands alone: nothing is loaded and nothing runs', async () => {
    const html = renderReport(await sampleRun())
    expect(html).not.toMatch(
      /<(script|img|link|iframe|object|embed|base|form)\b|@import|url\(|https?:|src=|href=|\son\w+=/i,
    )
    expect(html).toContain(`content="default-src 'none'; style-src 'unsafe-inline'"`)
  })

  test('is well formed, with no number that is none', async () => {
    for (const run of [
      await sampleRun(),
      await sampleRun({ classes: ['a', 'b', 'c', 'd'], subjects: 3, seeds: 1, epochs: 1 }),
    ]) {
      const html = renderReport(run)
      expect(html).not.toMatch(/NaN|Infinity|undefined|\[object/)
      expect(unclosed(html)).toEqual([])
    }
  })

  test('says that data are simulated, and only then', async () => {
    expect(renderReport(await sampleRun())).toContain('SIMULATED DATA')
    expect(renderReport({ ...(await sampleRun()), simulated: false })).not.toMatch(/simulated/i)
  })

  test('holds the score with protocol, chance, interval, p, trials, baseline, split, options, versions and hardware', async () => {
    const run = await sampleRun()
    const { accuracy } = new CrossValidationResult(run)
    const html = renderReport(run)
    const words = html.replace(/<style>.*?<\/style>/s, '').replace(/<[^>]+>/g, '\n')
    const expected = [
      (100 * accuracy.mean).toFixed(1),
      'Leave one run out, 6 folds',
      'chance 0.533',
      `[${accuracy.low.toFixed(2)}, ${accuracy.high.toFixed(2)}]`,
      '90 trials',
      'CSP + LDA, 8–30 Hz',
      'No trial and no moment of a recording is in two parts of a fold.',
      'optimizer.lr',
      '4, 38',
      '2.11.0+cu130',
      'AVX-512',
      '2,898 parameters',
      'S001R14',
      'One subject: no claim about other people follows.',
      'eegtorch train eegnet',
    ]
    for (const part of expected) expect(words.replaceAll('\u00a0', ' ')).toContain(part)
  })

  test('every string of a run is escaped', async () => {
    const hostile = '<script>alert(1)</script>"&'
    const run = await sampleRun({ classes: [hostile, 'b'] })
    const html = renderReport({
      ...run,
      title: hostile,
      createdAt: hostile,
      protocol: hostile,
      command: hostile,
      model: { name: hostile },
      predictions: run.predictions.map((p) => ({ ...p, subject: hostile })),
      baselines: [{ name: hostile, predictions: run.predictions }],
      split: { by: hostile, statement: hostile, folds: [{ name: hostile, train: 1, validation: 1, test: 1 }] },
      signals: { ...run.signals!, channels: run.signals!.channels.map(() => hostile) },
      configuration: { [hostile]: { [hostile]: [hostile] } },
      versions: { [hostile]: hostile },
      hardware: { [hostile]: hostile },
    })
    expect(html).not.toContain('<script')
    expect(html).toContain('&lt;script&gt;alert(1)&lt;/script&gt;&quot;&amp;')
  })

  test('names the curves that are drawn: no validation where no part of training was held out', async () => {
    const run = await sampleRun()
    const named = () => [...renderReport(run).matchAll(/<b>(training|validation)<\/b>/g)].map(([, name]) => name)
    expect(named()).toEqual(['training', 'validation'])
    for (const epoch of run.curves.flatMap(({ epochs }) => epochs)) {
      delete epoch.validationLoss
      delete epoch.validationAccuracy
    }
    expect(named()).toEqual(['training'])
  })

  test('says that means are of windows, and of how many', async () => {
    const run = await sampleRun()
    const [first] = run.signals!.averages
    const page = renderReport(run)
    expect(page).toContain(`${first!.label}, ${first!.trials} windows`)
    expect(page).toContain('the first 2,000 windows at most')
  })

  test('does without curves, signals and baselines', async () => {
    const { signals: _, ...run } = await sampleRun()
    const html = renderReport({ ...run, curves: [], baselines: [] })
    expect(html).not.toContain('Learning curves')
    expect(html).not.toContain('<h2>Signals')
    expect(unclosed(html)).toEqual([])
  })

  test('a loss that is not finite leaves a gap', async () => {
    const run = await sampleRun({ seeds: 1 })
    run.curves[0]!.epochs[3]!.trainLoss = Number.NaN
    run.curves[0]!.epochs[4]!.validationLoss = Number.POSITIVE_INFINITY
    expect(renderReport(run)).not.toMatch(/NaN|Infinity/)
  })
})

describe('results.json', () => {
  test('comes back with the same scores, and is replaced as a whole', async () => {
    const result = new CrossValidationResult(await sampleRun())
    const path = join(folder, 'results.json')
    await result.save(path)
    await result.save(path)
    const loaded = await CrossValidationResult.load(path)
    expect(loaded.run).toEqual(result.run)
    expect(loaded.summary).toEqual(result.summary)
    expect(readdirSync(folder)).toEqual(['results.json'])
    const json = JSON.parse(readFileSync(path, 'utf8'))
    expect(json).toMatchObject({
      format: 'eegtorch-results',
      version: 1,
      accuracy: { n: 90 },
      summary: { bySeed: [{}, {}, {}] },
    })
  })

  test.each([
    ['{', 'text that is not JSON'],
    ['null', 'format undefined'],
    ['{"format":"eegtorch-results","version":2}', 'version 2'],
    ['{"format":"eegtorch-results","version":1}', 'one without title'],
  ])('%s is refused', async (content, reason) => {
    const path = join(folder, 'results.json')
    writeFileSync(path, content)
    await expect(CrossValidationResult.load(path)).rejects.toThrow(reason)
  })

  test('a loss that was not a number stays none', async () => {
    const run = await sampleRun({ seeds: 1, epochs: 2 })
    run.curves[0]!.epochs[1]!.trainLoss = Number.NaN
    const path = join(folder, 'results.json')
    await new CrossValidationResult(run).save(path)
    expect((await CrossValidationResult.load(path)).run.curves).toEqual(run.curves)
  })

  test('a missing file is named', async () => {
    await expect(CrossValidationResult.load(join(folder, 'none.json'))).rejects.toMatchObject({
      code: 'FILE_NOT_FOUND',
    })
  })
})

describe('CrossValidationResult', () => {
  test('has the accuracy and prints the lines', async () => {
    const result = new CrossValidationResult({ ...(await sampleRun()), simulated: false })
    const { mean, deviation, low, high } = result.accuracy
    expect(result.accuracy).toMatchObject({ chance: 48 / 90, n: 90, seeds: 3 })
    const lines = result.toString().split('\n')
    expect(lines[0]).toBe(
      `accuracy ${mean.toFixed(3)} ± ${deviation.toFixed(3)} over 3 seeds   n = 90 trials, ` +
        `95 % interval [${low.toFixed(2)}, ${high.toFixed(2)}]   chance 0.533 (p < 1e-15)`,
    )
    expect(lines.at(-1)).toMatch(/^CSP \+ LDA, 8–30 Hz on the same folds: 0\.\d{3}$/)
    expect(new CrossValidationResult(await sampleRun()).lines()[0]).toMatch(/^SIMULATED/)
  })

  test('writes the report', async () => {
    const path = join(folder, 'report.html')
    await new CrossValidationResult(await sampleRun()).report(path)
    expect(existsSync(path)).toBe(true)
    expect(readFileSync(path, 'utf8')).toMatch(/^<!doctype html>/)
  })
})

describe('example signals', () => {
  const windows = {
    data: Float32Array.from({ length: 3 * 2 * 2 }, (_, i) => i),
    nChannels: 2,
    nSamples: 2,
    labels: [1, 0, 1],
    samplingRate: 2,
    channelNames: ['X1', 'c3'],
  }

  test('one window of the first class, and the mean of each class', async () => {
    const signals = await exampleSignals(windows, { classes: ['a', 'b'] })
    expect(signals).toEqual({
      samplingRate: 2,
      channels: ['c3', 'X1'],
      trial: {
        title: 'a',
        samples: [
          [6, 7],
          [4, 5],
        ],
      },
      averages: [
        {
          label: 'a',
          trials: 1,
          samples: [
            [6, 7],
            [4, 5],
          ],
        },
        {
          label: 'b',
          trials: 2,
          samples: [
            [6, 7],
            [4, 5],
          ],
        },
      ],
    })
  })

  test('spectra show the rhythm of each class', async () => {
    const wave = (hertz: number) =>
      Array.from({ length: 128 }, (_, i) => 1e-5 * Math.sin((2 * Math.PI * hertz * i) / 64))
    const rhythms = {
      ...windows,
      data: Float32Array.from([...wave(8), ...wave(12)]),
      labels: [0, 1],
      nChannels: 1,
      nSamples: 128,
      samplingRate: 64,
    }
    const { spectra } = await exampleSignals(rhythms, { classes: ['a', 'b'] })
    expect(spectra!.resolution).toBe(0.5)
    const peaks = spectra!.classes.map(
      ({ density }) => density[0]!.indexOf(Math.max(...density[0]!)) * spectra!.resolution,
    )
    expect(peaks).toEqual([8, 12])
  })

  test('shows as many channels as asked', async () => {
    expect((await exampleSignals(windows, { classes: ['a', 'b'], channels: 1 })).channels).toEqual(['c3'])
  })
})

/** Tags that open and never close, or close and never opened. */
function unclosed(html: string): string[] {
  const open: string[] = []
  for (const [, slash, name] of html.matchAll(/<(\/?)([a-zA-Z0-9]+)[^>]*>/g)) {
    if (name === 'meta') continue
    if (slash === '') open.push(name!)
    else if (open.at(-1) === name) open.pop()
    else return [...open, `/${name}`]
  }
  return open
}
