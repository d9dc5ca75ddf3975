import { mkdtempSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  crossValidate,
  cspLda,
  type EegWindows,
  models,
  nestedCrossValidate,
  nestedSplits,
  openStore,
  optim,
  protocolSplits,
  Random,
  RunFolder,
  type Split,
  setNumThreads,
  simulateMotorImagery,
  trainSplit,
  writeStore,
} from 'eegtorch'
import fc from 'fast-check'
import { likeliestClasses } from '../../lib/evaluation/predictions.ts'
import { evaluateCheckpoint } from '../../lib/experiment/evaluate-checkpoint.ts'
import { makeWindows } from '../evaluation/make-windows.ts'
import { describeWithGpu } from '../gpu.ts'
import { errorOf, rejectionOf } from '../thrown.ts'

const N = 32
const SMALL = { kernelLength: 8, depthwiseKernelLength: 4, pool1KernelSize: 2, pool2KernelSize: 2, F1: 2 }
const BRIEF = { epochs: 2, batchSize: 4, model: SMALL }

// Networks as small as these gain nothing from a second thread.
beforeAll(() => setNumThreads(1))

/** One subject, three runs of six trials of one channel; class b is louder. */
const study = noisy(3)
function noisy(seed: number): EegWindows {
  const random = new Random(seed)
  const rows = [1, 2, 3].flatMap((run) =>
    [0, 1, 2, 3, 4, 5].map((t) => ({ subject: 'S1', run: `R${run}`, trial: t + 1, start: t * 2 * N, label: t % 2 })),
  )
  const windows = makeWindows(rows, { nSamples: N })
  const data = windows.data.map((_, i) => random.normal() * (windows.labels[Math.floor(i / N)] === 1 ? 3 : 1))
  return windows.with({ data, classNames: ['a', 'b'] })
}

function noisyData(length: number): Float32Array {
  const random = new Random(5)
  return Float32Array.from({ length }, () => random.normal())
}

/** The same windows with samples and labels of all but some replaced. */
function changeOutside(windows: EegWindows, kept: readonly number[], seed: number): EegWindows {
  const [inside, random] = [new Set(kept), new Random(seed)]
  const data = windows.data.map((value, i) => (inside.has(Math.floor(i / N)) ? value : 50 * random.normal() - 9))
  const origins = windows.origins.map((origin, i) => (inside.has(i) ? origin : { ...origin, label: 1 - origin.label }))
  return windows.with({ data, origins })
}

const train = (windows: EegWindows, split: Split, seed = 0) =>
  trainSplit(models.eegnet, windows, split, { seed }, BRIEF)

describe('a fold', () => {
  test('trains the same network, to the bit, whatever is tested', async () => {
    const splits = [
      ...protocolSplits(study, { name: 'leave-one-out', by: 'run' }, { validation: 0.3 }),
      ...protocolSplits(study, { name: 'blocks', folds: 3, gap: 1 }),
      ...protocolSplits(study, { name: 'k-fold', folds: 3 }),
    ]
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...splits), fc.nat(5), fc.nat(), async (split, seed, noise) => {
        const seen = [...split.train, ...(split.validation ?? [])]
        const [asked] = split.test
        const plain = await train(study, split, seed)
        const changed = await train(changeOutside(study, [...seen, asked!], noise), split, seed)
        expect(changed.curve).toEqual(plain.curve)
        expect(changed.predictions[0]).toEqual(plain.predictions[0])
        expect(plain.predictions[1]!.probabilities).not.toEqual(changed.predictions[1]!.probabilities)
      }),
      { numRuns: 6 },
    )
  })

  test('does not learn its scale from the validation part', async () => {
    const [split] = protocolSplits(study, { name: 'leave-one-out', by: 'run' }, { validation: 0.3 })
    const plain = await train(study, split!)
    const changed = await train(changeOutside(study, [...split!.train, ...split!.test], 1), split!)
    const losses = ({ curve }: typeof plain) => curve.epochs.map(({ trainLoss }) => trainLoss)
    expect(losses(changed)).toEqual(losses(plain))
    expect(changed.curve.epochs[0]!.validationLoss).not.toEqual(plain.curve.epochs[0]!.validationLoss)
  })

  test('by itself answers as in a whole cross-validation', async () => {
    const protocol = { name: 'leave-one-out', by: 'run' } as const
    const whole = await crossValidate(models.eegnet, study, { ...BRIEF, protocol, seeds: [4, 9], baselines: false })
    const splits = protocolSplits(study, protocol)
    const alone = await trainSplit(models.eegnet, study, splits[2]!, { fold: 2, seed: 9 }, BRIEF)
    expect(alone.predictions).toEqual(whole.run.predictions.filter(({ fold, seed }) => fold === 2 && seed === 9))
    expect(whole.run.protocol).toBe('leave one run out, 3 folds')
    expect(whole.run.split.by).toBe('run')
  })

  test('starts by itself from the weights from which a cross-validation starts', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'eegtorch-start-from-'))
    const startFrom = join(folder, 'start.safetensors')
    using start = models.eegnet({ ...SMALL, nChans: 1, nOutputs: 2, nTimes: N })
    await start.save(startFrom)
    const splits = protocolSplits(study, { name: 'leave-one-out', by: 'run' })
    const whole = await crossValidate(models.eegnet, study, {
      ...BRIEF,
      splits,
      seeds: [4],
      startFrom,
      baselines: false,
    })
    const alone = await trainSplit(models.eegnet, study, splits[0]!, { seed: 4 }, { ...BRIEF, startFrom })
    expect(alone.curve.epochs).toEqual(whole.run.curves[0]!.epochs)
    expect(alone.curve.epochs).not.toEqual((await train(study, splits[0]!, 4)).curve.epochs)
    rmSync(folder, { recursive: true })
  })
})

