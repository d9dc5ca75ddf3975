import { lstatSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { buildNative, wantedRelease } from './build-native.mjs'
import { hashOf, importBuilt, isDone, main, markDone, root, run, runStep, StepError, withLock } from './steps.mjs'

/**
 * All that a fresh clone needs before it runs: npm packages, JavaScript, LibTorch, the native addon. Each step is skipped
 * when nothing that it reads has changed, so a second run takes a fraction of a second.
 */
export async function bootstrap() {
  await withLock(async () => {
    await installPackages()
    await compileTypeScript()
    await buildNative(await findLibTorch())
  })
}

/** The part of it that checks of the sources need. */
export async function preparePackages() {
  await withLock(async () => {
    await installPackages()
    await compileTypeScript()
  })
}

async function installPackages() {
  if (packagesAreInstalled()) return
  if (lstatSync(join(root, 'node_modules'), { throwIfNoEntry: false })?.isSymbolicLink()) {
    throw new StepError('node_modules is a link and not up to date: run npm install in the folder that it points to')
  }
  // not `npm ci`: it refuses a lock file without the optional binaries of foreign systems, which mirrors do not all carry.
  // This takes the same versions and checksums from the lock file, and leaves that as it is.
  await runStep('installing npm packages', 'npm', ['install', '--no-save', '--no-audit', '--no-fund'])
  if (!packagesAreInstalled())
    throw new StepError('node_modules does not agree with package-lock.json after npm install')
}

/** Compares what npm noted in node_modules with package-lock.json; packages for other systems may be absent. */
function packagesAreInstalled() {
  const wanted = readPackages('package-lock.json')
  const installed = readPackages('node_modules/.package-lock.json')
  if (wanted === undefined || installed === undefined) return false
  return Object.entries(wanted).every(
    ([path, { version, optional }]) =>
      path === '' || installed[path]?.version === version || (optional && installed[path] === undefined),
  )
}

function readPackages(path) {
  try {
    return JSON.parse(readFileSync(join(root, path), 'utf8')).packages
  } catch {
    return undefined
  }
}

async function compileTypeScript() {
  const compiler = join(root, 'node_modules', 'typescript')
  const { version } = JSON.parse(readFileSync(join(compiler, 'package.json'), 'utf8'))
  const hash = hashOf(['lib', 'tsconfig.json'], version)
  if (isDone('typescript', hash, ['dist/index.js'])) return
  rmSync(join(root, 'dist'), { recursive: true, force: true })
  await runStep('compiling TypeScript', process.execPath, [join(compiler, 'bin', 'tsc'), '-p', 'tsconfig.json'])
  markDone('typescript', hash)
}

/** LibTorch as the addon will find it; downloads it when there is none. */
async function findLibTorch() {
  const { resolveLibTorch } = await importBuilt('setup/libtorch.js')
  const version = await wantedRelease()
  try {
    return resolveLibTorch({ version })
  } catch (error) {
    if (error.code !== 'LIBTORCH_NOT_FOUND' || process.env.LIBTORCH) throw new StepError(error.message)
  }
  const code = await run(process.execPath, ['dist/cli/main.js', 'setup', '--torch', version])
  if (code !== 0) throw new StepError('LibTorch could not be set up')
  return resolveLibTorch({ version })
}

if (process.argv[1] === import.meta.filename) {
  await main(async () => {
    await bootstrap()
    console.error('ready')
  })
}
