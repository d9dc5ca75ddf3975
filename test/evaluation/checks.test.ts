import {
  type BaselineDecoder,
  blockControl,
  crossValidate,
  cspLda,
  decodeFolds,
  type EegWindows,
  leaveOneOut,
  logVarianceLda,
  models,
  type Prediction,
  permutationTest,
  Random,
  retrainingTest,
  setNumThreads,
  shuffleLabels,
  TestLedger,
  timeBlocks,
  timeControl,
} from 'eegtorch'
import { formatOpenings } from '../../lib/evaluation/test-ledger.ts'
import { errorOf, rejectionOf } from '../thrown.ts'
import { makeWindows } from './make-windows.ts'

const N = 32
beforeAll(() => setNumThreads(1))

interface Design {
  /** How much louder class b is. */
  effect?: number
  /** Gain of run r against run 1. */
  gain?: (run: number, trial: number) => number
  label?: (run: number, trial: number) => number
}

/** Three runs of twelve trials, 12 s apart, of one channel of noise. */
function study({ effect = 1, gain = () => 1, label = (_, trial) => trial % 2 }: Design): EegWindows {
  const random = new Random(5)
  const rows = [0, 1, 2].flatMap((run) =>
    Array.from({ length: 12 }, (_, t) => ({
      ...{ subject: 'S1', run: `R${run}`, trial: t + 1, start: t * 120, label: label(run, t) },
    })),
  )
  const windows = makeWindows(rows, { nSamples: N })
  const data = windows.data.map((_, i) => {
    const w = Math.floor(i / N)
    return random.normal() * (windows.labels[w] === 1 ? effect : 1) * gain(Math.floor(w / 12), w % 12)
  })
  return windows.with({ data, classNames: ['a', 'b'] })
}

/** One answer a trial; all in one fold and subject unless `fold` says. */
const answers = (truth: number[], predicted: number[], fold = (_: number) => 0): Prediction[] =>
  truth.map((label, i) => ({
    ...{ subject: 'S1', trial: `${i}`, fold: fold(i), seed: 0, truth: label, predicted: predicted[i]! },
    probabilities: predicted[i] === 1 ? [0.3, 0.7] : [0.6, 0.4],
  }))

describe('a permutation test', () => {
  test('comes near the exact share of label orders that score as high', async () => {
    // Of the 20 orders of three ones among six, one is as right as this.
    const [accuracy, area] = await permutationTest(answers([0, 1, 0, 1, 0, 1], [0, 1, 0, 1, 0, 1]), {
      permutations: 20_000,
    })
    expect(accuracy).toMatchObject({ statistic: 'accuracy', observed: 1, permutations: 20_000 })
    expect(accuracy!.p).toBeCloseTo(1 / 20, 2)
    expect(accuracy!.nullMean).toBeCloseTo(0.5, 2)
    expect(area).toMatchObject({ statistic: 'ROC area', observed: 1 })
    expect(area!.p).toBeCloseTo(1 / 20, 2)
  })

  test('shuffles within what a fold tests only: folds of one class hold no evidence', async () => {
    const truth = [0, 0, 0, 1, 1, 1]
    const [test] = await permutationTest(
      answers(truth, truth, (i) => (i < 3 ? 0 : 1)),
      { permutations: 50 },
    )
    expect(test!.p).toBe(1)
  })

  test('counts a trial once, however many seeds and windows answered it', async () => {
    const once = answers([0, 1, 0, 1, 1, 0], [0, 1, 1, 1, 0, 0])
    const often = [0, 1].flatMap((seed) => once.flatMap((answer) => [1, 2].map(() => ({ ...answer, seed }))))
    expect(await permutationTest(often, { permutations: 99 })).toEqual(
      await permutationTest(once, { permutations: 99 }),
    )
  })

  test('needs answers and a count', async () => {
    expect((await rejectionOf(permutationTest([]))).code).toBe('INVALID_OPTION')
    const half = permutationTest(answers([0, 1], [0, 1]), { permutations: 0.5 })
    expect((await rejectionOf(half)).option).toBe('permutations')
  })

  test('leaves the event loop free, and stops when it is told to', async () => {
    const many = answers(
      Array.from({ length: 2000 }, (_, i) => i % 2),
      Array.from({ length: 2000 }, (_, i) => (i * i) % 2),
    )
    const cancel = new AbortController()
    const stopped = permutationTest(many, { permutations: 1e9, signal: cancel.signal })
    setTimeout(() => cancel.abort(new Error('enough')), 30)
    expect((await rejectionOf(stopped)).message).toBe('enough')
  })
})