test('common spatial patterns and the tangent space are tried on the same folds', async () => {
  const recordings = simulateMotorImagery({ subjects: 1, runs: 2, trials: 4, samplingRate: 64 })
  const windows = await recordings.pick(['C3', 'Cz', 'C4']).windows({ from: 0.5, to: 1.5 })
  const { run, baselines } = await crossValidate(models.eegnet, windows, { ...BRIEF, epochs: 1, leaveOut: 'run' })
  expect(baselines.map(({ name }) => name)).toEqual(['CSP + LDA, 8-30 Hz', 'tangent space + LR, 8-30 Hz'])
  const foldOf = ({ trial, fold }: { trial: string; fold: number }) => `${trial} ${fold}`
  for (const { predictions } of run.baselines)
    expect(new Set(predictions.map(foldOf))).toEqual(new Set(run.predictions.map(foldOf)))
})

test('classical decoders of one kind stand side by side by their options; equal ones and equal seeds are refused before any training', async () => {
  const options = { ...BRIEF, epochs: 1, leaveOut: 'run' } as const
  const [usual, shrunk] = [cspLda({ band: null }), cspLda({ band: null, shrinkage: 0.2 })]
  const { baselines } = await crossValidate(models.eegnet, study, { ...options, baselines: [usual, shrunk] })
  expect(baselines.map(({ name }) => name)).toEqual(['CSP + LDA', 'CSP + LDA, shrinkage 0.2'])
  let steps = 0
  const onProgress = () => void steps++
  const equal = { ...options, onProgress, baselines: [usual, cspLda({ band: null })] }
  expect(await rejectionOf(crossValidate(models.eegnet, study, equal))).toMatchObject({
    ...{ code: 'INVALID_OPTION', option: 'baselines', received: 'CSP + LDA twice' },
  })
  const seeds = { ...options, onProgress, baselines: false, seeds: [1, 1] }
  expect(await rejectionOf(crossValidate(models.eegnet, study, seeds))).toMatchObject({ option: 'seeds' })
  expect(steps).toBe(0)
})

test('a run that was read back in part does not say how long it took', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'eegtorch-seconds-'))
  const run = async (stopAt?: number) => {
    const store = await RunFolder.create(folder, { everySteps: 1 })
    const stop = new AbortController()
    const onProgress = (_: unknown, { epoch, step }: { epoch: number; step: number }) => {
      if (epoch === 1 && step === stopAt) stop.abort()
    }
    const options = { ...BRIEF, folds: 2, baselines: false, store, onProgress, signal: stop.signal } as const
    return crossValidate(models.eegnet, study, options).finally(() => store.close())
  }
  const alone = await crossValidate(models.eegnet, study, { ...BRIEF, folds: 2, baselines: false })
  expect(alone.run.seconds).toBeGreaterThan(0)
  await expect(run(1)).rejects.toThrow()
  // The first training goes on from its state, the second begins here; then both are read back.
  expect((await run()).run.seconds).toBeUndefined()
  expect((await run()).run.seconds).toBeUndefined()
  rmSync(folder, { recursive: true })
})

