import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { readRecording } from 'eegtorch'
import { readMatFile } from '../../lib/recordings/matlab/mat-file.ts'
import { fixturePath } from './agree.ts'
import { temporaryFolder } from './temporary.ts'

const folder = temporaryFolder()
const file = join(folder, 'x.mat')
const whole = readFileSync(fixturePath('numpy/level4.mat'))

function write(change: (bytes: Buffer) => Buffer): string {
  writeFileSync(file, change(Buffer.from(whole)))
  return file
}

test('complex matrices are left out, as sparse ones are', () => {
  const variables = readMatFile(fixturePath('numpy/level4.mat'))
  expect([...variables.keys()]).toEqual(['data', 'fs', 'ch_names', 'unit', 'phase'])
  expect(variables.get('phase')).toMatchObject({ kind: 'other', dims: [3, 2] })
  // The digit of its kind: the first matrix is sparse now.
  const sparse = readMatFile(write((bytes) => bytes.fill(12, 0, 1)))
  expect(sparse.get('data')).toMatchObject({ kind: 'other', dims: [3, 200] })
})

test.each<[string, string, (bytes: Buffer) => Buffer, RegExp]>([
  ['more numbers than the file holds', 'FILE_TRUNCATED', (b) => b.fill(0x7f, 8, 11), /ends inside a variable/],
  ['another matrix cut off', 'FILE_TRUNCATED', (b) => b.subarray(0, b.length - 1), /ends inside a variable/],
  [
    'half a header at the end',
    'FILE_TRUNCATED',
    (b) => Buffer.concat([b, b.subarray(0, 19)]),
    /expected 20 more bytes/,
  ],
  ['something else behind it', 'FILE_INVALID', (b) => Buffer.concat([b, Buffer.alloc(40, 0xee)]), /no matrix at byte/],
  ['a name that is none', 'FILE_INVALID', (b) => b.fill(0x20, 20, 24), /no MATLAB file/],
])('%s is one clear error', async (_, code, change, message) => {
  write(change)
  await expect(readRecording(file)).rejects.toMatchObject({ code, file, message: expect.stringMatching(message) })
})