test('a split that leaks is refused by whatever trains on it', async () => {
  const windows = study({ effect: 4 })
  const { name, train, test: asked } = leaveOneOut(windows, 'run')[0]!
  const leaking = [{ name, train: [...train, asked[0]!], test: asked }]
  const decoder = logVarianceLda()
  const ways = [
    () => decodeFolds(windows, leaking, decoder),
    () => retrainingTest(windows, leaking, decoder, { retrainings: 1 }),
    () => timeControl(windows, leaking),
  ]
  for (const way of ways) expect((await rejectionOf(way())).code).toBe('SPLIT_LEAKS')
})

describe('training on shuffled labels', () => {
  test('gives what can be given by chance: with one feature, the right sign in all of three folds', async () => {
    const windows = study({ effect: 4 })
    const splits = leaveOneOut(windows, 'run')
    const [accuracy, area] = await retrainingTest(windows, splits, logVarianceLda(), { retrainings: 400 })
    expect(accuracy!.observed).toBeGreaterThan(0.9)
    expect(Math.abs(accuracy!.nullMean - 0.5)).toBeLessThan(0.1)
    expect(area).toMatchObject({ statistic: 'ROC area', permutations: 400 })
    expect(area!.p).toBeGreaterThan(0.08)
    expect(area!.p).toBeLessThan(0.18)
  })

  test('has room for a test part of more windows than a call has for arguments', async () => {
    const rows = Array.from({ length: 131_000 }, (_, i) => ({
      run: i < 100 ? 'A' : 'B',
      trial: i + 1,
      start: 10 * i,
      label: i % 2,
    }))
    const windows = makeWindows(rows, { nSamples: 1 })
    const [train, test] = [[...rows.keys()].slice(0, 100), [...rows.keys()].slice(100)]
    const first: BaselineDecoder = {
      name: 'the first class',
      extract: ({ data }) => ({ width: 1, values: Float64Array.from(data) }),
      fit: () => ({
        predict: ({ values }) => ({
          predicted: new Int32Array(values.length),
          probabilities: Array.from(values, () => [0.5, 0.3, 0.2]),
        }),
      }),
    }
    const [accuracy] = await retrainingTest(windows, [{ name: 'B', train, test }], first, { retrainings: 1 })
    expect(accuracy!.observed).toBe(0.5)
  })

  test('shuffles within recordings, trial by trial, and leaves what is tested alone', () => {
    const windows = study({})
    const shuffled = shuffleLabels(
      windows,
      Array.from({ length: 24 }, (_, i) => i),
      new Random(1),
    )
    const ones = (from: number) => shuffled.labels.slice(from, from + 12).filter((label) => label === 1).length
    expect([ones(0), ones(12)]).toEqual([6, 6])
    expect(shuffled.labels.slice(0, 24)).not.toEqual(windows.labels.slice(0, 24))
    expect(shuffled.labels.slice(24)).toEqual(windows.labels.slice(24))
  })

  test('shuffles across recordings where each holds one class', () => {
    const windows = study({ label: (run) => (run === 0 ? 0 : 1) })
    const shuffled = shuffleLabels(
      windows,
      Array.from({ length: 36 }, (_, i) => i),
      new Random(1),
    )
    expect(new Set(shuffled.labels.slice(0, 12)).size).toBe(2)
  })
})