test('an outcome of other trials than its fold tests is refused by its file', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'eegtorch-outcomes-'))
  const run = async () => {
    const store = await RunFolder.create(folder)
    const options = { ...BRIEF, leaveOut: 'run', baselines: false, store } as const
    return crossValidate(models.eegnet, study, options).finally(() => store.close())
  }
  const { accuracy } = await run()
  expect((await run()).accuracy).toEqual(accuracy)
  const file = join(folder, 'outcomes', 'fold-2-seed-0.json')
  renameSync(join(folder, 'outcomes', 'fold-1-seed-0.json'), file)
  expect(await rejectionOf(run())).toMatchObject({
    ...{ code: 'INVALID_OPTION', file, expected: expect.stringMatching(/^S1--R2 trial 1 of S1, class 0/) },
    received: 'S1--R1 trial 1 of S1, class 0',
  })
  rmSync(folder, { recursive: true })
})

describe('samples that are no numbers', () => {
  const spoilt = study.with({ data: study.data.map((value, i) => (i === 17 * N + 5 ? Number.NaN : value)) })
  const named = { code: 'FILE_INVALID', message: expect.stringContaining('(S1--R3 trial 6, channel Cz)') }
  const all = [...study.labels.keys()]
  const splits = [{ name: 'R3', train: all.slice(0, 12), test: all.slice(12) }]

  test.each(['in memory', 'in a store'])('%s are refused before anything is trained', async (place) => {
    const folder = mkdtempSync(join(tmpdir(), 'eegtorch-numbers-'))
    if (place === 'in a store') await writeStore(join(folder, 'store'), spoilt)
    const windows = place === 'in a store' ? openStore(join(folder, 'store')).windows : spoilt
    let steps = 0
    const onProgress = () => void steps++
    const options = { ...BRIEF, splits, baselines: false, onProgress }
    expect(await rejectionOf(crossValidate(models.eegnet, windows, options))).toMatchObject(named)
    expect(await rejectionOf(trainSplit(models.eegnet, windows, splits[0]!, {}, options))).toMatchObject(named)
    expect(steps).toBe(0)
    rmSync(folder, { recursive: true })
  })

  test('are refused before a checkpoint looks at them', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'eegtorch-numbers-'))
    const store = await RunFolder.create(folder)
    await crossValidate(models.eegnet, study, { ...BRIEF, splits, baselines: false, store })
    store.close()
    const recordings = spoilt.recordings.map((one) => ({ ...one, name: `${one.name}x`, identity: `${one.identity}x` }))
    let looks = 0
    const asked = evaluateCheckpoint(
      join(folder, 'checkpoints', 'fold-1-seed-0', 'last.safetensors'),
      spoilt.with({ recordings, data: spoilt.data.map((value) => 2 * value) }),
      { onTest: () => void looks++ },
    )
    expect((await rejectionOf(asked)).message).toContain('(S1--R3x trial 6, channel Cz)')
    expect(looks).toBe(0)
    rmSync(folder, { recursive: true })
  })

  test('in an answer name the trial that was asked', () => {
    const error = errorOf(() =>
      likeliestClasses(
        study,
        [3, 17],
        [
          [0.25, 0.75],
          [Number.NaN, Number.NaN],
        ],
      ),
    )
    expect([error.code, error.message]).toEqual(['DIVERGED', expect.stringContaining('(S1--R3 trial 6)')])
    expect(likeliestClasses(study, [3], [[0.25, 0.75]])).toEqual([1])
  })
})

describe('what concerns fit is passed on', () => {
  const elsewhere = { ...BRIEF, device: 'cuda:99' } as const

  test('a device: one that is not there is refused, here and where candidates are chosen', async () => {
    const refused = { code: 'DEVICE_MISMATCH', message: expect.stringContaining('cuda:99') }
    const folds = { name: 'k-fold', folds: 2 } as const
    expect(await rejectionOf(crossValidate(models.eegnet, study, { ...elsewhere, leaveOut: 'run' }))).toMatchObject(
      refused,
    )
    const candidates = [{ name: 'only', factory: models.eegnet }]
    const nested = nestedCrossValidate(candidates, study, { ...elsewhere, outer: folds, inner: folds })
    expect(await rejectionOf(nested)).toMatchObject(refused)
  })

  test('a look before each step', async () => {
    const steps: number[] = []
    const [split] = protocolSplits(study, { name: 'leave-one-out', by: 'run' })
    const beforeStep = ({ step }: { step: number }, all: number) => void steps.push(step, all)
    await trainSplit(models.eegnet, study, split!, {}, { ...BRIEF, beforeStep })
    expect(steps).toEqual([0, 6, 1, 6, 2, 6, 3, 6, 4, 6, 5, 6])
  })
})

