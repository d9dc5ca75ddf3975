import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type EegWindows, openStore, writeStore } from 'eegtorch'
import { recogniseSeen, rememberAll } from '../../lib/evaluation/seen-trials.ts'
import { subjectSplit } from '../../lib/evaluation/subject-splits.ts'
import { makeWindows } from './make-windows.ts'

test('a subject has more windows than a call has arguments', () => {
  const rows = Array.from({ length: 200_001 }, (_, i) => ({
    ...{ subject: i < 200_000 ? 'A' : 'B', file: i < 200_000 ? 'a' : 'b', trial: i, start: 2 * i },
  }))
  const split = subjectSplit(makeWindows(rows, { nSamples: 2 }), { train: ['A'], test: ['B'] })
  expect([split.train.length, split.test]).toEqual([200_000, [200_000]])
})

test('a checkpoint remembers more windows than a call has arguments', async () => {
  const count = 200_000
  const rows = Array.from({ length: count }, (_, i) => ({ subject: 'A', trial: i >> 1, start: 2 * i }))
  const windows = makeWindows(rows, { nSamples: 2, samples: (row) => row })
  const { seen, seenSamples } = await rememberAll(windows, makeWindows(rows.slice(0, 4), { nSamples: 2 }))
  expect([seen.length, seenSamples.length]).toEqual([count / 2 + 2, count + 4])
  expect(seen.slice(-3)).toEqual([`A-- trial ${count / 2 - 1}`, 'A-- trial 0', 'A-- trial 1'])
  expect(seenSamples.slice(count)).toEqual(seenSamples.slice(0, 4))
  expect(new Set(seenSamples).size).toBe(count)
})

describe('trials whose samples differ from those that a network was trained on', () => {
  const folder = mkdtempSync(join(tmpdir(), 'eegtorch-seen-'))
  afterAll(() => rmSync(folder, { recursive: true }))
  const rows = [1, 2, 3, 4].map((trial) => ({ subject: 'S1', session: '1', run: '1', trial, start: 50 * trial }))
  const study = makeWindows(rows)
  const elsewhere = (windows: EegWindows) =>
    windows.with({ recordings: windows.recordings.map((one) => ({ ...one, identity: `/moved/${one.name}` })) })
  const louder = study.with({ data: study.data.map((value) => 1.01 * value) })
  const ask = async (windows: EegWindows, told: Awaited<ReturnType<typeof rememberAll>>) => {
    const { seen, proof, warnings } = await recogniseSeen(windows, told, true)
    return [seen.size, proof.by, warnings.join()]
  }

  test.each(['float16', 'int16'] as const)(
    'are known by name where a store of %s has rounded them',
    async (sampleType) => {
      await writeStore(join(folder, sampleType), study, { sampleType })
      const { windows } = openStore(join(folder, sampleType))
      const [first, ...others] = [await rememberAll(windows.subset([0, 1])), await rememberAll(study.subset([0, 1]))]
      const left = (own: string, their: string) =>
        new RegExp(`^2 trials .*; these are ${own}, those were ${their}: they are left out.$`)
      for (const place of [study, elsewhere(study)])
        expect(await ask(place, first!)).toEqual([
          ...[2, 'samples and names', expect.stringMatching(left('float32', sampleType))],
        ])
      expect(await ask(windows, others[0]!)).toMatchObject([
        ...[2, 'samples and names', expect.stringMatching(left(sampleType, 'float32'))],
      ])
      expect(await ask(windows, first!)).toEqual([2, 'samples', ''])
    },
  )

  test('are known by name in the same file, and new in another', async () => {
    const told = await rememberAll(study.subset([0, 1]))
    expect(told.seenFiles.join()).toMatch(/^[0-9a-f]{16}$/)
    expect(await ask(study, told)).toEqual([2, 'samples', ''])
    const same = expect.stringMatching(/^2 trials .*; they are of the same files: they are left out.$/)
    expect(await ask(louder, told)).toEqual([2, 'samples and names', same])
    const scored = expect.stringMatching(/^2 trials .*and other samples: they are scored.$/)
    expect(await ask(elsewhere(louder), told)).toEqual([0, 'samples', scored])
  })

  test('are known by name to a checkpoint that does not tell how they were rounded', async () => {
    const { seen, seenSamples } = await rememberAll(study.subset([0, 1]))
    const { seen: known, warnings } = await recogniseSeen(elsewhere(louder), { seen, seenSamples }, true)
    expect([known.size, warnings.join()]).toEqual([
      ...[2, expect.stringMatching(/whether they were rounded as in training is not known: they are left out.$/)],
    ])
  })
})
