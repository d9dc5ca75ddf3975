import { copyFileSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { readRecording } from 'eegtorch'
import { errorOf } from '../thrown.ts'
import { fixturePath } from './agree.ts'
import { temporaryFolder } from './temporary.ts'

// Places of samples are noted once: a file that was written anew must not be read by them.

const folder = temporaryFolder()
const WRITTEN = 1_700_000_000

test.each(['csv/times.csv', 'xdf/streams.xdf'])('%s is refused once it was written to', async (name) => {
  const file = join(folder, name.replace('/', '-'))
  copyFileSync(fixturePath(name), file)
  utimesSync(file, WRITTEN, WRITTEN)
  const recording = await readRecording(file)
  const before = recording.readSamples(0, recording.nSamples)
  expect(before[0]!.length).toBe(recording.nSamples)
  utimesSync(file, WRITTEN + 1, WRITTEN + 1)
  const touched = errorOf(() => recording.readSamples(0, 1))
  expect(touched).toMatchObject({ code: 'FILE_INVALID', file, received: expect.stringContaining('22:13:21') })
  expect(touched.message).toContain('changed since it was opened')
  writeFileSync(file, Buffer.concat([readFileSync(file), Buffer.from('\n')]))
  utimesSync(file, WRITTEN, WRITTEN)
  expect(errorOf(() => recording.readSamples(0, 1))).toMatchObject({ code: 'FILE_INVALID', file })
  writeFileSync(file, readFileSync(file).subarray(0, -2))
  expect(errorOf(() => recording.readSamples(0, 1))).toMatchObject({ code: 'FILE_TRUNCATED', file })
  copyFileSync(fixturePath(name), file)
  utimesSync(file, WRITTEN, WRITTEN)
  expect(recording.readSamples(0, recording.nSamples)).toEqual(before)
})

test('rows that a table of the same size and time does not have any more are no zeros', async () => {
  const file = join(folder, 'rows.csv')
  const write = (rows: readonly string[]) => {
    writeFileSync(file, ['Cz [uV],Pz [uV]', ...rows, ''].join('\n'))
    utimesSync(file, WRITTEN, WRITTEN)
  }
  write(['1,2', '3,4', '5,6', '7,8'])
  const { size } = statSync(file)
  const recording = await readRecording(file, { samplingRate: 100 })
  write(['1,2', '3,4.00000000'])
  expect(statSync(file).size - size).toBe(1)
  write(['1,2', '3,4.0000000'])
  expect(statSync(file).size).toBe(size)
  expect(recording.readSamples(0, 2, [1])[0]!.length).toBe(2)
  const error = errorOf(() => recording.readSamples(0, 4))
  expect(error).toMatchObject({ code: 'FILE_TRUNCATED', file, expected: 'at least 4', received: '2' })
})
