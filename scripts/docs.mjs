import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { preparePackages } from './bootstrap.mjs'
import { main, root, run, runStep, StepError } from './steps.mjs'

/** typedoc reads sources with a TypeScript of its own: it does not know release 7 yet. Both are pinned, and live in .cache/tools. */
const TYPEDOC = '0.28.20'
const TYPESCRIPT = '5.9.3'
const folder = join(root, '.cache', 'tools', `typedoc-${TYPEDOC}`)
const program = join(folder, 'node_modules', 'typedoc', 'bin', 'typedoc')

async function install() {
  if (existsSync(program)) return
  const fresh = `${folder}.${process.pid}`
  mkdirSync(fresh, { recursive: true })
  try {
    writeFileSync(join(fresh, 'package.json'), '{ "private": true }\n')
    const flags = ['install', '--save-exact', '--ignore-scripts', '--no-audit', '--no-fund', '--prefix', fresh]
    await runStep('installing typedoc', 'npm', [...flags, `typedoc@${TYPEDOC}`, `typescript@${TYPESCRIPT}`])
    rmSync(folder, { recursive: true, force: true })
    renameSync(fresh, folder)
  } finally {
    rmSync(fresh, { recursive: true, force: true })
  }
}

// npm run docs: the API reference from the docstrings, as docs/api/index.html
await main(async () => {
  await preparePackages()
  await install()
  const flags = ['--entryPoints', 'lib/index.ts', '--tsconfig', 'tsconfig.json', '--out', 'docs/api']
  const about = ['--name', 'eegtorch', '--readme', 'none', '--excludeInternal', '--excludePrivate', '--disableGit']
  const links = ['--sourceLinkTemplate', '../../{path}#L{line}']
  const strict = ['--treatWarningsAsErrors', '--treatValidationWarningsAsErrors', '--intentionallyNotExported', 'Leaf']
  const code = await run(process.execPath, [program, ...flags, ...about, ...links, ...strict, ...process.argv.slice(2)])
  if (code !== 0) throw new StepError('the reference could not be made; typedoc says why above')
})
