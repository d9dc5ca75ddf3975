import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { downloadFiles } from '../../lib/files/download/download.ts'
import { requireSpace } from '../../lib/files/free-space.ts'
import { rejectionOf } from '../thrown.ts'

const folder = mkdtempSync(join(tmpdir(), 'eegtorch-space-'))
afterAll(() => rmSync(folder, { recursive: true }))

test('what the disk has no space for is refused before it is begun, in a folder that is not there yet too', async () => {
  await requireSpace(folder, 1)
  for (const place of [folder, join(folder, 'not', 'yet')]) {
    const error = await rejectionOf(requireSpace(place, 1e18))
    expect(error).toMatchObject({ code: 'FILE_WRITE_FAILED', file: place })
    expect(error.message).toMatch(/there is not enough space: expected 1000000000.0 GB, received [\d.]+ [GM]B free/)
  }
  const asked = await rejectionOf(requireSpace(folder, 1e18, { code: 'SETUP_FAILED', advice: 'free some' }))
  expect([asked.code, asked.message]).toEqual(['SETUP_FAILED', expect.stringContaining('enough space; free some')])
})

test('a download that the disk has no space for asks no server', async () => {
  const files = [{ path: 'weights.bin', bytes: 1e18, urls: ['http://127.0.0.1:1/weights.bin'] }]
  expect(await rejectionOf(downloadFiles(files, { folder }))).toMatchObject({ code: 'FILE_WRITE_FAILED', file: folder })
})
