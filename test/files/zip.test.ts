import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { isSafePath, openZip } from '../../lib/files/zip.ts'
import { type Member, writeZip } from './zip-writer.ts'

const folder = mkdtempSync(join(tmpdir(), 'eegtorch-zip-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const path = join(folder, 'archive.zip')
const open = (bytes: Uint8Array) => {
  writeFileSync(path, bytes)
  return openZip(path)
}
const codeOf = (action: () => unknown): string => {
  try {
    action()
  } catch (error) {
    return (error as { code: string }).code
  }
  return 'nothing was thrown'
}
const text = (content: string) => new TextEncoder().encode(content)
const hello: Member = { name: 'a/hello.txt', content: text('hello '.repeat(1000)), deflate: true }
const stored: Member = { name: 'raw', content: Uint8Array.from({ length: 300 }, (_, i) => i % 251) }

test('stored and deflated entries, with and without zip64, come back whole by every way of reading', async () => {
  for (const zip64 of [false, true]) {
    const zip = open(
      writeZip([hello, { ...stored, zip64 }, { name: 'empty', content: text('') }], { zip64, comment: 'x' }),
    )
    expect([...zip.entries.keys()]).toEqual(['a/hello.txt', 'raw', 'empty'])
    for (const { name, content } of [hello, stored, { name: 'empty', content: text('') }]) {
      const entry = zip.entry(name)
      const expected = Buffer.from(content)
      expect(expected.equals(zip.readSync(entry))).toBe(true)
      expect(expected.equals(await zip.read(entry))).toBe(true)
      const target = join(folder, `${zip64}-${name.replace('/', '-')}`)
      await zip.extract(entry, target)
      expect(expected.equals(readFileSync(target))).toBe(true)
    }
    expect([...zip.readRangeSync(zip.entry('raw'), 250, 3)]).toEqual([250, 0, 1])
    const raw = zip.entry('raw')
    expect(readFileSync(path)[zip.dataOffset(raw) + 7]).toBe(7)
    zip.close()
    expect(codeOf(() => zip.readSync(raw))).toBe('USED_AFTER_DISPOSE')
  }
})

test('a wrong checksum or size is found by every way of reading', async () => {
  for (const lie of [{ crc32: 1 }, { size: hello.content.length - 1 }, { size: hello.content.length + 1 }]) {
    const zip = open(writeZip([{ ...hello, lie }]))
    const entry = zip.entry(hello.name)
    expect(codeOf(() => zip.readSync(entry))).toBe('FILE_INVALID')
    await expect(zip.read(entry)).rejects.toMatchObject({ code: 'FILE_INVALID' })
    await expect(zip.extract(entry, join(folder, `lie-${JSON.stringify(lie)}`))).rejects.toMatchObject({
      code: 'FILE_INVALID',
    })
    zip.close()
  }
})

test('what is not a sound archive is refused with the reason', () => {
  const good = writeZip([hello, stored])
  expect(codeOf(() => openZip(join(folder, 'missing.zip')))).toBe('FILE_NOT_FOUND')
  expect(codeOf(() => openZip(folder))).toBe('FILE_INVALID')
  expect(codeOf(() => open(text('')))).toBe('FILE_INVALID')
  expect(codeOf(() => open(good.subarray(0, good.length - 1)))).toBe('FILE_INVALID')
  expect(codeOf(() => open(good.subarray(100)))).toBe('FILE_TRUNCATED')
  expect(codeOf(() => open(writeZip([hello, hello])))).toBe('FILE_INVALID')
  expect(codeOf(() => open(writeZip([{ ...hello, lie: { flags: 1 } }])))).toBe('FILE_UNSUPPORTED')
  const unknown = open(writeZip([{ ...stored, lie: { method: 14 } }]))
  expect(codeOf(() => unknown.readSync(unknown.entry('raw')))).toMatch(/FILE_(UNSUPPORTED|INVALID)/)
  expect(codeOf(() => unknown.entry('nothing'))).toBe('FILE_INVALID')
})

test('claims of sizes that the bytes cannot hold, and entries that share bytes, are refused when opening', () => {
  expect(codeOf(() => open(writeZip([{ ...hello, lie: { size: 2 ** 31 } }])))).toBe('FILE_INVALID')
  expect(
    codeOf(() => open(writeZip([{ ...stored, zip64: true, lie: { size: 2 ** 50, compressedSize: 2 ** 50 } }]))),
  ).toBe('FILE_TRUNCATED')
  expect(codeOf(() => open(writeZip([hello, { ...stored, lie: { headerOffset: 3 } }])))).toBe('FILE_UNSAFE')
})

test('a compressed entry cannot be read in parts, and a part must lie inside its entry', () => {
  const zip = open(writeZip([hello, stored]))
  expect(codeOf(() => zip.readRangeSync(zip.entry(hello.name), 0, 1))).toBe('FILE_UNSUPPORTED')
  for (const [offset, length] of [
    [-1, 1],
    [0, -1],
    [299, 2],
    [2 ** 40, 1],
  ] as const) {
    expect(codeOf(() => zip.readRangeSync(zip.entry('raw'), offset, length))).toBe('FILE_TRUNCATED')
  }
})

test('names that leave the folder are not safe', () => {
  for (const name of ['../x', 'a/../../x', '/etc/passwd', 'C:\\x', 'a\\..\\x', 'a\0b'])
    expect(isSafePath(name)).toBe(false)
  for (const name of ['a', 'a/b.txt', 'a..b/c']) expect(isSafePath(name)).toBe(true)
})

const member: fc.Arbitrary<Member> = fc.record({
  name: fc.string({ minLength: 1, maxLength: 12 }),
  content: fc.uint8Array({ maxLength: 200 }),
  deflate: fc.boolean(),
  zip64: fc.boolean(),
})
const members = fc.uniqueArray(member, { selector: ({ name }) => name, maxLength: 4 })

test('any archive comes back as it was written', () => {
  fc.assert(
    fc.property(members, fc.boolean(), (written, zip64) => {
      const zip = open(writeZip(written, { zip64 }))
      for (const { name, content } of written) expect([...zip.readSync(zip.entry(name))]).toEqual([...content])
      zip.close()
    }),
    { numRuns: 500 },
  )
})

test('10,000 damaged archives: each is read whole and right, or refused with an EegTorchError', () => {
  const damage = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 6 })
  fc.assert(
    fc.property(members, fc.boolean(), damage, fc.nat(), (written, zip64, changes, cut) => {
      let bytes = writeZip(written, { zip64 })
      for (const [position, value] of changes) bytes[position % bytes.length] = value
      if (cut % 3 === 0) bytes = bytes.subarray(0, cut % bytes.length)
      try {
        const zip = open(bytes)
        try {
          for (const entry of zip.entries.values()) expect(zip.readSync(entry)).toHaveLength(entry.size)
        } finally {
          zip.close()
        }
      } catch (error) {
        if ((error as Error).name.startsWith('EegTorchError')) return
        throw error
      }
    }),
    { numRuns: 10_000 },
  )
})
