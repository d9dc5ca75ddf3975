import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { readAll, readRecording } from 'eegtorch'
import { type EdfBytes, edfBytes } from './edf-bytes.ts'
import { temporaryFolder } from './temporary.ts'

const root = join(temporaryFolder(), 'study')
const subject = join(root, 'sub-01', 'ses-a', 'eeg')
const parts: EdfBytes = {
  reserved: 'EDF+C',
  signals: [
    { label: 'Fz', samples: 8 },
    { label: 'Lid', samples: 8 },
    { label: 'EDF Annotations', samples: 16 },
  ],
  records: [
    [[1, 2, 3, 4, 5, 6, 7, 8], [0, 0, 0, 0, 0, 0, 0, 0], '+0\x14\x14\0+0.5\x14own\x14\0'],
    [[1, 2, 3, 4, 5, 6, 7, 8], [0, 0, 0, 0, 0, 0, 0, 0], '+1\x14\x14\0'],
  ],
}

beforeAll(() => {
  const derived = join(root, 'derivatives', 'sub-01')
  for (const folder of [subject, derived]) mkdirSync(folder, { recursive: true })
  const write = (name: string, text: string | Uint8Array, folder = subject) => writeFileSync(join(folder, name), text)
  write('dataset_description.json', '{}', root)
  for (const task of ['rest', 'move']) write(`sub-01_ses-a_task-${task}_eeg.edf`, edfBytes(parts))
  write('sub-01_task-move_eeg.edf', edfBytes(parts), derived)
  write(
    'sub-01_ses-a_task-move_events.tsv',
    'onset\tduration\ttrial_type\tvalue\n0.5\tn/a\tfüße\t1\n0.25\t0.5\tn/a\t7\n',
  )
  // For all tasks of the subject, from a folder above; what is nearer goes before it.
  write('sub-01_channels.tsv', 'name\ttype\tstatus\nFz\tEEG\tbad\nLid\tVEOG\tgood\n', join(root, 'sub-01'))
  write('channels.tsv', 'name\ttype\nFz\tMISC\n', root)
  write('sub-01_ses-a_space-CTF_electrodes.tsv', 'name\tx\ty\tz\nFz\t60\t1\t70\nLid\tn/a\tn/a\tn/a\n')
  write('sub-01_ses-a_space-CTF_coordsystem.json', '{"EEGCoordinateSystem": "CTF", "EEGCoordinateUnits": "mm"}')
})

test('tables beside a recording, and above it, say what it holds', async () => {
  const recording = await readRecording(join(subject, 'sub-01_ses-a_task-move_eeg.edf'))
  expect(recording).toMatchObject({ subject: '01', session: 'a' })
  // The second row tells no trial, as mne-bids reads it.
  expect(recording.events).toEqual([{ onset: 0.5, duration: 0, label: 'füße', sample: 4 }])
  const left = 'sub-01_ses-a_task-move_events.tsv: 1 of 2 rows without an onset or a trial_type are left out.'
  expect(recording.warnings).toContain(left)
  expect(recording.channels.map(({ name, type, isBad, position }) => [name, type, isBad, position])).toEqual([
    ['Fz', 'eeg', true, [-0.001, 0.06, 0.07]],
    ['Lid', 'eog', undefined, undefined],
  ])
  expect(recording.read({ channels: ['Fz'] })[0]).toHaveLength(16)
})

test('without a table of events the file keeps its own', async () => {
  const recording = await readRecording(join(subject, 'sub-01_ses-a_task-rest_eeg.edf'))
  expect(recording.events.map(({ label }) => label)).toEqual(['own'])
})

test('a data set is read without what was made from it', async () => {
  expect([...(await readAll(root))].map(({ name }) => name)).toEqual([
    'sub-01_ses-a_task-move_eeg',
    'sub-01_ses-a_task-rest_eeg',
  ])
  expect([...(await readAll(join(root, 'derivatives')))]).toHaveLength(1)
})

test.each([
  ['onset\tduration\ttrial_type\tvalue\nn/a\t1\tleft\t1\n0.5\t1\tright\t2\n', ['right'], 1],
  ['onset\tduration\ttrial_type\tvalue\n0.25\t1\tn/a\t1\n0.5\t1\tn/a\t2\n', ['1', '2'], 0],
  ['onset\tduration\n0.25\t1\n', ['n/a'], 0],
])('events of %j are %j', async (table, labels, warned) => {
  writeFileSync(join(subject, 'sub-01_ses-a_task-rest_events.tsv'), table)
  const { events, warnings } = await readRecording(join(subject, 'sub-01_ses-a_task-rest_eeg.edf'))
  expect(events.map(({ label }) => label)).toEqual(labels)
  expect(warnings.filter((sentence) => sentence.includes('left out'))).toHaveLength(warned)
})

