import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { EegTorchError } from '../../lib/errors.ts'
import { isLmdb, LmdbFile } from '../../lib/lmdb/lmdb-file.ts'
import { Random } from '../../lib/random.ts'

// Fixtures are written by Python's lmdb: test/fixtures/store/make_lmdb.py

const fixture = join(import.meta.dirname, '../fixtures/store/plain')
const folder = mkdtempSync(join(tmpdir(), 'eegtorch-lmdb-'))
const copy = join(folder, 'data.mdb')
const bytes = readFileSync(join(fixture, 'data.mdb'))
afterAll(() => rmSync(folder, { recursive: true }))

const sizeOf = (i: number) => (i % 25 === 0 ? 3000 : i % 40)
const bytesOf = (i: number) => Buffer.from(Array.from({ length: sizeOf(i) }, (_, k) => (i + k) % 256))

test('entries of Python’s lmdb are read, values inside of pages and on pages of their own', () => {
  const lmdb = new LmdbFile(fixture)
  expect(lmdb.keys).toEqual(Array.from({ length: 120 }, (_, i) => `key-${String(i).padStart(4, '0')}`))
  for (const [i] of lmdb.keys.entries()) expect(lmdb.read(i)).toEqual(bytesOf(i))
  expect(lmdb.get('key-0075')).toEqual(bytesOf(75))
  expect(lmdb.get('key-0120')).toBeUndefined()
  expect([isLmdb(fixture), isLmdb(import.meta.filename), isLmdb(folder)]).toEqual([true, false, false])
})

test('a file cut anywhere is truncated, or what was committed before', () => {
  for (let percent = 0; percent < 100; percent++) {
    writeFileSync(copy, bytes.subarray(0, Math.floor((bytes.length * percent) / 100)))
    expect(outcome()).toMatch(/^FILE_(TRUNCATED|INVALID)$/)
  }
})

test('flipped bits are an error, or change a value, and never more than that', () => {
  const random = new Random(1)
  const met = new Set<string>()
  for (let i = 0; i < 500; i++) {
    const flipped = Buffer.from(bytes)
    const bit = random.below(bytes.length * 8)
    flipped[bit >> 3]! ^= 1 << (bit & 7)
    writeFileSync(copy, flipped)
    met.add(outcome())
  }
  expect([...met].sort()).toEqual(expect.arrayContaining(['FILE_INVALID', 'read']))
  expect([...met].every((one) => /^(read|FILE_(INVALID|TRUNCATED|UNSUPPORTED))$/.test(one))).toBe(true)
})

test('a tree that goes in circles ends', () => {
  const circular = Buffer.from(bytes)
  const pageSize = bytes.readUInt32LE(40)
  const branch = Array.from({ length: bytes.length / pageSize }, (_, page) => page).find(
    (page) => page >= 2 && bytes.readUInt16LE(page * pageSize + 10) === 1,
  )!
  const node = branch * pageSize + bytes.readUInt16LE(branch * pageSize + 16)
  circular.writeUInt32LE(branch, node)
  writeFileSync(copy, circular)
  expect(() => new LmdbFile(folder)).toThrow(/goes in circles/)
})

/** What reading the copy gives: everything, or the code of an error. */
function outcome(): string {
  try {
    const lmdb = new LmdbFile(folder)
    for (const [i] of lmdb.keys.entries()) lmdb.read(i)
    return 'read'
  } catch (error) {
    expect(error).toBeInstanceOf(EegTorchError)
    return (error as EegTorchError).code
  }
}