describe('controls', () => {
  test('tell blocks that differ in power, and not those that do not', async () => {
    const [told] = await blockControl(study({ gain: (run) => 3 ** run }))
    expect(told).toMatchObject({ control: 'block', figure: 'accuracy', chance: 1 / 3 })
    expect(told!.score).toBeGreaterThan(0.8)
    expect(told!.reading).toMatch(/^Blocks can be told/)
    const [alike] = await blockControl(study({}))
    expect(alike!.p).toBeGreaterThan(0.05)
    expect(alike!.reading).toMatch(/cannot be told/)
  })

  test('say where the block gives the class away', async () => {
    expect((await blockControl(study({})))[1]).toMatchObject({ score: 0.5, chance: 0.5 })
    const tied = (await blockControl(study({ label: (run) => (run === 0 ? 0 : 1) })))[1]!
    expect(tied.score).toBe(1)
    expect(tied.reading).toMatch(/give the classes away/)
  })

  test('tell time where power drifts alike in every run, and not where it is steady', async () => {
    const drifting = study({ gain: (_, trial) => 1.5 ** trial })
    const [told] = await timeControl(drifting, leaveOneOut(drifting, 'run'))
    expect(told!.score).toBeGreaterThan(0.5)
    const steady = study({})
    expect((await timeControl(steady, timeBlocks(steady, { folds: 3 })))[0]!.score).toBeLessThan(0.1)
  })

  test('cut a single recording into fifths', async () => {
    const windows = study({ gain: (_, trial) => 2 ** trial })
    const one = windows.subset(Array.from({ length: 12 }, (_, i) => i))
    expect((await blockControl(one))[0]!.what).toMatch(/which of 5 fifths/)
    await expect(blockControl(windows.subset([0, 1, 2]))).rejects.toMatchObject({ option: 'controls' })
  })
})

describe('openings of test parts', () => {
  test('are counted, and a second by the same training is refused', () => {
    const kept: unknown[] = []
    const ledger = new TestLedger({
      readOpenings: () => [{ fold: 0, by: 'eegnet', seed: 0 }],
      recordOpening: (o) => kept.push(o),
    })
    // Killed while it was tested: done again, it counts twice.
    ledger.open({ fold: 0, by: 'eegnet', seed: 0 })
    ledger.open({ fold: 1, by: 'eegnet', seed: 0 })
    ledger.open({ fold: 0, by: 'CSP', times: 3 })
    expect(errorOf(() => ledger.open({ fold: 1, by: 'eegnet', seed: 0 })).message).toMatch(
      /seed 0, has been tested on fold 2 already/,
    )
    expect(kept).toHaveLength(3)
    expect(formatOpenings(ledger.openings)).toBe(
      'test parts opened 6 times: eegnet 3 (1 to 2 of each fold), CSP 3 (3 of each fold)',
    )
  })

  test('stand in the result of a cross-validation, with its proof, tests and controls', async () => {
    const windows = study({ effect: 3 })
    const result = await crossValidate(models.eegnet, windows, {
      ...{ leaveOut: 'run', seeds: 2, epochs: 2, batchSize: 4, permutations: 20, retrainings: 3 },
      ...{ controls: ['block', 'time', 'shuffled'], baselines: [logVarianceLda(), cspLda({ band: null, filters: 1 })] },
      model: { kernelLength: 8, depthwiseKernelLength: 4, pool1KernelSize: 2, pool2KernelSize: 2, F1: 2 },
    })
    const { split, permutationTests, retrainingTests, controls } = result.run
    expect(formatOpenings(split.openings!)).toBe(
      'test parts opened 33 times: eegnet 6 (2 of each fold), eegnet on shuffled labels 3 (1 of each fold), ' +
        'log-variance + LDA 3 (1 of each fold), CSP + LDA, filters 1 3 (1 of each fold), ' +
        'log-variance + LDA on shuffled labels 9 (3 of each fold), CSP + LDA, filters 1 on shuffled labels 9 (3 of each fold)',
    )
    for (const { proof } of split.folds) {
      expect(proof!.fitted).toEqual([{ name: 'z-scores', learnedFrom: { train: 24, validation: 0, test: 0 } }])
    }
    expect(permutationTests!.map(({ name }) => name)).toEqual(['eegnet', 'log-variance + LDA', 'CSP + LDA, filters 1'])
    expect(retrainingTests!.map(({ tests }) => tests.length)).toEqual([2, 2])
    expect(controls!.map(({ control }) => control)).toEqual([
      ...['block', 'block', 'time', 'shuffled', 'shuffled', 'shuffled', 'shuffled', 'shuffled', 'shuffled'],
    ])
    expect(result.toString()).toMatch(/split checked, 3 folds: no trial.*fitted on training parts: z-scores/)
    expect(result.lines().some((line) => line.startsWith('control, time'))).toBe(true)
  })
})
