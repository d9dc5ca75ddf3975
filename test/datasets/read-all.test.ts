import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { readAll, writeEdf } from 'eegtorch'
import { sortNaturally } from '../../lib/files/natural-order.ts'
import { makeRecording } from '../recordings/make-recording.ts'
import { temporaryFolder } from '../recordings/temporary.ts'
import { describeWithShared, sharedPath } from '../shared.ts'

const folder = temporaryFolder()
const study = temporaryFolder()

beforeAll(async () => {
  mkdirSync(join(folder, 'a/b'), { recursive: true })
  const events = [{ onset: 1, duration: 1, label: 'T1' }]
  for (const path of ['S002R04.edf', 'S001R06.edf', 'a/S003R03.edf', 'a/b/x[1].edf']) {
    await writeEdf(join(folder, path), makeRecording({ events }))
  }
})

test.each([
  ['', ['S001R06', 'S002R04', 'S003R03', 'x[1]']],
  ['*.edf', ['S001R06', 'S002R04']],
  ['S00?R04.edf', ['S002R04']],
  ['**/*.edf', ['S001R06', 'S002R04', 'S003R03', 'x[1]']],
  ['a/*/x[1].edf', ['x[1]']],
  ['a/b/x[1].edf', ['x[1]']],
])('%j names %j', async (pattern, names) => {
  const recordings = await readAll(join(folder, pattern))
  expect([...recordings].map(({ name }) => name)).toEqual(names)
})

test('numbers in names are read by value: session 10 comes after session 2', async () => {
  for (const session of [10, 2, 1]) {
    mkdirSync(join(study, `sub-1/ses-${session}`), { recursive: true })
    const file = join(study, `sub-1/ses-${session}/sub-1_ses-${session}_task-x_eeg.edf`)
    await writeEdf(file, makeRecording())
  }
  const recordings = await readAll(study)
  expect([...recordings].map(({ session }) => session)).toEqual(['1', '2', '10'])
  expect((await readAll(join(study, '**/*_eeg.edf'))).at(-1)!.session).toBe('10')
})

test.each([
  [
    ['b10', 'b9', 'a10', 'a9'],
    ['a9', 'a10', 'b9', 'b10'],
  ],
  [
    ['x', 'x010', 'x9', 'x10', 'X11', 'x-1'],
    ['X11', 'x', 'x-1', 'x9', 'x010', 'x10'],
  ],
  [
    ['s12345678901234567891', 's12345678901234567890'],
    ['s12345678901234567890', 's12345678901234567891'],
  ],
])('%j in natural order', (names, sorted) => {
  for (const given of [names, sorted, [...names].reverse()]) expect(sortNaturally(given)).toEqual(sorted)
})

test('a list may name a file twice, and metadata may come from a function', async () => {
  const files = ['S001R06.edf', 'S001R06.edf', 'a'].map((path) => join(folder, path))
  const recordings = await readAll(files, { metadata: () => ({ session: 'day 1' }) })
  expect([...recordings].map(({ subject, session }) => [subject, session])).toEqual([
    ['S001', 'day 1'],
    ['S003', 'day 1'],
    [undefined, 'day 1'],
  ])
})

test('T1 gets its meaning by run', async () => {
  const recordings = await readAll(folder)
  expect([...recordings].map(({ events }) => events[0]!.meaning)).toEqual([
    'both fists',
    'left fist',
    'left fist',
    undefined,
  ])
  const windows = await recordings.windows({ events: ['T1'], from: 0, to: 1 })
  expect(windows.classNames).toEqual(['T1', 'both fists', 'left fist'])
  expect((await recordings.windows({ task: 'left-right-execution', from: 0, to: 1 })).length).toBe(1)
})

test('what matches nothing is one clear error', async () => {
  await expect(readAll(join(folder, '*.gdf'))).rejects.toMatchObject({ code: 'FILE_NOT_FOUND' })
  await expect(readAll(join(folder, 'none.edf'))).rejects.toThrow('there is no such file')
})

describeWithShared('EEGMMIDB', () => {
  const trials = async (task: string) => {
    const windows = await (await readAll(sharedPath('eeg/eegmmidb/S001R*.edf'))).windows({ task, from: 0.5, to: 3.5 })
    expect(windows.nSamples).toBe(480)
    return windows.countClasses()
  }

  test('has the trials that its documentation counts', async () => {
    expect(await trials('fists-feet-imagery')).toEqual([21, 24])
    expect(await trials('left-right-imagery')).toEqual([23, 22])
    expect((await trials('fists-feet')).reduce((a, b) => a + b)).toBe(90)
  })
})
