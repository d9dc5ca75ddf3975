import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { readAll, writeEdf } from 'eegtorch'
import { makeRecording } from '../recordings/make-recording.ts'
import { temporaryFolder } from '../recordings/temporary.ts'
import { describeWithShared, sharedPath } from '../shared.ts'

const folder = temporaryFolder()

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
