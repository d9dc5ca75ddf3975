import { join } from 'node:path'
import { preparePackages } from './bootstrap.mjs'
import { clangFormat } from './clang-format.mjs'
import { findViolations } from './layers.mjs'
import { main, root, run, StepError } from './steps.mjs'
import { findUnusedExports } from './unused-exports.mjs'

const program = (...path) => join(root, 'node_modules', ...path)

/** Each check runs even when one before it failed, so that one run names everything. */
const checks = [
  ['format and lint', () => node(program('@biomejs', 'biome', 'bin', 'biome'), 'ci', '--colors=off')],
  ['types of lib', () => node(program('typescript', 'bin', 'tsc'), '--noEmit', '-p', 'tsconfig.json')],
  ['types of test', () => node(program('typescript', 'bin', 'tsc'), '-p', 'test/tsconfig.json')],
  ['C++ format', () => clangFormat({ write: false })],
  ['layers', () => list(findViolations(root), 'arrows go up')],
  ['exports', () => list(findUnusedExports(root), 'names are exported for nobody')],
  ['package', () => node(program('publint', 'src', 'cli.js'), 'run', '--strict')],
]

async function node(...args) {
  const code = await run(process.execPath, args)
  if (code !== 0) throw new StepError(`exit code ${code}`)
}

function list(findings, what) {
  for (const finding of findings) console.log(finding)
  if (findings.length > 0) throw new StepError(`${findings.length} ${what}`)
}

// npm run check: everything that can be said about the sources without running them
await main(async () => {
  await preparePackages()
  const failed = []
  for (const [name, check] of checks) {
    try {
      await check()
      console.log(`check ${name}: ok`)
    } catch (error) {
      if (!(error instanceof StepError)) throw error
      console.log(`check ${name}: FAILED (${error.message})`)
      failed.push(name)
    }
  }
  console.log(failed.length === 0 ? 'all checks passed' : `failed: ${failed.join(', ')}`)
  return failed.length === 0 ? 0 : 1
})
