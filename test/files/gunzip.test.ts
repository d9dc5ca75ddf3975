import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { gunzipFile, gunzipStart, isGzipFile } from '../../lib/files/gunzip.ts'
import { temporaryFolder } from '../recordings/temporary.ts'
import { rejectionOf } from '../thrown.ts'

const folder = temporaryFolder()
const text = Buffer.from(Array.from({ length: 20_000 }, (_, i) => (i * i * 7919) % 251))
const packed = gzipSync(text)

function write(bytes: Buffer): string {
  const file = join(folder, 'x.gz')
  writeFileSync(file, bytes)
  return file
}

test('members one behind the other are one file, as gunzip has it', async () => {
  const file = write(Buffer.concat([packed, packed]))
  expect(isGzipFile(file)).toBe(true)
  expect((await gunzipFile(file, 2 ** 20)).equals(Buffer.concat([text, text]))).toBe(true)
})

test('unpacking ends at the limit, whatever the file says of its length', async () => {
  const bomb = gzipSync(Buffer.alloc(2 ** 26))
  bomb.writeUInt32LE(10, bomb.length - 4)
  const before = process.memoryUsage().arrayBuffers
  expect(await rejectionOf(gunzipFile(write(bomb), 2 ** 20))).toMatchObject({ code: 'FILE_UNSUPPORTED' })
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(2 ** 23)
  expect(await rejectionOf(gunzipFile(write(packed), packed.length - 1))).toMatchObject({ code: 'FILE_UNSUPPORTED' })
})

test('what is cut off or changed is refused; the rest of what is cut off may be asked for', async () => {
  const cut = write(packed.subarray(0, packed.length / 2))
  expect(await rejectionOf(gunzipFile(cut, 2 ** 20))).toMatchObject({ code: 'FILE_TRUNCATED', file: cut })
  const rest = await gunzipFile(cut, 2 ** 20, true)
  expect(rest.length).toBeGreaterThan(100)
  expect(rest.equals(text.subarray(0, rest.length))).toBe(true)
  const changed = Buffer.from(packed)
  changed[changed.length - 6]! ^= 1
  expect(await rejectionOf(gunzipFile(write(changed), 2 ** 20))).toMatchObject({ code: 'FILE_INVALID' })
})

test('a start tells what the file is, and no other file is taken for one', () => {
  const start = gunzipStart(packed.subarray(0, 512))
  expect(start.length).toBeGreaterThan(16)
  expect(start.equals(text.subarray(0, start.length))).toBe(true)
  expect(gunzipStart(text).length).toBe(0)
  expect(gunzipStart(Buffer.from([0x1f, 0x8b, 8, 0xff, 1, 2, 3])).length).toBe(0)
  expect(isGzipFile(write(Buffer.alloc(0)))).toBe(false)
})
