import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openPickledLmdb, openStore, Random, writeStore } from 'eegtorch'
import { builtEntry, runNode } from '../built.ts'
import { writePickled } from './write-pickled.ts'

// Fixtures are written by Python's lmdb and pickle: test/fixtures/store/make_lmdb.py

const fixture = (name: string) => join(import.meta.dirname, '../fixtures/store', name)
const folder = mkdtempSync(join(tmpdir(), 'eegtorch-pickled-'))
afterAll(() => rmSync(folder, { recursive: true }))

/** More by hand: `EEGTORCH_FLIPS=10000`. */
const FLIPS = Number(process.env.EEGTORCH_FLIPS ?? 300)

const sample = (index: number, test: boolean) =>
  Array.from({ length: 24 }, (_, k) => Math.fround((k + 100 * index + (test ? 1000 : 0)) * 1e-6))

test('records of CBraMod and CSBrain are windows, with the split that they came with', () => {
  const { windows, split } = openPickledLmdb(fixture('pickled'), {
    metadata: (name) => ({ subject: name.slice(0, 3) }),
  })
  expect([windows.length, windows.nChannels, windows.nSamples, windows.samplingRate]).toEqual([12, 2, 12, 200])
  expect([...windows.labels]).toEqual([0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3])
  expect(windows.recordings.map(({ name, subject }) => [name, subject])).toEqual([
    ['A01T', 'A01'],
    ['A06T', 'A06'],
    ['A08T', 'A08'],
  ])
  expect(split).toEqual({ name: 'as stored', train: [0, 1, 2, 3], validation: [4, 5, 6, 7], test: [8, 9, 10, 11] })
  for (let i = 0; i < 12; i++) expect([...windows.window(i)]).toEqual(sample(i % 4, i >= 8))
  expect(windows.trial(6)).toBe(3)
})

test('they can be written to a store of our own', async () => {
  const { windows, split } = openPickledLmdb(fixture('pickled'), { classNames: ['left', 'right', 'feet', 'tongue'] })
  const path = join(folder, 'store')
  await writeStore(path, windows, { splits: [split!] })
  const stored = openStore(path)
  expect(stored.header.splits).toEqual([split])
  expect(stored.windows.classNames).toEqual(['left', 'right', 'feet', 'tongue'])
  for (let i = 0; i < 12; i++) expect([...stored.windows.window(i)]).toEqual([...windows.window(i)])
})

test('opening keeps labels and no samples', async () => {
  const path = join(folder, 'large')
  const [count, megabytes] = [48, 4]
  await writePickled(path, count, 4, megabytes * 2 ** 16)
  const program = `
    const { openPickledLmdb } = await import(${JSON.stringify(builtEntry)})
    const before = process.resourceUsage().maxRSS
    const { windows } = openPickledLmdb(${JSON.stringify(path)})
    const megabytes = (process.resourceUsage().maxRSS - before) / 1024
    console.log(JSON.stringify({ megabytes, labels: [...windows.labels] }))`
  const { stdout, stderr } = await runNode(['--input-type=module', '-e', program])
  expect(stderr).toBe('')
  const found = JSON.parse(stdout) as { megabytes: number; labels: number[] }
  expect(found.labels).toEqual(Array.from({ length: count }, (_, i) => i))
  // What is read is let go some records later, when V8 gets to it.
  expect(found.megabytes).toBeLessThan((count * megabytes) / 1.5)
  rmSync(path, { recursive: true })
})

test('what a pickle would run is not run', () => {
  expect(() => openPickledLmdb(fixture('unsafe'))).toThrow(/system/)
  expect(existsSync('/tmp/eegtorch-was-here')).toBe(false)
})

test('other LMDB files, and names that do not fit, are refused', () => {
  expect(() => openPickledLmdb(fixture('plain'))).toThrow(/no LMDB file of CBraMod/)
  expect(() => openPickledLmdb(fixture('pickled'), { channelNames: ['C3'] })).toThrow(/channelNames/)
  expect(() => openPickledLmdb(fixture('pickled'), { classNames: ['left'] })).toThrow(/classNames/)
  expect(() => openStore(fixture('pickled'))).toThrow(/no store of windows/)
})

test('flipped bits and cut files are an error, or change a value, and never more than that', () => {
  const whole = readFileSync(join(fixture('pickled'), 'data.mdb'))
  const path = join(folder, 'damaged')
  mkdirSync(path)
  const outcome = (bytes: Buffer) => {
    writeFileSync(join(path, 'data.mdb'), bytes)
    try {
      const { windows } = openPickledLmdb(path)
      for (let i = 0; i < windows.length; i++) windows.window(i)
      return 'read'
    } catch (error) {
      return (error as { code?: string }).code ?? String(error)
    }
  }
  const random = new Random(11)
  const met = new Map<string, number>()
  for (let i = 0; i < FLIPS; i++) {
    const bytes = Buffer.from(whole)
    const bit = random.below(8 * bytes.length)
    bytes[bit >> 3]! ^= 1 << (bit & 7)
    const code = outcome(bytes)
    met.set(code, 1 + (met.get(code) ?? 0))
  }
  expect([...met.keys()].filter((code) => !/^(read|FILE_\w+|SHAPE_MISMATCH)$/.test(code))).toEqual([])
  expect(met.get('FILE_INVALID')).toBeGreaterThan(FLIPS / 100)
  for (let percent = 0; percent < 100; percent++) {
    expect(outcome(whole.subarray(0, Math.floor((whole.length * percent) / 100)))).toMatch(/^FILE_(TRUNCATED|INVALID)$/)
  }
})
