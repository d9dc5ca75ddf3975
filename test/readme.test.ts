import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { packageRoot } from '../lib/setup/paths.ts'

const textOf = (path: string) => readFileSync(join(packageRoot, path), 'utf8')

test('the table of models in the README names every registered network, and no other', () => {
  const registered = [...textOf('docs/models.generated.md').matchAll(/^## (\w+)$/gm)].map(([, name]) => name!)
  expect(registered.length).toBeGreaterThan(40)
  const section = textOf('README.md').split('\n## Models\n')[1]!.split('\n## ')[0]!
  const rows = [...section.matchAll(/^\| (`.*?) \|/gm)].map(([, names]) => names!)
  const named = rows.flatMap((row) => [...row.matchAll(/`(\w+)`/g)].map(([, name]) => name!))
  expect(named.toSorted()).toEqual(registered.toSorted())
})
