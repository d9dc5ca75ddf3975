import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { folderBeside, unpackZip } from '../../lib/files/unpack.ts'
import { rejectionOf } from '../thrown.ts'
import { writeZip } from './zip-writer.ts'

const folder = mkdtempSync(join(tmpdir(), 'eegtorch-unpack-'))
afterAll(() => rmSync(folder, { recursive: true }))

const members = [
  { name: 'sub-01/', content: Buffer.alloc(0) },
  { name: 'sub-01/eeg/a.fif', content: Buffer.from('samples'.repeat(5000)), deflate: true },
  { name: 'sub-01/b.tsv', content: Buffer.from('onset\n') },
]
let count = 0
function archived(content: Buffer): { archive: string; into: string } {
  const archive = join(folder, `${++count}.zip`)
  writeFileSync(archive, content)
  return { archive, into: join(folder, `${count}`) }
}

test('every file is written as it was, once; what was stopped is gone on with', async () => {
  const { archive, into } = archived(writeZip(members))
  const seen: number[] = []
  const first = await unpackZip(archive, into, { onProgress: ({ done, total }) => seen.push(done / total) })
  expect(first).toEqual({ written: ['sub-01/eeg/a.fif', 'sub-01/b.tsv'], kept: [] })
  expect(seen.at(-1)).toBe(1)
  for (const { name, content } of members.slice(1)) expect(readFileSync(join(into, name)).equals(content)).toBe(true)
  rmSync(join(into, 'sub-01/b.tsv'))
  expect(await unpackZip(archive, into)).toEqual({ written: ['sub-01/b.tsv'], kept: ['sub-01/eeg/a.fif'] })
})

test('a path out of the folder is refused before anything is written', async () => {
  for (const name of ['../out', '/out', 'a/../../out', 'C:out']) {
    const { archive, into } = archived(writeZip([...members, { name, content: Buffer.from('x') }]))
    expect(await rejectionOf(unpackZip(archive, into))).toMatchObject({ code: 'FILE_UNSAFE' })
    expect(existsSync(into)).toBe(false)
  }
})

test('a file of another size is not overwritten', async () => {
  const { archive, into } = archived(writeZip(members))
  await unpackZip(archive, into)
  writeFileSync(join(into, 'sub-01/b.tsv'), 'mine')
  expect(await rejectionOf(unpackZip(archive, into))).toMatchObject({ code: 'FILE_WRITE_FAILED', expected: '6 bytes' })
  expect(readFileSync(join(into, 'sub-01/b.tsv'), 'utf8')).toBe('mine')
})

test('damage is found, and leaves no file by its name and nothing half written', async () => {
  const whole = writeZip(members)
  const flipped = Buffer.from(whole)
  flipped[whole.indexOf('onset')]! ^= 1
  const damaged = archived(flipped)
  expect(await rejectionOf(unpackZip(damaged.archive, damaged.into))).toMatchObject({ code: 'FILE_INVALID' })
  expect(readdirSync(join(damaged.into, 'sub-01'))).toEqual(['eeg'])
  const cut = archived(whole)
  truncateSync(cut.archive, whole.length - 30)
  expect((await rejectionOf(unpackZip(cut.archive, cut.into))).code).toMatch(/^FILE_(INVALID|TRUNCATED)$/)
})

test('an archive of one folder is unpacked where it lies, another into a folder of its name', () => {
  expect(folderBeside(archived(writeZip(members)).archive)).toBe(folder)
  const several = archived(writeZip([...members, { name: 'README', content: Buffer.from('x') }]))
  expect(folderBeside(several.archive)).toBe(several.into)
})

test('stops between files when it is asked to', async () => {
  const { archive, into } = archived(writeZip(members))
  const signal = AbortSignal.abort()
  expect(await rejectionOf(unpackZip(archive, into, { signal }))).toMatchObject({ code: 'CANCELLED' })
})
