import { createHash } from 'node:crypto'
import {
  crossValidate,
  type EegWindows,
  leaveOneOut,
  logVarianceLda,
  models,
  Pipeline,
  type Prediction,
  predictionsFor,
  simulateMotorImagery,
  trainSplit,
} from 'eegtorch'
import { leftOutOf, prepareFold } from '../../lib/experiment/prepare-fold.ts'
import { proofLines } from '../../lib/report/check-lines.ts'

const pipelineOf = (mode: string) => {
  const options = mode === 'calibration' ? '{ mode: calibration, calibration: 4 }' : `{ mode: ${mode} }`
  return Pipeline.parse(`steps: [{ windows: { from: 0.5, to: 1.5 } }, { euclideanAlignment: ${options} }]`)
}

async function windowsOf(pipeline: Pipeline): Promise<EegWindows> {
  return pipeline.prepared.windows(simulateMotorImagery({ subjects: 1, runs: 3, trials: 6, seed: 5 }))
}

/** In words, as listing the difference of so many samples takes minutes. */
function samplesOf(windows: EegWindows, indices: readonly number[]): string {
  const { data } = windows.subset(indices)
  return createHash('sha256')
    .update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength))
    .digest('hex')
}

test.each(['training', 'calibration', 'running', 'offline'])(
  'alignment in mode %s lets no test window shape a training window, though all are of one session',
  async (mode) => {
    const pipeline = pipelineOf(mode)
    const windows = await windowsOf(pipeline)
    const split = leaveOneOut(windows, 'run')[1]!
    const all = await prepareFold(windows, split, { pipeline })
    const loud = windows.with({ data: louderAt(windows, split.test) })
    const other = await prepareFold(loud, split, { pipeline })
    expect(samplesOf(other.windows, other.split.train)).toEqual(samplesOf(all.windows, all.split.train))
    expect(samplesOf(other.windows, other.split.test)).not.toEqual(samplesOf(all.windows, all.split.test))
    const labelsOf = (set: EegWindows, indices: readonly number[]) => indices.map((index) => set.origins[index])
    expect(labelsOf(all.windows, all.split.test)).toEqual(labelsOf(windows, split.test))
    expect(labelsOf(all.windows, all.split.train)).toEqual(labelsOf(windows, split.train))
  },
)

/** The samples with those of some windows changed, channel by channel. */
function louderAt(windows: EegWindows, indices: readonly number[]): Float32Array {
  const data = Float32Array.from(windows.data)
  const size = windows.channelNames.length * windows.nSamples
  for (const index of indices) {
    for (let i = 0; i < size; i++) data[index * size + i]! *= 1 + (i % 7)
  }
  return data
}

describe('where preprocessing rejects windows', () => {
  /** One test window and one training window of run 2 and 1 are loud. */
  async function loudStudy(steps: string) {
    const pipeline = Pipeline.parse(`steps: [{ windows: { from: 0.5, to: 1.5 } }, ${steps}]`)
    const windows = await windowsOf(pipeline)
    const split = leaveOneOut(windows, 'run', { validation: 0.2 })[1]!
    const loud = [split.train[3]!, split.test[2]!, split.test[4]!]
    const study = windows.with({ data: louderAt(windows, loud) })
    return { pipeline, study, split, loud }
  }

  const LIMIT = 'rejectPeakToPeak: { limit: learned }'

  test.each([
    'zscore, { rejectPeakToPeak: 14 }',
    '{ euclideanAlignment: { mode: running } }, { rejectPeakToPeak: learned }',
  ])('after %s it is known which are left, by their numbers before and after', async (steps) => {
    const { pipeline, study, split } = await loudStudy(steps)
    const fold = await prepareFold(study, split, { pipeline })
    const parts = ['train', 'validation', 'test'] as const
    expect(fold.windows.length).toBeLessThan(study.length)
    for (const part of parts) {
      expect(fold.split[part]!.map((index) => fold.windows.origins[index])).toEqual(
        fold.kept[part]!.map((index) => study.origins[index]),
      )
    }
    const left = parts.reduce((sum, part) => sum + fold.kept[part]!.length, 0)
    expect(left).toBe(fold.windows.length)
    expect(fold.windows.skipped).toBe(study.skipped + study.length - left)
    expect(leftOutOf(split, fold.kept)).toEqual(
      Object.fromEntries(parts.map((part) => [part, split[part]!.length - fold.kept[part]!.length])),
    )
    expect(leftOutOf(split, split)).toBeUndefined()
  })

  test('networks and classical decoders answer the same windows, and the report says how many are missing', async () => {
    const { pipeline, study, split, loud } = await loudStudy(`{ ${LIMIT} }, zscore`)
    const model = { kernelLength: 8, depthwiseKernelLength: 4, F1: 2 }
    const { run } = await crossValidate(models.eegnet, study, {
      ...{ splits: [split], pipeline, epochs: 1, model, baselines: [logVarianceLda()] },
    })
    const trialsOf = (predictions: readonly Prediction[]) => predictions.map(({ trial }) => trial)
    expect(trialsOf(run.baselines[0]!.predictions)).toEqual(trialsOf(run.predictions))
    const { leftOut, test: tested } = run.split.folds[0]!
    expect(leftOut!.test).toBeGreaterThanOrEqual(2)
    expect(run.predictions).toHaveLength(tested - leftOut!.test)
    const names = new Set(trialsOf(run.predictions))
    for (const index of loud.slice(1))
      expect(names.has(predictionsFor(study, [index], { fold: 0, seed: 0, predicted: [0] })[0]!.trial)).toBe(false)
    expect(proofLines(run.split).join('\n')).toContain(
      `preprocessing left out ${leftOut!.test} of ${tested} tested windows`,
    )
    const alone = await trainSplit(models.eegnet, study, split, {}, { pipeline, epochs: 1, model })
    expect(leftOutOf(split, alone.kept!)).toEqual(leftOut)
  })
})
