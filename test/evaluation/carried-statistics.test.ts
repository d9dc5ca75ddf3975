import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  type EegWindows,
  leaveOneOut,
  openStore,
  Pipeline,
  proveSplit,
  Standardiser,
  simulateMotorImagery,
  stretchesOf,
  withStatistic,
  writeStore,
} from 'eegtorch'
import { concatenateWindows } from '../../lib/datasets/concatenate.ts'
import { errorOf } from '../thrown.ts'
import { makeWindows } from './make-windows.ts'

const folder = mkdtempSync(join(tmpdir(), 'eegtorch-carried-'))
afterAll(() => rmSync(folder, { recursive: true }))

const study = makeWindows(
  ['1', '2', '3'].flatMap((run) =>
    [0, 1, 2, 3].map((t) => ({ subject: 'S1', run, trial: t + 1, start: t * 50, label: t % 2 })),
  ),
)
const scaled = Standardiser.fit(study, [...study.labels.keys()]).apply(study)
const split = leaveOneOut(study, 'run')[0]!

const refusal = (windows: EegWindows) => errorOf(() => proveSplit(windows, split)).message

test('a store keeps what shaped its windows, and windows of a store what shapes them', async () => {
  await writeStore(join(folder, 'scaled'), scaled)
  const { windows } = openStore(join(folder, 'scaled'))
  expect(windows.fitted).toEqual(scaled.fitted)
  expect(refusal(windows)).toMatch(/the z-scores that shaped .* which is in test/)

  const own = stretchesOf(study, [0, 1])
  await writeStore(join(folder, 'shaped'), withStatistic(study, { name: 'a mean', from: own, shaped: own }))
  const stored = openStore(join(folder, 'shaped')).windows
  expect(stored.fitted).toEqual([{ name: 'a mean', from: own, shaped: own }])
  const lazily = Standardiser.fit(stored, [...stored.labels.keys()]).apply(stored)
  expect(lazily.source).toBeDefined()
  expect(refusal(lazily)).toMatch(/z-scores/)
})

test('steps of a pipeline, piece by piece or together, keep what shaped windows before', async () => {
  for (const step of [{ scale: 2 }, { rejectPeakToPeak: 1e9 }, { zscore: { by: 'itself' } }] as const) {
    const fitted = await Pipeline.parse([{ windows: [0, 3] }, 'zscore', step]).fit(scaled, split.train)
    const finished = await fitted.finish(scaled)
    expect(finished.fitted.map(({ name }) => name)).toEqual(['z-scores', 'zscore'])
    expect(refusal(finished)).toMatch(/z-scores/)
  }
})

test('sets put together carry the statistics of each, said to have shaped what they did', () => {
  const parts = [0, 1].map((run) => study.subset([0, 1, 2, 3].map((i) => i + 4 * run)))
  const one = withStatistic(parts[0]!, { name: 'a mean', from: stretchesOf(parts[0]!) })
  const joined = concatenateWindows([one, parts[1]!])
  expect(joined.fitted).toEqual([{ name: 'a mean', from: stretchesOf(parts[0]!), shaped: stretchesOf(parts[0]!) }])
  const both = scaled.subset([0, 1])
  expect(concatenateWindows([both, scaled.subset([4])]).fitted).toEqual(scaled.fitted)
  expect(errorOf(() => concatenateWindows([one, one.with({ channelNames: ['Pz'] })])).code).toBe('SHAPE_MISMATCH')
})

test('what a channel measures is carried by windows, and not judged by its name', async () => {
  const recordings = simulateMotorImagery({ subjects: 1, runs: 1, trials: 4, seed: 3 }).pick(['C3', 'Cz', 'C4'])
  const typed = { setTypes: { types: { Cz: 'eog' } } } as const
  const pipeline = Pipeline.parse([{ windows: [0, 2] }, typed, 'zscore', { pick: 'eog' }])
  const windows = await pipeline.prepared.windows(recordings)
  expect(windows.channelTypes).toEqual(['eeg', 'eog', 'eeg'])
  await writeStore(join(folder, 'types'), windows, { pipeline: { text: '', hash: windows.pipeline! } })
  for (const set of [windows, openStore(join(folder, 'types')).windows]) {
    const finished = await (await pipeline.fit(set)).finish(set)
    expect(finished.channelNames).toEqual(['Cz'])
    expect(finished.channelTypes).toEqual(['eog'])
  }
  const wrong = () => windows.with({ channelTypes: ['eeg'] })
  expect(errorOf(wrong).code).toBe('SHAPE_MISMATCH')
  const other = windows.with({ channelTypes: ['eeg', 'eeg', 'eeg'] })
  expect(errorOf(() => concatenateWindows([windows, other])).message).toMatch(/Cz \(eog\)/)
})
