import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { LmdbFile } from '../../lib/lmdb/lmdb-file.ts'
import { nativeLmdb } from '../../lib/prepare/native.ts'
import { rejectionOf } from '../thrown.ts'

const folder = mkdtempSync(join(tmpdir(), 'eegtorch-lmdb-writer-'))
afterAll(() => rmSync(folder, { recursive: true }))

test('a writer that is closed under a write ends it, or refuses it whole', async () => {
  const keys = Array.from({ length: 200 }, (_, i) => `w${String(i).padStart(8, '0')}`)
  const values = keys.map((_, i) => new Uint8Array(50_000).fill(i))
  for (const pause of [0, 1, 3, 10]) {
    const path = mkdtempSync(join(folder, 'one-'))
    const writer = nativeLmdb.openLmdbWriter(path)
    const first = nativeLmdb.writeLmdb(writer, keys, values).then(
      () => 'written',
      ({ code }) => code,
    )
    const second = nativeLmdb.writeLmdb(writer, ['last'], [new Uint8Array(3)]).then(
      () => 'written',
      ({ code }) => code,
    )
    await new Promise((resolve) => setTimeout(resolve, pause))
    nativeLmdb.closeLmdbWriter(writer)
    const ends = await Promise.all([first, second])
    for (const end of ends) expect(['written', 'USED_AFTER_DISPOSE']).toContain(end)
    // Those written are on disk and whole; of others there is nothing.
    const found = ends[0] === 'written' || ends[1] === 'written' ? [...new LmdbFile(path).keys] : []
    expect(found.filter((key) => key !== 'last')).toEqual(ends[0] === 'written' ? keys : [])
    expect(found.includes('last')).toBe(ends[1] === 'written')
  }
})

test('nothing can be written after the end', async () => {
  const writer = nativeLmdb.openLmdbWriter(mkdtempSync(join(folder, 'closed-')))
  nativeLmdb.closeLmdbWriter(writer)
  expect((await rejectionOf((async () => nativeLmdb.writeLmdb(writer, ['a'], [new Uint8Array(1)]))())).code).toBe(
    'USED_AFTER_DISPOSE',
  )
})
