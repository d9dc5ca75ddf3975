import { crossSession, type Dataset, openDataset } from 'eegtorch'
import { rejectionOf } from '../thrown.ts'
import { folderOf } from './folder-of.ts'
import { writeGdf } from './layouts/gdf-writer.ts'
import { column, type MatContent, writeMat } from './layouts/mat-writer.ts'

const RATE = 250
/** A gap, as the competition's files have it. */
const GAP = 100

/** A session as a .gdf file: blocks of eye movements, then runs of trials 8 s apart, with gaps of constant samples between. */
function makeSession(options: {
  eyeBlocks: number
  runs: number
  classes: readonly number[]
  isEvaluation?: boolean
  channels?: number
  /** Added to samples, so that sessions differ. */
  shift?: number
}) {
  const { eyeBlocks, runs, classes, isEvaluation = false, channels = 25, shift = 0 } = options
  const events: { position: number; code: number; duration?: number }[] = []
  const columns: number[] = []
  const pause = () => columns.push(...Array<number>(GAP).fill(-32768))
  const fill = (seconds: number) => {
    for (let i = 0; i < seconds * RATE; i++) columns.push(((columns.length * 37 + shift) % 2000) - 1000)
  }
  for (const code of [276, 277, 1072].slice(3 - eyeBlocks)) {
    events.push({ position: columns.length, code: 32766 }, { position: columns.length, code, duration: 2 * RATE })
    fill(2)
    pause()
  }
  for (let run = 0; run < runs; run++) {
    events.push({ position: columns.length, code: 32766 })
    for (const [i, one] of classes.entries()) {
      const position = columns.length
      events.push({ position, code: 768, duration: 1875 })
      if (i === 1) events.push({ position, code: 1023, duration: 1875 })
      events.push({ position: position + 2 * RATE, code: isEvaluation ? 783 : 768 + one, duration: 313 })
      fill(8)
    }
    pause()
  }
  columns.push(...Array<number>((RATE - (columns.length % RATE)) % RATE).fill(-32768))
  const data = Array.from({ length: channels }, (_, c) => columns.map((x) => (x === -32768 ? x : x + c)))
  const labels = Array.from({ length: channels }, (_, i) => (i < channels - 3 ? 'EEG' : 'EOG-left'))
  return { gdf: writeGdf({ labels, samplingRate: RATE, data, events }), columns }
}

/** A session as BNCI Horizon publishes it. */
function makeMat(items: { classes: readonly number[]; channels?: number; shift?: number }[]): Buffer {
  const runs = items.map(({ classes, channels = 25, shift = 0 }): MatContent => {
    const n = 2000 * Math.max(1, classes.length)
    const numbers = Float64Array.from({ length: n * channels }, (_, i) => Math.floor(i / n) + (i % n) / 1e4 + shift)
    return {
      struct: {
        X: { numbers, dims: [n, channels] },
        trial: column(...classes.map((_, i) => 2000 * i + 1)),
        y: column(...classes),
        fs: column(RATE),
        classes: { cells: ['left hand', 'right hand', 'feet', 'tongue'] },
        artifacts: column(...classes.map((_, i) => (i === 1 ? 1 : 0))),
        gender: 'male',
        age: column(22),
      },
    }
  })
  return writeMat({ data: { cells: runs } })
}

const runsOf = ({ recordings }: Dataset) =>
  [...recordings].map(({ subject, session, run, events }) => {
    const trials = events.filter(({ label }) => /^(769|770|771|772|783)$/.test(label)).length
    return [subject, session, run, trials]
  })

