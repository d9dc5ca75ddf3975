import { copyFileSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { bootstrap } from './bootstrap.mjs'
import { importBuilt, main, root, runStep, StepError } from './steps.mjs'

const BINARIES = ['eegtorch.node', 'eegtorch_loader.so']

// npm run prebuild: the addon and its loader, stripped, in prebuilds/linux-x64/, where node-gyp-build looks for them
await main(async () => {
  await bootstrap()
  const { LIBTORCH_VERSION } = await importBuilt('setup/paths.js')
  if ((process.env.EEGTORCH_TORCH ?? LIBTORCH_VERSION) !== LIBTORCH_VERSION) {
    throw new StepError(`prebuilds are made for LibTorch ${LIBTORCH_VERSION}; unset EEGTORCH_TORCH`)
  }
  const stage = stageBuild()
  const prebuildify = join(root, 'node_modules', 'prebuildify', 'bin.js')
  const flags = ['--napi', '--strip', '--cwd', stage, '--node-gyp', join(root, 'scripts', 'prebuild-shim.mjs')]
  await runStep('collecting prebuilds', process.execPath, [prebuildify, ...flags])
  rmSync(join(root, 'prebuilds'), { recursive: true, force: true })
  renameSync(join(stage, 'prebuilds'), join(root, 'prebuilds'))
  rmSync(stage, { recursive: true })
  const folder = join(root, 'prebuilds', 'linux-x64')
  for (const name of readdirSync(folder)) {
    console.log(`prebuilds/linux-x64/${name}  ${(statSync(join(folder, name)).size / 1e6).toFixed(2)} MB`)
  }
  const missing = BINARIES.filter((name) => !existsSync(join(folder, name)))
  if (missing.length > 0) throw new StepError(`missing in prebuilds/linux-x64: ${missing.join(', ')}`)
})

/** prebuildify strips and moves what it finds in build/Release, so it is given a copy. */
function stageBuild() {
  const stage = join(root, '.cache', `prebuild-${process.pid}`)
  const release = join(stage, 'build', 'Release')
  mkdirSync(release, { recursive: true })
  copyFileSync(join(root, 'package.json'), join(stage, 'package.json'))
  for (const name of BINARIES) copyFileSync(join(root, 'build', 'Release', name), join(release, name))
  return stage
}
