import {
  type EegWindows,
  kFold,
  leaveOneOut,
  proveSplit,
  Standardiser,
  stretchesOf,
  timeBlocks,
  withStatistic,
} from 'eegtorch'
import { proofLines } from '../../lib/report/check-lines.ts'
import { errorOf } from '../thrown.ts'
import { makeWindows } from './make-windows.ts'

/** Two runs of six trials of 3 s, 5 s from start to start; stimuli 1 to 3 are shown twice in each run. */
const study = ((): EegWindows => {
  const rows = ['1', '2'].flatMap((run) =>
    [0, 1, 2, 3, 4, 5].map((t) => ({ subject: 'S1', run, trial: t + 1, start: t * 50, label: t % 2 })),
  )
  const windows = makeWindows(rows)
  return windows.with({
    origins: windows.origins.map((origin, i) => ({ ...origin, stimulus: `image ${(i % 3) + 1}` })),
  })
})()
const [leftOut] = leaveOneOut(study, 'run')
const count = (train: number, validation: number, test: number) => ({ train, validation, test })

describe('the proof of a split', () => {
  test('counts trials, recordings and windows of a run left out', () => {
    expect(proveSplit(study, leftOut!)).toEqual({
      trials: count(6, 0, 6),
      sharedRecordings: 0,
      compared: 12,
      fitted: [],
    })
  })

  test('tells how near two parts of a recording come in time', () => {
    const [block] = timeBlocks(study, { folds: 3 })
    const apart = timeBlocks(study, { folds: 3, gap: 2.5 })[0]!
    expect(proveSplit(study, block!)).toMatchObject({ sharedRecordings: 2, nearest: 2, trials: count(8, 0, 4) })
    expect(proveSplit(study, apart)).toMatchObject({ sharedRecordings: 2, nearest: 7, trials: count(6, 0, 4) })
  })

  test('finds windows of doubled rate where they are, not where twice their samples would end', () => {
    const fine = study.with({
      data: new Float32Array(12 * 60).map((_, i) => i),
      nSamples: 60,
      samplingRate: 20,
      step: 60,
    })
    expect(proveSplit(fine, timeBlocks(fine, { folds: 3 })[0]!)).toMatchObject({ nearest: 2 })
  })

  test('reads each window a few times, not once for each other, where the first channel is the same in all', () => {
    const rows = Array.from({ length: 200 }, (_, i) => ({
      subject: `S${i % 2}`,
      run: '1',
      trial: i + 1,
      start: 50 * i,
    }))
    const plain = makeWindows(rows)
    const reference = new Float32Array(30).fill(1)
    const samples = (copy?: number) =>
      Float32Array.from(rows.flatMap((_, i) => [...reference, ...plain.window(i === copy ? 0 : i)]))
    const windows = plain.with({ data: samples(), channelNames: ['ref', 'Cz'] })
    let reads = 0
    const read = windows.window.bind(windows)
    windows.window = (index) => {
      reads++
      return read(index)
    }
    const all = [...rows.keys()]
    const split = { name: 'odd', train: all.filter((i) => i % 2 === 0), test: all.filter((i) => i % 2 === 1) }
    expect(proveSplit(windows, split).compared).toBe(200)
    expect(reads).toBe(200)
    const copied = windows.with({ data: samples(7) })
    expect(errorOf(() => proveSplit(copied, split)).message).toContain('trial 1 of S0--1 (train) and trial 8 of S1--1')
  })

  test('stands in one line', () => {
    const proof = proveSplit(study, timeBlocks(study, { folds: 3 })[0]!)
    const folds = [{ name: 'block 1 of 3', train: 8, validation: 0, test: 4, proof }]
    const openings = [0, 1].map((seed) => ({ fold: 0, by: 'eegnet', seed }))
    expect(proofLines({ by: 'trial', statement: 'nothing crosses', folds, openings })).toEqual([
      'split checked, 1 fold: nothing crosses (parts share recordings; windows of two parts lie 2 s or more apart; 12 windows compared; nothing fitted)',
      'test parts opened 2 times: eegnet 2 (2 of each fold)',
    ])
  })
})

describe('stimuli', () => {
  test('may be shared unless they are to stay apart', () => {
    expect(leaveOneOut(study, 'run')).toHaveLength(2)
    const { code, message } = errorOf(() => leaveOneOut(study, 'run', { stimuliApart: true }))
    expect(code).toBe('SPLIT_LEAKS')
    expect(message).toMatch(/stimulus image 1 is in both train \(trial 4 of S1--2\) and test \(trial 1 of S1--1\)/)
  })

  test('are left out one by one, validation with them', () => {
    const splits = leaveOneOut(study, 'stimulus', { validation: 0.4 })
    expect(splits.map(({ name }) => name)).toEqual(['image 1', 'image 2', 'image 3'])
    for (const split of splits) {
      const { stimuli } = proveSplit(study, split, { stimuliApart: true })
      expect(stimuli).toEqual(count(1, 1, 1))
    }
    expect(kFold(study, { folds: 3, by: 'stimulus' }).map(({ test }) => test.length)).toEqual([4, 4, 4])
  })

  test('that recordings do not tell are one clear error', () => {
    const blind = study.with({ origins: study.origins.map(({ stimulus: _, ...origin }) => origin) })
    expect(errorOf(() => leaveOneOut(blind, 'stimulus')).message).toMatch(/does not tell its stimulus/)
    expect(errorOf(() => proveSplit(blind, leftOut!, { stimuliApart: true })).code).toBe('INVALID_OPTION')
  })
})

describe('what was fitted', () => {
  test('on all windows is refused by every splitter', () => {
    const all = study.labels.map((_, i) => i)
    const scaled = Standardiser.fit(study, all).apply(study)
    const { code, message } = errorOf(() => leaveOneOut(scaled, 'run'))
    expect(code).toBe('SPLIT_LEAKS')
    expect(message).toMatch(
      /the z-scores that shaped trial 1 of S1--2 \(train\) were learned from trial 1 of S1--1 too, which is in test/,
    )
    for (const split of [() => kFold(scaled, { folds: 3 }), () => timeBlocks(scaled, { folds: 3 })]) {
      expect(errorOf(split).code).toBe('SPLIT_LEAKS')
    }
  })

  test('on the training part is let through, and told', () => {
    const scaled = Standardiser.fit(study, leftOut!.train).apply(study)
    expect(proveSplit(scaled, leftOut!).fitted).toEqual([{ name: 'z-scores', learnedFrom: count(6, 0, 0) }])
    // Later steps keep what shaped the windows before.
    expect(scaled.subset([0, 7]).with({ step: 30 }).fitted).toHaveLength(1)
  })

  test('on the validation part is refused where it shapes training', () => {
    const [split] = leaveOneOut(study, 'run', { validation: 0.4 })
    const scaled = Standardiser.fit(study, [...split!.train, ...split!.validation!]).apply(study)
    expect(errorOf(() => proveSplit(scaled, split!)).message).toMatch(/which is in validation/)
  })

  test('on each recording for itself crosses only where recordings are shared', () => {
    const aligned = [0, 1].reduce((windows, run) => {
      const own = stretchesOf(
        study,
        [0, 1, 2, 3, 4, 5].map((i) => i + 6 * run),
      )
      return withStatistic(windows, { name: 'alignment of a run', from: own, shaped: own })
    }, study)
    expect(leaveOneOut(aligned, 'run')).toHaveLength(2)
    expect(errorOf(() => timeBlocks(aligned, { folds: 2 })).message).toMatch(/alignment of a run/)
  })
})
