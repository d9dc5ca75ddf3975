import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import type { FileHandle } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openZip } from '../../lib/files/zip.ts'
import { ZipWriter } from '../../lib/files/zip-writer.ts'

const folder = mkdtempSync(join(tmpdir(), 'eegtorch-zip-writer-'))
afterAll(() => rmSync(folder, { recursive: true }))

/** Keeps what is written, so that many small writes are quick; each write is cut short, as the system may do. */
class Memory {
  bytes = Buffer.alloc(2 ** 16)
  length = 0

  async write(source: Uint8Array, offset: number, length: number, position: number): Promise<{ bytesWritten: number }> {
    const count = Math.min(length, 1000)
    if (position + count > this.bytes.length) this.bytes = Buffer.concat([this.bytes, Buffer.alloc(this.bytes.length)])
    this.bytes.set(source.subarray(offset, offset + count), position)
    this.length = Math.max(this.length, position + count)
    return { bytesWritten: count }
  }
}

async function written(entries: [name: string, content: Uint8Array][]): Promise<string> {
  const memory = new Memory()
  const zip = new ZipWriter(memory as unknown as FileHandle)
  for (const [name, content] of entries) await zip.add(name, content)
  await zip.end()
  const path = join(folder, 'written.zip')
  writeFileSync(path, memory.bytes.subarray(0, memory.length))
  return path
}

test('entries come back, in order, at multiples of 64', async () => {
  const contents: [string, Uint8Array][] = [
    ['a', Buffer.from('first')],
    ['folder/empty', Buffer.alloc(0)],
    ['ünïcode', Buffer.alloc(5000, 'x')],
  ]
  const zip = openZip(await written(contents))
  expect([...zip.entries.keys()]).toEqual(contents.map(([name]) => name))
  for (const [name, content] of contents) {
    const entry = zip.entry(name)
    expect(zip.readSync(entry).equals(content)).toBe(true)
    expect(zip.dataOffset(entry) % 64).toBe(0)
  }
  zip.close()
})

test('more entries than 16 bits can count', async () => {
  const zip = openZip(await written(Array.from({ length: 66_000 }, (_, i) => [`${i}`, Buffer.of(i & 255)])))
  expect(zip.entries.size).toBe(66_000)
  expect(zip.readSync(zip.entry('65999'))).toEqual(Buffer.of(65999 & 255))
  zip.close()
})