test('units of the table count where the file names none', async () => {
  const folder = join(root, 'sub-04', 'eeg')
  mkdirSync(folder, { recursive: true })
  const labels = ['Fz', 'Cz', 'Pz', 'GSR', 'Oz']
  const units = ['', '', 'mV', '', '']
  const signals = labels.map((label, i) => ({ label, unit: units[i]!, samples: 4 }))
  const file = join(folder, 'sub-04_task-rest_eeg.edf')
  writeFileSync(file, edfBytes({ signals, records: [labels.map(() => [10, 20, 30, 40])] }))
  const told = ['µV', 'mV', 'uV', 'uS', 'n/a']
  const rows = labels.map((label, i) => `${label}\t${i === 3 ? 'GSR' : 'EEG'}\t${told[i]}`)
  writeFileSync(join(folder, 'sub-04_task-rest_channels.tsv'), `${['name\ttype\tunits', ...rows].join('\n')}\n`)
  const recording = await readRecording(file)
  expect(recording.channels.map(({ unit }) => unit)).toEqual(['V', 'V', 'V', '', ''])
  // A digital step is 0.1 of the unit.
  const first = recording.read().map((samples) => Number(samples[1]!.toPrecision(9)))
  expect(first).toEqual([2e-6, 2e-3, 2e-3, 2, 2])
  expect(recording.files).toEqual([file])
  const given = await readRecording(file, { unit: 'nV' })
  expect(given.read({ channels: ['Fz'] })[0]![1]).toBeCloseTo(2e-9, 18)
})

test('an onset that is no number is one clear error', async () => {
  writeFileSync(join(subject, 'sub-01_ses-a_task-rest_events.tsv'), 'onset\tduration\nsoon\t1\n')
  await expect(readRecording(join(subject, 'sub-01_ses-a_task-rest_eeg.edf'))).rejects.toThrow(
    /task-rest_events.tsv: event 1 has no onset: expected seconds, or n\/a, received soon/,
  )
})

test('a table of channels that is cut anywhere is read with a warning, never silently with other channels', async () => {
  const file = join(root, 'sub-02', 'eeg', 'sub-02_task-rest_eeg.edf')
  mkdirSync(join(root, 'sub-02', 'eeg'), { recursive: true })
  writeFileSync(file, edfBytes(parts))
  const table = 'name\ttype\tstatus\nFz\tEEG\tgood\nLid\tVEOG\tbad\n'
  const told = async (length: number) => {
    writeFileSync(join(root, 'sub-02', 'eeg', 'sub-02_task-rest_channels.tsv'), table.slice(0, length))
    const { channels, warnings } = await readRecording(file)
    return { channels: channels.map(({ name, type, isBad }) => [name, type, isBad]), warnings }
  }
  const whole = await told(table.length)
  expect(whole.warnings).toEqual([])
  for (let length = 0; length < table.length; length++) {
    const { channels, warnings } = await told(length)
    expect(channels).toHaveLength(2)
    expect([length, warnings.filter((text) => text.startsWith('sub-02_task-rest_channels.tsv')).length]).not.toEqual([
      length,
      0,
    ])
  }
})

test('a table of events that is cut at a line end is told by the marks of the recording, where it has any', async () => {
  const folder = join(root, 'sub-03', 'eeg')
  mkdirSync(folder, { recursive: true })
  const marks = ['+0.25\x14go\x14\0+0.5\x14blink\x14\0', '+1.25\x14go\x14\0+1.5\x14stop\x14\0']
  const records = parts.records!.map((record, i) => [...record.slice(0, 2), `+${i}\x14\x14\0${marks[i]}`])
  const signals = parts.signals!.map((signal, i) => (i === 2 ? { ...signal, samples: 32 } : signal))
  const marked = edfBytes({ ...parts, signals, records })
  const unmarked = edfBytes({
    ...parts,
    records: records.map((record, i) => [...record.slice(0, 2), `+${i}\x14\x14\0`]),
  })
  const warningsOf = async (bytes: Uint8Array, rows: string[]) => {
    writeFileSync(join(folder, 'sub-03_task-rest_eeg.edf'), bytes)
    writeFileSync(
      join(folder, 'sub-03_task-rest_events.tsv'),
      `${['onset\tduration\ttrial_type', ...rows].join('\n')}\n`,
    )
    const { warnings } = await readRecording(join(folder, 'sub-03_task-rest_eeg.edf'))
    return warnings.filter((text) => text.includes('events.tsv'))
  }
  const rows = ['0.25\t1\tface', '1.25\t1\thouse']
  // What the table never lists, blinks and the end of the task, does not count.
  expect(await warningsOf(marked, rows)).toEqual([])
  expect(await warningsOf(marked, rows.slice(0, 1))).toEqual([
    "sub-03_task-rest_events.tsv may be cut: by the recording's own marks 1 events of the kinds that it lists come after its last row.",
  ])
  expect(await warningsOf(marked, [])).toEqual([expect.stringContaining('marks 4 events')])
  expect(await warningsOf(unmarked, rows.slice(0, 1))).toEqual([])
})