test('2a from .gdf: runs end before the gaps, the first of A04T has one block of eyes, and labels come from beside', async () => {
  const classes = [1, 2, 3, 4]
  const t = makeSession({ eyeBlocks: 3, runs: 2, classes })
  const e = makeSession({ eyeBlocks: 3, runs: 2, classes, isEvaluation: true })
  const short = makeSession({ eyeBlocks: 1, runs: 2, classes })
  const folder = await folderOf({
    'A01T.gdf': t.gdf,
    'A01E.gdf': e.gdf,
    'A04T.gdf': short.gdf,
    'true_labels/A01E.mat': writeMat({ classlabel: column(4, 3, 2, 1, 1, 1, 2, 2) }),
    'true_labels/A01T.mat': writeMat({ classlabel: column(1, 2, 3, 4, 1, 2, 3, 4) }),
  })
  const set = await openDataset('bcic-iv-2a', { folder })
  expect(runsOf(set)).toEqual([
    ...['T', 'E'].flatMap((session) => [
      ['A01', session, 'eyes open', 0],
      ['A01', session, 'eyes closed', 0],
      ['A01', session, 'eye movements', 0],
      ['A01', session, '1', 4],
      ['A01', session, '2', 4],
    ]),
    ['A04', 'T', 'eye movements', 0],
    ['A04', 'T', '1', 4],
    ['A04', 'T', '2', 4],
  ])
  const run = set.recordings.at(-2)!
  expect([run.nSamples, run.channels.length, run.channels[7]!.name]).toEqual([4 * 8 * RATE, 25, 'C3'])
  expect(run.channels.filter(({ type }) => type === 'eog').map(({ name }) => name)).toEqual([
    'EOG left',
    'EOG central',
    'EOG right',
  ])
  const start = 2 * RATE + GAP
  const samples = [...run.read({ from: 0, to: 0.02 })[3]!]
  expect(samples).toEqual(samples.map((_, i) => expect.closeTo((short.columns[start + i]! + 3) * 0.5e-6, 12)))
  const windows = await set.windows()
  expect(windows.countClasses()).toEqual([7, 7, 5, 5])
  expect([windows.nChannels, windows.nSamples, windows.skipped]).toEqual([22, 1000, 0])
  expect([...windows.labels].slice(8, 16)).toEqual([3, 2, 1, 0, 0, 0, 1, 1])
  expect(windows.run(0)).toBe('1')
  expect(new Set(windows.recordings.map(({ identity }) => identity)).size).toBe(13)
  const clean = await set.windows({ task: 'four-class-clean' })
  expect(clean.length).toBe(24 - 6)
  expect((await set.windows({ task: 'left-right' })).classNames).toEqual(['left hand', 'right hand'])
  expect(set.warnings).toEqual([])
  const one = await openDataset('BCIC_IV_2a', { folder, subjects: ['A04'] })
  expect(one.recordings.length).toBe(3)
})

test('an evaluation session without labels has no trials and says why; labels that do not fit are refused', async () => {
  const { gdf } = makeSession({ eyeBlocks: 3, runs: 1, classes: [1, 2], isEvaluation: true })
  const set = await openDataset('bcic-iv-2a', { folder: await folderOf({ 'A02E.gdf': gdf }) })
  expect(set.warnings).toEqual([expect.stringContaining('true_labels.zip')])
  await expect(set.windows()).rejects.toThrow('no event of the recordings is a trial')
  const folder = await folderOf({ 'A02E.gdf': gdf, 'A02E.mat': writeMat({ classlabel: column(1, 2, 3) }) })
  const error = await rejectionOf(openDataset('bcic-iv-2a', { folder }))
  expect([error.code, error.expected, error.received]).toEqual(['FILE_INVALID', '2', '3'])
  const few = makeSession({ eyeBlocks: 1, runs: 1, classes: [1], channels: 6 })
  const wrong = await rejectionOf(openDataset('bcic-iv-2a', { folder: await folderOf({ 'A01T.gdf': few.gdf }) }))
  expect(wrong.message).toContain('has not the channels')
})

