import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { LastArray } from '../../lib/datasets/far-trials.ts'

const folder = mkdtempSync(join(tmpdir(), 'eegtorch-far-'))
afterAll(() => rmSync(folder, { recursive: true }))

test('the last array is unpickled once, anew when its file has changed, and kept by its data set alone', () => {
  const file = join(folder, 'sub000.pkl')
  let loads = 0
  const load = () => ({ data: Uint8Array.of(++loads) })
  const [last, other] = [new LastArray(), new LastArray()]
  writeFileSync(file, 'first')
  expect([last.bytesOf(file, load)[0], last.bytesOf(file, load)[0]]).toEqual([1, 1])
  expect(other.bytesOf(file, load)[0]).toBe(2)
  writeFileSync(file, 'second')
  expect([last.bytesOf(file, load)[0], last.bytesOf(file, load)[0]]).toEqual([3, 3])
})
