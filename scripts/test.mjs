import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { bootstrap } from './bootstrap.mjs'
import { main, root, run } from './steps.mjs'

// npm test [jest arguments]: set up what is missing, run the tests, and end with one line that says how many passed
await main(async () => {
  await bootstrap()
  const folder = mkdtempSync(join(tmpdir(), 'eegtorch-test-'))
  try {
    const results = join(folder, 'results.json')
    const code = await runJest(results, folder)
    return summarise(results, code)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})

/** @param temporary gets what tests leave behind, and goes with it */
function runJest(results, temporary) {
  const jest = join(root, 'node_modules', 'jest', 'bin', 'jest.js')
  const flags = ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning']
  return run(process.execPath, [...flags, jest, '--json', `--outputFile=${results}`, ...process.argv.slice(2)], {
    stdio: ['inherit', 'inherit', 'inherit'],
    env: { ...process.env, TMPDIR: temporary },
  })
}

function summarise(path, code) {
  let results
  try {
    results = JSON.parse(readFileSync(path, 'utf8'))
  } catch {
    console.log('0 passed, 1 failed')
    return code || 1
  }
  // a file that cannot be loaded has no tests to count: it counts as one failure
  const failed = results.numFailedTests + results.numRuntimeErrorTestSuites
  console.log(`${results.numPassedTests} passed, ${failed} failed`)
  return code || (failed > 0 ? 1 : 0)
}
