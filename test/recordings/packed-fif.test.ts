import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { readAll, readRecording } from 'eegtorch'
import { fixturePath } from './agree.ts'
import { temporaryFolder } from './temporary.ts'

const folder = temporaryFolder()
const packed = readFileSync(fixturePath('fif/packed_raw.fif.gz'))

test('of a file that is cut off, the complete buffers are read where that is asked for', async () => {
  const whole = (await readRecording(fixturePath('fif/packed_raw.fif.gz'))).read()
  const file = join(folder, 'cut_raw.fif.gz')
  writeFileSync(file, packed.subarray(0, packed.length / 2))
  await expect(readRecording(file)).rejects.toMatchObject({ code: 'FILE_TRUNCATED', file })
  const recording = await readRecording(file, { truncated: 'read' })
  expect(recording.nSamples).toBeGreaterThan(100)
  expect(recording.nSamples).toBeLessThan(600)
  expect(recording.read()).toEqual(whole.map((row) => row.subarray(0, recording.nSamples)))
  expect(recording.warnings).toEqual([expect.stringMatching(/cut off: the complete buffers were read/)])
})

test('a folder is searched for them, and their names are told as those of other files are', async () => {
  const dataset = join(folder, 'dataset')
  mkdirSync(dataset)
  writeFileSync(join(dataset, 'sub-01_ses-2_task-rest_meg.fif.gz'), packed)
  writeFileSync(join(dataset, 'sub-01_ses-2_task-rest_events.tsv'), 'onset\tduration\ttrial_type\n1.5\t0\tgo\n')
  const [recording, ...others] = await readAll(dataset)
  expect(others).toEqual([])
  expect(recording).toMatchObject({ name: 'sub-01_ses-2_task-rest_meg', subject: '01', session: '2' })
  expect(recording!.events.map(({ onset, label }) => [onset, label])).toEqual([[1.5, 'go']])
  expect(recording!.files).toEqual([join(dataset, 'sub-01_ses-2_task-rest_meg.fif.gz')])
})

test('a recording may go on in another file, packed or not', async () => {
  const whole = await readRecording(fixturePath('fif/split_raw.fif'))
  const first = join(folder, 'split_raw.fif.gz')
  writeFileSync(first, gzipSync(readFileSync(fixturePath('fif/split_raw.fif'))))
  copyFileSync(fixturePath('fif/split_raw-1.fif'), join(folder, 'split_raw-1.fif'))
  expect((await readRecording(first)).read()).toEqual(whole.read())
  writeFileSync(join(folder, 'split_raw-1.fif'), gzipSync(readFileSync(fixturePath('fif/split_raw-1.fif'))))
  const recording = await readRecording(first)
  expect(recording.readSamples(250, 350)).toEqual(whole.readSamples(250, 350))
})
