import { existsSync, readdirSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { bootstrap } from './bootstrap.mjs'
import { importBuilt, main, root, runStep, StepError } from './steps.mjs'

// npm run prebuild: the addon and its loader, stripped, in prebuilds/linux-x64/, where node-gyp-build looks for them
await main(async () => {
  const { LIBTORCH_VERSION } = await importBuiltAfterBootstrap()
  if ((process.env.EEGTORCH_TORCH ?? LIBTORCH_VERSION) !== LIBTORCH_VERSION) {
    throw new StepError(`prebuilds are made for LibTorch ${LIBTORCH_VERSION}; unset EEGTORCH_TORCH`)
  }
  rmSync(join(root, 'prebuilds'), { recursive: true, force: true })
  const prebuildify = join(root, 'node_modules', 'prebuildify', 'bin.js')
  const flags = ['--napi', '--strip', '--node-gyp', join(root, 'scripts', 'prebuild-shim.mjs')]
  await runStep('collecting prebuilds', process.execPath, [prebuildify, ...flags])
  const folder = join(root, 'prebuilds', 'linux-x64')
  for (const name of readdirSync(folder)) {
    console.log(`prebuilds/linux-x64/${name}  ${(statSync(join(folder, name)).size / 1e6).toFixed(2)} MB`)
  }
  if (!existsSync(join(folder, 'eegtorch_loader.so')))
    throw new StepError('the loader is missing in prebuilds/linux-x64')
})

async function importBuiltAfterBootstrap() {
  await bootstrap()
  return importBuilt('setup/paths.js')
}