test('2a from .mat gives the same trials: every run of A04T, marks of artefacts, microvolts', async () => {
  const eyes = { classes: [] }
  const trials = { classes: [1, 2, 3, 4] }
  const folder = await folderOf({
    'A01T.mat': makeMat([eyes, eyes, eyes, trials, trials]),
    'A04T.mat': makeMat([eyes, trials, trials]),
  })
  const set = await openDataset('bcic-iv-2a', { folder })
  expect(runsOf(set)).toEqual([
    ...[1, 2, 3].map((k) => ['A01', 'T', `eyes ${k}`, 0]),
    ['A01', 'T', '1', 4],
    ['A01', 'T', '2', 4],
    ['A04', 'T', 'eyes 1', 0],
    ['A04', 'T', '1', 4],
    ['A04', 'T', '2', 4],
  ])
  const windows = await set.windows({ channels: ['Fz', 'POz'] })
  expect(windows.countClasses()).toEqual([4, 4, 4, 4])
  // the cue is 2 s after the start of the trial, which counts from 1
  expect(windows.origins[1]!.start).toBe(2000 + 2 * RATE)
  expect(windows.window(1)[0]).toBeCloseTo(0.25e-6, 12)
  expect(windows.window(1)[1000]).toBeCloseTo(21.25e-6, 11)
  expect((await set.windows({ task: 'four-class-clean' })).length).toBe(12)
  const bad = await folderOf({ 'A01T.mat': makeMat([{ classes: [1, 5] }]) })
  expect((await rejectionOf(openDataset('bcic-iv-2a', { folder: bad }))).message).toContain('a class for each trial')
  const thin = await folderOf({ 'A01T.mat': makeMat([{ classes: [1], channels: 6 }]) })
  expect((await rejectionOf(openDataset('bcic-iv-2a', { folder: thin }))).received).toBe('(2000, 6)')
})

test('2b: sessions by name in .gdf, by place in .mat', async () => {
  const { gdf } = makeSession({ eyeBlocks: 3, runs: 1, classes: [1, 2, 2], channels: 6 })
  const e = makeSession({ eyeBlocks: 3, runs: 1, classes: [1, 2, 2], channels: 6, isEvaluation: true })
  const labels = writeMat({ classlabel: column(2, 1, 1) })
  const folder = await folderOf({ 'B0101T.gdf': gdf, 'B0104E.gdf': e.gdf, 'B0104E.mat': labels })
  const set = await openDataset('bcic-iv-2b', { folder })
  const windows = await set.windows()
  expect([windows.session(0), windows.session(3), windows.countClasses()]).toEqual(['01T', '04E', [3, 3]])
  expect(windows.channelNames).toEqual(['C3', 'Cz', 'C4'])

  const item = { classes: [1, 2], channels: 6 }
  const mats = await folderOf({ 'B02T.mat': makeMat([item, item, item]), 'B02E.mat': makeMat([item, item]) })
  const sessions = [...(await openDataset('bcic-iv-2b', { folder: mats })).recordings].map(({ session }) => session)
  expect(sessions).toEqual(['01T', '02T', '03T', '04E', '05E'])
})

test('each session is tested by those before it in time: training sessions come first, whatever letter or ending names begin with', async () => {
  const forward = async (name: 'bcic-iv-2a' | 'bcic-iv-2b', files: Record<string, Buffer>) => {
    const windows = await (await openDataset(name, { folder: await folderOf(files) })).windows()
    const sessions = (part: readonly number[]) => [...new Set(part.map((index) => windows.session(index)))].join(' ')
    return crossSession(windows, { forward: true }).map((split) => [
      ...[split.name, sessions(split.train), sessions(split.test)],
    ])
  }
  const run = (shift: number) => ({ classes: [1, 2, 3, 4], shift })
  expect(await forward('bcic-iv-2a', { 'A01E.mat': makeMat([run(1)]), 'A01T.mat': makeMat([run(2), run(3)]) })).toEqual(
    [['A01 session E after T', 'T', 'E']],
  )
  const small = { eyeBlocks: 3, runs: 1, classes: [1, 2], channels: 6 }
  const files = {
    'B0104E.gdf': makeSession({ ...small, isEvaluation: true, shift: 5 }).gdf,
    'B0104E.mat': writeMat({ classlabel: column(2, 1) }),
    'B0101T.gdf': makeSession(small).gdf,
  }
  expect(await forward('bcic-iv-2b', files)).toEqual([['B01 session 04E after 01T', '01T', '04E']])
  const item = (shift: number) => ({ classes: [1, 2, 1, 2], channels: 6, shift })
  const mats = { 'B02T.mat': makeMat([item(1)]), 'B02E.mat': makeMat([item(2), item(3)]) }
  expect(await forward('bcic-iv-2b', mats)).toEqual([
    ['B02 session 04E after 01T', '01T', '04E'],
    ['B02 session 05E after 01T, 04E', '01T 04E', '05E'],
  ])
})
