import { mkdtempSync, writeFileSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { openDataset, scoreWarnings, writeEdf } from 'eegtorch'
import { makeRecording } from '../recordings/make-recording.ts'
import { describeWithShared, sharedPath } from '../shared.ts'
import { rejectionOf } from '../thrown.ts'

const events = ['go L', 'rest', 'go R', 'go L'].map((label, i) => ({ onset: 1 + 2 * i, duration: 1, label }))

async function makeStudy(files: string[]): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'described-'))
  for (const file of files) {
    await mkdir(dirname(join(folder, file)), { recursive: true })
    await writeEdf(join(folder, file), makeRecording({ channels: ['C3', 'C4', 'EXG1'], events }))
  }
  return folder
}

const described = `
name: my-study
files: '**/*.edf'
names: '(?<subject>P\\d+)/day(?<session>\\d)_(?<run>\\w+)\\.edf$'
rename: { EXG1: HEOG }
types: { HEOG: eog }
bad: [C4]
reference: left mastoid
events:
  go L: left
  go R: { class: right, stimulus: arrow right }
window: [0, 1]
design: block
warnings: [hands alternate in blocks of one class]
`

test('a YAML file describes a folder of recordings', async () => {
  const folder = await makeStudy(['P1/day1_a.edf', 'P1/day2_a.edf', 'P2/day1_a.edf', 'old/P3_spare.edf'])
  writeFileSync(join(folder, 'study.yaml'), described)
  const set = await openDataset(join(folder, 'study.yaml'))
  const told = [...set.recordings].map(({ subject, session, run, name }) => [subject, session, run, name])
  expect(told).toEqual([
    ['P1', '1', 'a', 'P1/day1_a'],
    ['P1', '2', 'a', 'day2_a'],
    ['P2', '1', 'a', 'P2/day1_a'],
  ])
  expect(set.recordings.at(0)!.channels.map(({ name, type, isBad }) => [name, type, isBad ?? false])).toEqual([
    ['C3', 'eeg', false],
    ['C4', 'eeg', true],
    ['HEOG', 'eog', false],
  ])
  const windows = await set.windows()
  expect(windows.classNames).toEqual(['left', 'right'])
  expect([...windows.labels.slice(0, 3)]).toEqual([0, 1, 0])
  expect([windows.stimulus(0), windows.stimulus(1)]).toEqual([undefined, 'arrow right'])
  expect(windows.channelNames).toEqual(['C3', 'C4'])
  expect(scoreWarnings(windows)).toEqual(['my-study: hands alternate in blocks of one class'])
  expect(set.card.channels).toBe('as recorded, against left mastoid')

  const one = await openDataset(join(folder, 'study.yaml'), { subjects: ['P2'] })
  expect(one.recordings.length).toBe(1)
  expect((await rejectionOf(openDataset(join(folder, 'study.yaml'), { subjects: ['P9'] }))).code).toBe('FILE_NOT_FOUND')
})

test('a wrong description is one clear error', async () => {
  const of = (value: object) => rejectionOf(openDataset(value as never, { folder: '.' }))
  expect((await of({ name: 'x', evnts: {} })).message).toContain('evnts')
  expect((await of({ name: 'x', names: '(\\d+)' })).message).toContain('(?<subject>')
  expect((await of({ name: 'x', names: '(?<subject>' })).message).toContain('the pattern of names is not usable')
  expect((await of({ name: 'x', events: { a: 'A' }, tasks: { t: ['A', 'B'] } })).message).toContain('received B')
  expect((await of({ name: 'x', window: [2, 1] })).message).toContain('window')
  const folder = mkdtempSync(join(tmpdir(), 'described-'))
  expect((await rejectionOf(openDataset({ name: 'x' }, { folder }))).code).toBe('FILE_NOT_FOUND')
  expect((await rejectionOf(openDataset(join(folder, 'none.yaml')))).code).toBe('FILE_NOT_FOUND')
  writeFileSync(
    join(folder, 'bomb.yaml'),
    `a: &a [x]\n${'abcdefgh'.replaceAll(/./g, (c) => `${c}2: &${c}2 [*a, *a, *a, *a, *a, *a, *a, *a]\n`)}`,
  )
  expect((await rejectionOf(openDataset(join(folder, 'bomb.yaml')))).code).toMatch(
    /FILE_UNSAFE|FILE_INVALID|INVALID_OPTION/,
  )
  expect((await rejectionOf(openDataset('no-such-set'))).message).toContain('eegmmidb')
})

describeWithShared('real recordings', () => {
  test('EEGMMIDB by name: subjects, runs, meanings, and the task decides what counts', async () => {
    const set = await openDataset('eegmmidb', { folder: sharedPath('eeg/eegmmidb') })
    expect(new Set([...set.recordings].map(({ subject }) => subject))).toEqual(new Set(['S001', 'S003', 'S032']))
    const windows = await set.windows({ task: 'fists-feet-imagery', channels: ['C3', 'Cz', 'C4'] })
    expect(windows.countClasses()).toEqual([21, 24])
    expect([windows.nSamples, windows.run(0)]).toEqual([480, '6'])
    expect(scoreWarnings(windows)[0]).toContain('different runs')
    expect((await rejectionOf(set.windows({ task: 'tongue' }))).message).toContain('fists-feet-imagery')
  })

  test('a BIDS folder needs hardly a description', async () => {
    const folder = sharedPath('eeg/derived/bids_eegmmidb')
    const set = await openDataset({ name: 'bids', events: { T1: 'left', T2: 'right' } }, { folder })
    expect([...set.recordings].map(({ subject, run }) => [subject, run])).toEqual([
      ['001', '4'],
      ['001', '8'],
    ])
  })
})
