import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { availableParallelism, freemem } from 'node:os'
import { dirname, join } from 'node:path'
import { hashOf, importBuilt, isDone, main, markDone, root, runStep, StepError } from './steps.mjs'

const OUTPUTS = ['build/Release/eegtorch.node', 'build/Release/eegtorch_loader.so', 'build/Release/libtorch.json']
const TOOLS = ['cmake-js', 'node-addon-api', 'node-api-headers', 'lmdb']
/** What the compiler takes at most for one file that includes LibTorch. */
const BYTES_PER_JOB = 2.5e9
const HINT = 'A build needs CMake 3.22 and g++ 11 or newer (Debian, Ubuntu: apt install cmake g++).'

/**
 * Builds the addon against a LibTorch, as `resolveLibTorch()` describes it. Does nothing when neither sources nor tools nor
 * LibTorch have changed since the last build.
 */
export async function buildNative(libtorch) {
  const tools = findTools()
  const versions = tools.map(({ version }) => version)
  const hash = hashOf(['CMakeLists.txt', 'cpp', 'binding'], libtorch.dir, libtorch.build, process.arch, ...versions)
  if (isDone('native', hash, OUTPUTS)) return
  if (!existsSync(join(libtorch.dir, 'include', 'torch', 'csrc', 'api', 'include', 'torch', 'torch.h'))) {
    throw new StepError(`LibTorch in ${libtorch.dir} has no headers: use the torch package of pip, or eegtorch setup`)
  }
  await runStep('configuring the native build', ...cmake(tools, 'configure', libtorch), { hint: HINT })
  const jobs = Math.max(1, Math.min(availableParallelism(), Math.floor(freemem() / BYTES_PER_JOB)))
  const [command, args] = cmake(tools, 'build', libtorch)
  // ccache then takes clones in different folders for the same sources
  const env = { ...process.env, CCACHE_BASEDIR: root, CCACHE_NOHASHDIR: '1' }
  await runStep('building the native addon', command, [...args, '--parallel', String(jobs)], { env, hint: HINT })
  // beside the addon, the release that it was built for: what looks for LibTorch reads it before anything is loaded
  writeFileSync(join(root, 'build', 'Release', 'libtorch.json'), `${JSON.stringify({ version: libtorch.version })}\n`)
  markDone('native', hash)
}

/** The LibTorch release to build against: `--torch VERSION`, `EEGTORCH_TORCH`, else the pinned one. */
export async function wantedRelease() {
  const at = process.argv.indexOf('--torch')
  if (at >= 0 && process.argv[at + 1] !== undefined) return process.argv[at + 1]
  return process.env.EEGTORCH_TORCH ?? (await importBuilt('setup/paths.js')).LIBTORCH_VERSION
}

function cmake(tools, action, libtorch) {
  const program = join(tools[0].folder, 'bin', 'cmake-js')
  const definitions = [`--CDEEGTORCH_LIBTORCH=${libtorch.dir}`, `--CDNODE=${process.execPath}`]
  return [process.execPath, [program, action, '--directory', root, '--config', 'Release', ...definitions]]
}

/** `package.json` of a package, which lmdb does not let others resolve. */
function findManifest(require, name) {
  if (name === 'lmdb') return join(dirname(require.resolve(name)), '..', 'package.json')
  return require.resolve(`${name}/package.json`)
}

function findTools() {
  const require = createRequire(join(root, 'package.json'))
  return TOOLS.map((name) => {
    try {
      const manifest = findManifest(require, name)
      return { folder: dirname(manifest), version: JSON.parse(readFileSync(manifest, 'utf8')).version }
    } catch {
      throw new StepError(`a build from source needs ${TOOLS.join(', ')}: npm install --save-dev ${TOOLS.join(' ')}`)
    }
  })
}

if (process.argv[1] === import.meta.filename) {
  await main(async () => {
    const { resolveLibTorch } = await importBuilt('setup/libtorch.js')
    await buildNative(resolveLibTorch({ version: await wantedRelease() }))
    console.error('the native addon is built')
  })
}
