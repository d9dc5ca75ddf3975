import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { SourceTextModule } from 'node:vm'
import { findFiles } from '../../lib/files/find-files.ts'

test('every script is written in what this Node reads: nothing compiles them, and most run by hand alone', async () => {
  const root = join(import.meta.dirname, '..', '..')
  const scripts = (
    await Promise.all(['scripts', 'examples'].map((folder) => findFiles(join(root, folder), ['.mjs'])))
  ).flat()
  expect(scripts.length).toBeGreaterThan(30)
  for (const script of scripts) new SourceTextModule(readFileSync(script, 'utf8'), { identifier: script })
})
