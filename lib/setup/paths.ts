import { readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The LibTorch release that the prebuilt addon is made for. */
export const LIBTORCH_VERSION = '2.11.0'

/** The CUDA release that LibTorch's GPU libraries are made for. */
export const CUDA_VERSION = '13.0'

/** The folder that holds package.json, whether this file runs from `lib/` or from `dist/`. */
export const packageRoot: string = resolve(fileURLToPath(import.meta.url), '..', '..', '..')

/** The release of this package. */
export function packageVersion(): string {
  const manifest = JSON.parse(readFileSync(join(packageRoot, 'package.json'), 'utf8')) as { version: string }
  return manifest.version
}

/** Where set-up keeps what it downloads: `$XDG_CACHE_HOME/eegtorch`, else `~/.cache/eegtorch`. */
export function cacheFolder(): string {
  const base = process.env.XDG_CACHE_HOME
  return join(base?.startsWith('/') ? base : join(homedir(), '.cache'), 'eegtorch')
}

/** Folder of the local copy that set-up makes of one LibTorch release. */
export function localCopyFolder(version: string, cuda: boolean): string {
  const cudaBuild = version === LIBTORCH_VERSION ? `cu${CUDA_VERSION.replace('.', '')}` : 'cuda'
  return join(cacheFolder(), `libtorch-${version}-${cuda ? cudaBuild : 'cpu'}`)
}

/**
 * The LibTorch release that the addon at hand needs: what a build from source noted beside it in `build/Release`,
 * else {@link LIBTORCH_VERSION}.
 */
export function requiredVersion(root: string = packageRoot): string {
  try {
    const note = JSON.parse(readFileSync(join(root, 'build', 'Release', 'libtorch.json'), 'utf8')) as {
      version?: unknown
    }
    if (typeof note.version === 'string') return note.version
  } catch {
    // no build from source here: the prebuilt addon is used
  }
  return LIBTORCH_VERSION
}
