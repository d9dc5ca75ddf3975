import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { datasetCards, openDataset, readRecording, scoreWarnings, writeEdf } from 'eegtorch'
import { osfFiles } from '../../lib/datasets/sets/osf.ts'
import { visualImagery } from '../../lib/datasets/sets/visual-imagery.ts'
import { makeRecording } from '../recordings/make-recording.ts'
import { describeWithShared, sharedPath } from '../shared.ts'
import { rejectionOf } from '../thrown.ts'
import { folderOf } from './folder-of.ts'
import { writeNpy, writeObjectNpy, writePickle } from './layouts/numpy-writer.ts'

/** Value of a sample by its place, so that a wrong axis shows. */
const ramp = (shape: readonly number[]) => Float64Array.from({ length: shape.reduce((a, b) => a * b) }, (_, i) => i / 8)

test('every card says what a reader must know', () => {
  const cards = datasetCards()
  expect(cards.length).toBe(10)
  for (const card of cards) {
    expect(card.name).toMatch(/^[a-z0-9-]+$/)
    expect(card.source).toMatch(/https:\/\//)
    for (const key of ['licence', 'citation', 'repeats', 'amount', 'channels', 'protocol', 'layout'] as const) {
      expect(card[key].length).toBeGreaterThan(5)
    }
    expect(card.defects.length).toBeGreaterThan(0)
  }
})

test('the 2,115-trial release: subjects, classes and samples of both files', async () => {
  const shape = [6, 22, 50]
  const folder = await folderOf({
    'X_train_valid.npy': writeNpy(shape, ramp(shape)),
    'y_train_valid.npy': writeNpy([6], [769, 770, 771, 772, 769, 770], '<i8'),
    'person_train_valid.npy': writeNpy([6, 1], [0, 8, 0, 8, 0, 8]),
    'X_test.npy': writeNpy([2, 22, 50], ramp([2, 22, 50])),
    'y_test.npy': writeNpy([2], [772, 771], '<i8'),
    'person_test.npy': writeNpy([2, 1], [0, 0]),
  })
  const set = await openDataset('bcic-iv-2a-npy', { folder })
  expect([...set.recordings].map(({ subject, session, events }) => [subject, session, events.length])).toEqual([
    ['A01', 'test', 2],
    ['A01', 'train_valid', 3],
    ['A09', 'train_valid', 3],
  ])
  const windows = await set.windows({ to: 0.2 })
  expect([...windows.labels]).toEqual([3, 2, 0, 2, 0, 1, 3, 1])
  // third trial of A01 in the first file is number 4; its second channel follows 50 samples later
  const fourth = windows.window(4)
  expect([fourth[0]! * 1e6, fourth[51]! * 1e6]).toEqual(
    [4 * 22 * 50, 4 * 22 * 50 + 51].map((i) => expect.closeTo(i / 8, 3)),
  )
  expect(scoreWarnings(windows)[0]).toContain('same subjects, days and runs')
  await expect(set.windows({ from: 0.1, to: 0.25 })).rejects.toThrow('each cut by an end or a gap')

  writeFileSync(join(folder, 'y_test.npy'), writeNpy([2], [772, 5], '<i8'))
  expect((await rejectionOf(openDataset('bcic-iv-2a-npy', { folder }))).received).toBe('5')
  writeFileSync(join(folder, 'y_test.npy'), writeNpy([3], [772, 771, 769], '<i8'))
  expect((await rejectionOf(openDataset('bcic-iv-2a-npy', { folder }))).expected).toContain('2 numbers')
})

test('FACED: films are stimuli, emotions classes, and samples stay in the pickle', async () => {
  const shape = [28, 32, 20]
  const folder = await folderOf({ 'Processed_data/sub007.pkl': writePickle({ shape, values: ramp(shape) }) })
  const set = await openDataset('faced', { folder })
  const windows = await set.windows({ from: 0, to: 20 / 250 })
  expect([windows.length, windows.nChannels, windows.classNames.length]).toEqual([28, 30, 9])
  expect(windows.countClasses()).toEqual([3, 3, 3, 3, 4, 3, 3, 3, 3])
  expect([windows.stimulus(27), windows.subject(27)]).toEqual(['film 28', 'sub007'])
  expect(windows.window(27)[20]! * 1e6).toBeCloseTo((27 * 32 * 20 + 20) / 8, 2)
  expect((await set.windows({ task: 'valence', to: 0.08 })).countClasses()).toEqual([12, 12])
  expect(scoreWarnings(windows).length).toBe(2)
  const short = await folderOf({ 'sub001.pkl': writePickle({ shape: [27, 32, 20], values: ramp([27, 32, 20]) }) })
  expect((await rejectionOf(openDataset('faced', { folder: short }))).received).toBe('27, 32')
  const cut = await folderOf({
    'sub001.pkl': readFileSync(join(folder, 'Processed_data/sub007.pkl')).subarray(0, 90_000),
  })
  expect((await rejectionOf(openDataset('faced', { folder: cut }))).code).toBe('FILE_TRUNCATED')
  const evil = await folderOf({ 'sub001.pkl': Buffer.from("cos\nsystem\n(S'true'\ntR.") })
  expect((await rejectionOf(openDataset('faced', { folder: evil }))).code).toBe('FILE_UNSAFE')
})

test('THINGS-EEG2, preprocessed: images, repeats, and the moment of the picture', async () => {
  const shape = [30, 4, 17, 10]
  const ch_names = Array.from({ length: 17 }, (_, i) => `O${i}`)
  const times = { shape: [10], values: Float64Array.from({ length: 10 }, (_, i) => -0.02 + i / 100) }
  const training = writeObjectNpy({ preprocessed_eeg_data: { shape, values: ramp(shape) }, ch_names, times })
  const folder = await folderOf({
    'sub-01/preprocessed_eeg_training.npy': training,
    'image_metadata.npy': writeObjectNpy({
      train_img_concepts: Array.from({ length: 30 }, (_, i) => `${i}_thing`),
      train_img_files: Array.from({ length: 30 }, (_, i) => `thing_${i}.jpg`),
    }),
  })
  const set = await openDataset('things-eeg2', { folder })
  const [recording] = set.recordings
  expect([recording!.samplingRate, recording!.events.length, recording!.session]).toEqual([100, 120, 'training'])
  const windows = await set.windows({ events: ({ meaning }) => meaning, from: 0, to: 0.08 })
  expect([windows.length, windows.skipped, windows.classNames.length]).toEqual([120, 0, 30])
  expect([windows.stimulus(7), windows.classNames[windows.labels[7]!]]).toEqual(['1_thing/thing_1.jpg', '1_thing'])
  expect(windows.window(7)[0]).toBeCloseTo((7 * 170 + 2) / 8, 4)
  expect(windows.window(7)[8]).toBeCloseTo((7 * 170 + 12) / 8, 4)
  expect(set.warnings[0]).toContain('no volts')
})

test('THINGS-EEG2, raw: a trigger channel, target trials, sessions', async () => {
  const n = 6000
  const values = ramp([3, n]).map((x) => x * 1e-6)
  values.fill(0, 2 * n)
  for (const [at, code] of [
    [1000, 5],
    [2000, 99999],
    [3000, 16540],
  ] as const)
    values[2 * n + at] = code
  const raw = {
    raw_eeg_data: { shape: [3, n], values },
    ch_names: ['Oz', 'O1', 'stim'],
    ch_types: ['eeg', 'eeg', 'stim'],
  }
  const folder = await folderOf({ 'sub-02/ses-03/raw_eeg_training.npy': writeObjectNpy({ ...raw, sfreq: 1000 }) })
  const set = await openDataset('things-eeg2', { folder })
  const [recording] = set.recordings
  expect([recording!.subject, recording!.session, recording!.run]).toEqual(['sub-02', 'ses-03', 'training'])
  expect(recording!.events.map(({ onset, label }) => [onset, label])).toEqual([
    [1, 'training/00005'],
    [2, 'target'],
    [3, 'training/16540'],
  ])
  const windows = await set.windows({ events: ({ stimulus }) => stimulus, from: -0.2, to: 0.8 })
  expect([windows.length, windows.channelNames]).toEqual([2, ['Oz', 'O1']])
  expect(windows.window(0)[0]).toBeCloseTo((800 / 8) * 1e-6, 10)
})

test('Visual Imagery: triggers mean other pictures in each task, and a header of 16 bits is seen through', async () => {
  const name = (task: string) => `sub-03/ses-01/eeg/sub-03_ses-01_task-${task}`
  const tables = Object.fromEntries(
    ['AVI', 'OVI'].map((task) => [
      `${name(task)}_events.tsv`,
      'onset\tduration\tvalue\n1.5\t4\t1\n3\t4\t4\n4\t4\t77\n',
    ]),
  )
  const folder = await folderOf({ 'dataset_description.json': '{}', ...tables })
  const recording = makeRecording({
    channels: ['Oz', 'O1'],
    samplingRate: 200,
    nSamples: 2000,
    data: [ramp([2000]).map((x) => x * 1e-6), ramp([2000])],
  })
  for (const task of ['AVI', 'OVI']) await writeEdf(join(folder, `${name(task)}_eeg.edf`), recording.pick(['Oz']))
  const set = await openDataset('visual-imagery', { folder })
  expect([...set.recordings].map(({ subject, session, run }) => [subject, session, run])).toEqual([
    ['03', '01', 'AVI'],
    ['03', '01', 'OVI'],
  ])
  const objects = await set.windows({ task: 'objects', from: 0, to: 1 })
  expect([...objects.labels]).toEqual([0, 3])
  expect([objects.stimulus(1), objects.run(1)]).toEqual(['Object_chair', 'OVI'])
  expect((await set.windows({ task: 'animals', from: 0, to: 1 })).length).toBe(1)
  expect(objects.window(0)[0]! * 1e6).toBeCloseTo(300 / 8, 1)
  expect(scoreWarnings(objects)).toHaveLength(2)

  // the same samples as a .bdf whose header claims 16 bits
  const bdf = shortBdf(256 * 100)
  const claimed = await folderOf({
    [`${name('FVI')}_eeg.bdf`]: bdf,
    [`${name('FVI')}_events.tsv`]: 'latency\ttype\tvalue\n100\tsquare\t2\n',
  })
  const read = await openDataset('visual-imagery', { folder: claimed })
  expect(read.recordings.at(0)!.read({ to: 0.01 })[0]![0]).toBeCloseTo(100e-6, 9)
  expect(read.warnings[0]).toContain('divided by 256')
  expect(read.recordings.at(0)!.events[0]).toMatchObject({ onset: 1, meaning: 'square', stimulus: 'Figure_square' })
})

test.each([
  ['a web page', '<!doctype html><title>Sign in</title>', 'a web page'],
  ['a list of something else', '{"message": "no"}', 'other JSON'],
])('%s in place of a list of files is one clear error', async (_, text, received) => {
  const [first] = visualImagery.remote!.subjects
  const figshare = await rejectionOf(Promise.resolve(visualImagery.remote!.files([first!], async () => text)))
  expect(figshare).toMatchObject({
    code: 'DOWNLOAD_FAILED',
    received,
    message: expect.stringContaining('figshare.com'),
  })
  const osf = await rejectionOf(
    osfFiles(
      'x',
      async () => text,
      () => true,
    ),
  )
  expect(osf).toMatchObject({ code: 'DOWNLOAD_FAILED', received, message: expect.stringContaining('osf.io') })
})

describeWithShared('Visual Imagery as .fif', () => {
  test('is read with its triggers, and its amplitudes are not divided', async () => {
    const name = 'sub-03/ses-01/eeg/sub-03_ses-01_task-AVI'
    const fif = sharedPath('eeg/derived/S001R04_64s_all_formats', 'S001R04_raw.fif')
    const folder = await folderOf({
      [`${name}_eeg.fif`]: readFileSync(fif),
      [`${name}_events.tsv`]: 'onset\tduration\tvalue\n1.5\t4\t1\n9\t4\t3\n',
    })
    const { recordings, warnings } = await openDataset('visual-imagery', { folder })
    const recording = recordings.at(0)!
    expect([recording.subject, recording.run, warnings]).toEqual(['03', 'AVI', []])
    expect(recording.events.map(({ meaning }) => meaning)).toEqual(['dog', 'fish'])
    const own = await readRecording(fif)
    expect([...recording.read({ to: 1 })[0]!]).toEqual([...own.read({ to: 1 })[0]!])
  })
})

/** One second of one channel, 24-bit samples under a header of the range of 16; a microvolt is a step. */
function shortBdf(sample: number): Buffer {
  const rate = 100
  const text = (value: string | number, width: number) => String(value).padEnd(width)
  const head = [
    text('', 80),
    text('', 80),
    text('01.01.26', 8),
    text('00.00.00', 8),
    text(512, 8),
    text('24BIT', 44),
    text(1, 8),
    text(1, 8),
    text(1, 4),
    text('Oz', 16),
    text('', 80),
    text('uV', 8),
    text(-32768, 8),
    text(32767, 8),
    text(-32768, 8),
    text(32767, 8),
    text('', 80),
    text(rate, 8),
    text('', 32),
  ].join('')
  const data = Buffer.alloc(3 * rate)
  for (let i = 0; i < rate; i++) data.writeIntLE(sample, 3 * i, 3)
  return Buffer.concat([Buffer.from('\xffBIOSEMI', 'latin1'), Buffer.from(head), data])
}

describeWithShared('real recordings', () => {
  test('the Muse sets take their own runs, and bi2012 its targets', async () => {
    const muse = sharedPath('eeg/muse')
    const ssvep = await openDataset('muse-ssvep', { folder: muse })
    expect([ssvep.recordings.length, (await ssvep.windows()).countClasses()]).toEqual([6, [87, 105]])
    const n170 = await openDataset('muse-n170', { folder: join(muse, 'N170') })
    expect(n170.recordings.length).toBe(6)
    expect(new Set([...n170.recordings].map(({ run }) => run)).size).toBe(6)
    const bi = await openDataset('bi2012', { folder: sharedPath('eeg/bi2012_p300') })
    expect([(await bi.windows()).countClasses(), bi.recordings.at(0)!.subject]).toEqual([[640, 128], '01'])
  })
})