describeWithGpu('on a GPU', () => {
  test.each(['cuda', 'cuda:0'] as const)('a fold on %s is trained, and tested, as on the CPU', async (device) => {
    const [split] = protocolSplits(study, { name: 'leave-one-out', by: 'run' }, { validation: 0.3 })
    const options = { ...BRIEF, model: { ...SMALL, dropProb: 0 } }
    const here = await trainSplit(models.eegnet, study, split!, {}, options)
    const there = await trainSplit(models.eegnet, study, split!, {}, { ...options, device })
    for (const [i, { probabilities }] of there.predictions.entries())
      expect(probabilities![0]).toBeCloseTo(here.predictions[i]!.probabilities![0]!, 3)
  })
})

describe('nested cross-validation', () => {
  const outer = { name: 'leave-one-out', by: 'run' } as const
  const inner = { name: 'k-fold', folds: 2 } as const
  const learning = { epochs: 12, optimizer: optim.adam({ lr: 0.03 }), model: { ...SMALL, batchNormMomentum: 0.1 } }
  const candidates = [
    { name: 'still', factory: models.eegnet, options: { optimizer: optim.sgd({ lr: 1e-12 }) } },
    { name: 'learning', factory: models.eegnet, options: learning },
  ]

  test('chooses inside, tests each trial once outside', async () => {
    const { summary, choices, predictions } = await nestedCrossValidate(candidates, study, { ...BRIEF, outer, inner })
    expect(choices.map(({ fold }) => fold)).toEqual(['S1--R1', 'S1--R2', 'S1--R3'])
    for (const { chosen, scores } of choices) {
      const best = Object.entries(scores).reduce((a, b) => (b[1] > a[1] ? b : a))
      expect(chosen).toBe(best[0])
    }
    // Otherwise the choice could be a constant.
    expect(new Set(choices.map(({ chosen }) => chosen)).size).toBe(2)
    expect(new Set(predictions.map(({ trial }) => trial)).size).toBe(18)
    expect(summary.accuracy.n).toBe(18)
  })

  test('what is tested has no part in the choice', async () => {
    const [first] = nestedSplits(study, { outer, inner })
    const changed = changeOutside(study, first!.train, 7)
    const plain = await nestedCrossValidate(candidates, study, { ...BRIEF, outer, inner })
    const other = await nestedCrossValidate(candidates, changed, { ...BRIEF, outer, inner })
    expect(other.choices[0]).toEqual(plain.choices[0])
  })

  test('trains the chosen one on validation subjects too, but one that stops early, which chooses its epoch by them', async () => {
    const subjects = ['S1', 'S2', 'S3', 'S4']
    const rows = subjects.flatMap((subject) =>
      [0, 1, 2, 3, 4, 5].map((t) => ({ subject, run: '1', trial: t + 1, start: t * 2 * N, label: t % 2 })),
    )
    const windows = makeWindows(rows, { nSamples: N }).with({ data: noisyData(24 * N), classNames: ['a', 'b'] })
    const of = (...names: string[]) => rows.flatMap(({ subject }, i) => (names.includes(subject) ? [i] : []))
    const protocols = {
      outer: { name: 'subjects', train: ['S1', 'S2'], validation: ['S3'], test: ['S4'] },
      inner: { name: 'subjects', train: ['S1'], validation: ['S2'], test: ['S3'] },
    } as const
    const probabilities = async (predictions: Promise<{ predictions: { probabilities?: readonly number[] }[] }>) =>
      (await predictions).predictions.map((answer) => answer.probabilities)
    const whole = { name: 'whole', train: of('S1', 'S2', 'S3'), test: of('S4') }
    const apart = { name: 'apart', train: of('S1', 'S2'), validation: of('S3'), test: of('S4') }
    for (const [options, split, other] of [
      [{}, whole, apart],
      [{ earlyStopping: { patience: 1 } }, apart, whole],
      [{ monitor: 'accuracy' }, apart, whole],
    ] as const) {
      const settings = { ...BRIEF, ...options }
      const candidates = [{ name: 'only', factory: models.eegnet, options }]
      const given = await probabilities(nestedCrossValidate(candidates, windows, { ...BRIEF, ...protocols }))
      expect(given).toEqual(await probabilities(trainSplit(models.eegnet, windows, split, {}, settings)))
      expect(given).not.toEqual(await probabilities(trainSplit(models.eegnet, windows, other, {}, BRIEF)))
    }
  })

  test('without candidates, or with two of one name, is one clear error', async () => {
    const options = { ...BRIEF, outer, inner }
    await expect(nestedCrossValidate([], study, options)).rejects.toThrow('received none')
    await expect(nestedCrossValidate([candidates[0]!, candidates[0]!], study, options)).rejects.toThrow('still, still')
  })
})
