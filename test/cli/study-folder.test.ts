import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openStudy } from '../../lib/cli/study-folder.ts'
import { rejectionOf } from '../thrown.ts'

const root = mkdtempSync(join(tmpdir(), 'eegtorch-study-'))
afterAll(() => rmSync(root, { recursive: true }))

test('two processes do not train in one folder at once', async () => {
  const folder = join(root, 'shared')
  const first = await openStudy(folder, { epochs: 1 })
  expect((await rejectionOf(openStudy(folder, { epochs: 1 }))).message).toMatch(
    /another process trains in .*shared: expected another folder, or that process to end/,
  )
  await first[Symbol.asyncDispose]()
  await using _second = await openStudy(folder, { epochs: 1 })
})

test('what failed before it made anything may be called again with other settings, what made something may not', async () => {
  const folder = join(root, 'failed')
  for (const data of ['misspelt', 'right']) await (await openStudy(folder, { data }))[Symbol.asyncDispose]()
  writeFileSync(join(folder, 'state.safetensors'), '')
  const refused = await rejectionOf(openStudy(folder, { data: 'other' }))
  expect(refused.message).toMatch(/holds a run with other settings.*another data/)
  await using _same = await openStudy(folder, { data: 'right' })
})

test('a file in the place of the folder is named, and no lock is left', async () => {
  writeFileSync(join(root, 'file'), '')
  const refused = await rejectionOf(openStudy(join(root, 'file'), {}))
  expect(refused).toMatchObject({ code: 'FILE_WRITE_FAILED', file: join(root, 'file') })
  expect(refused.message).toMatch(/is a file/)
  const folder = join(root, 'missing contents')
  await rejectionOf(openStudy(folder, {}, { encoder: join(root, 'no encoder') }))
  expect(existsSync(join(folder, 'run.lock'))).toBe(false)
})
