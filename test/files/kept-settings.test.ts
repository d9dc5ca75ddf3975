import { mkdirSync, mkdtempSync, renameSync, rmSync, truncateSync, utimesSync, writeFileSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { contentIdentity, fileIdentity } from '../../lib/files/content-identity.ts'
import { keepSettings } from '../../lib/files/kept-settings.ts'
import { rejectionOf } from '../thrown.ts'

const root = mkdtempSync(join(tmpdir(), 'eegtorch-settings-'))
afterAll(() => rmSync(root, { recursive: true }))
const at = (...parts: string[]) => join(root, ...parts)

test('content is told by bytes, names and sizes, not by place and time', async () => {
  mkdirSync(at('model'))
  writeFileSync(at('model', 'config.json'), '{}')
  writeFileSync(at('model', 'weights'), 'abc')
  const before = await contentIdentity(at('model'))
  utimesSync(at('model', 'weights'), 1, 1)
  writeFileSync(at('model', '.lock'), 'x')
  renameSync(at('model'), at('moved'))
  expect(await contentIdentity(at('moved'))).toBe(before)
  writeFileSync(at('moved', 'weights'), 'abd')
  const changed = await contentIdentity(at('moved'))
  renameSync(at('moved', 'weights'), at('moved', 'others'))
  expect(new Set([before, changed, await contentIdentity(at('moved'))]).size).toBe(3)
  expect((await rejectionOf(contentIdentity(at('nothing')))).code).toBe('FILE_NOT_FOUND')
})

test('of a large file blocks are compared from its first byte to its last', async () => {
  const file = at('large')
  const size = 40_000_000
  writeFileSync(file, '')
  truncateSync(file, size)
  const seen = [await contentIdentity(file)]
  for (const position of [0, size - 1, 20_000_000]) {
    const handle = await open(file, 'r+')
    // as long as the stretch between two blocks
    const bytes = position === 20_000_000 ? Buffer.alloc(600_000, 1) : Buffer.from([1])
    await handle.write(bytes, 0, bytes.length, position)
    await handle.close()
    seen.push(await contentIdentity(file))
  }
  truncateSync(file, size - 1)
  seen.push(await contentIdentity(file))
  expect(new Set(seen).size).toBe(5)
  expect(fileIdentity(file)).toBe(seen.at(-1))
})

test('a folder goes on with the same settings and contents only, and says which differ', async () => {
  const folder = at('run')
  mkdirSync(folder)
  writeFileSync(at('weights'), 'first')
  const keep = (settings: object) =>
    keepSettings(folder, {
      settings: { ...settings, checkpoint: at('weights') },
      ...{ contents: { checkpoint: at('weights'), classifier: undefined }, what: 'a run', option: 'out' },
    })
  await keep({ steps: 25, guidance: 7 })
  await keep({ steps: 25, guidance: 7 })
  expect((await rejectionOf(keep({ steps: 50, guidance: 7 }))).message).toMatch(
    /run holds a run with other settings: expected a new folder, .*received another steps$/,
  )
  writeFileSync(at('weights'), 'second')
  const error = await rejectionOf(keep({ steps: 25 }))
  expect([error.code, error.received]).toEqual(['INVALID_OPTION', 'another guidance, content of checkpoint'])
})

test('settings that decide nothing so far may change, with the content of their files, and are kept anew', async () => {
  const folder = at('free')
  mkdirSync(folder)
  const keep = (settings: { reader: string; painter?: string }, free: string[]) =>
    keepSettings(folder, { settings, contents: { painter: settings.painter }, free, what: 'a run', option: 'out' })
  writeFileSync(at('painter'), 'one')
  await keep({ reader: 'a' }, ['painter'])
  const other = await rejectionOf(keep({ reader: 'b', painter: at('painter') }, ['painter']))
  expect(other.message).toMatch(/another reader/)
  await keep({ reader: 'a', painter: at('painter') }, ['painter'])
  await keep({ reader: 'a', painter: at('painter') }, [])
  expect((await rejectionOf(keep({ reader: 'a' }, []))).message).toMatch(/another painter/)
})
