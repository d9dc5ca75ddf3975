// Writes the files whose content follows from the loaded LibTorch and the registry. `--check` only compares.
import { readFileSync, writeFileSync } from 'node:fs'
import { generateModels } from './generate/models.mjs'
import { generateOperators } from './generate/operators.mjs'
import { generateTraining } from './generate/training.mjs'

const root = new URL('..', import.meta.url)
const files = { ...generateOperators(), ...generateModels(), ...generateTraining() }
const check = process.argv.includes('--check')
let stale = 0

for (const [path, content] of Object.entries(files)) {
  const url = new URL(path, root)
  let current = ''
  try {
    current = readFileSync(url, 'utf8')
  } catch {}
  if (current === content) continue
  stale++
  if (check) console.error(`${path} is stale; run: npm run generate`)
  else writeFileSync(url, content)
}
console.log(
  check ? `${stale} generated files are stale` : `${stale} of ${Object.keys(files).length} generated files written`,
)
process.exitCode = check && stale > 0 ? 1 : 0
