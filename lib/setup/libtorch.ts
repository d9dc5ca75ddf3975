import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { EegTorchError } from '../errors.ts'
import { cacheFolder, localCopyFolder, requiredVersion } from './paths.ts'
import { findSitePackages } from './python.ts'

/** A place that was looked at, and what was there. */
export interface SearchedPlace {
  place: string
  outcome: string
}

/** LibTorch as found on this machine. */
export interface LibTorch {
  /** Folder with `lib/` and, for building, `include/`. */
  dir: string
  /** Release, for example `2.11.0`. */
  version: string
  /** Release with its build, for example `2.11.0+cu130`. */
  build: string
  /** CUDA release that it was built for, or null for a CPU build. */
  cuda: string | null
  /** Whether the GPU libraries are there too; a local copy for the CPU has a CUDA build's five CPU libraries only. */
  hasCudaLibraries: boolean
  origin: 'LIBTORCH' | 'python' | 'local'
  /** Where it was found, in words. */
  place: string
  /** Absolute paths of the libraries to open before the addon, in this order. */
  libraries: string[]
  searched: SearchedPlace[]
}

/** What to look for, where the defaults do not serve; tests use it. */
export interface ResolveOptions {
  /** LibTorch release to accept. Default: the one that the addon was built for. */
  version?: string
  environment?: NodeJS.ProcessEnv
  cwd?: string
}

/**
 * Finds LibTorch: the folder that `LIBTORCH` names, else the torch package of the Python environment, else the copy that
 * `eegtorch setup` made. Only reads files: nothing is loaded, no process is started.
 *
 * @throws EegTorchError `LIBTORCH_NOT_FOUND` when there is none; `LIBTORCH_VERSION` when `LIBTORCH` names another release
 */
export function resolveLibTorch(options: ResolveOptions = {}): LibTorch {
  const environment = options.environment ?? process.env
  const version = options.version ?? requiredVersion()
  const searched: SearchedPlace[] = []
  const named = environment.LIBTORCH
  if (named) return fromVariable(resolve(named), version, searched)
  const found =
    fromPython(findSitePackages(environment, options.cwd), version, searched) ?? fromLocalCopy(version, searched)
  if (found !== undefined) return found
  throw new EegTorchError(
    'LIBTORCH_NOT_FOUND',
    `LibTorch ${version} was not found in LIBTORCH, the Python environment or ${cacheFolder()}; run: npx eegtorch setup`,
  )
}

function fromVariable(named: string, version: string, searched: SearchedPlace[]): LibTorch {
  const dir = [named, join(named, 'torch')].find(holdsLibTorch)
  if (dir === undefined) {
    throw new EegTorchError('LIBTORCH_NOT_FOUND', `LIBTORCH=${named} holds no LibTorch; run: npx eegtorch setup`, {
      option: 'LIBTORCH',
      expected: 'a folder with lib/libtorch_cpu.so',
      received: existsSync(named) ? 'a folder without it' : 'no such folder',
    })
  }
  const build = readBuild(dir)
  if (release(build) !== version) {
    throw new EegTorchError(
      'LIBTORCH_VERSION',
      `LIBTORCH=${named} is LibTorch ${build ?? 'of unknown version'}, but this addon needs ${version}; ` +
        'unset LIBTORCH and run: npx eegtorch setup',
      { option: 'LIBTORCH', expected: version, received: build ?? 'unknown' },
    )
  }
  searched.push({ place: `LIBTORCH ${named}`, outcome: `LibTorch ${build}` })
  return describe(dir, 'LIBTORCH', `LIBTORCH ${named}`, searched)
}

function fromPython(
  environments: ReturnType<typeof findSitePackages>,
  version: string,
  searched: SearchedPlace[],
): LibTorch | undefined {
  if (environments.length === 0) searched.push({ place: 'Python environment', outcome: 'none' })
  for (const { place, folders } of environments) {
    const candidates = folders.map((folder) => join(folder, 'torch')).filter(holdsLibTorch)
    const match = candidates.find((dir) => release(readBuild(dir)) === version)
    if (match !== undefined) {
      searched.push({ place, outcome: `torch ${readBuild(match)}` })
      return describe(match, 'python', place, searched)
    }
    const other = candidates[0]
    const outcome =
      other === undefined ? 'no torch' : `skipped: torch ${readBuild(other) ?? 'of unknown version'}, not ${version}`
    searched.push({ place, outcome })
  }
  return undefined
}

function fromLocalCopy(version: string, searched: SearchedPlace[]): LibTorch | undefined {
  // the copy with GPU libraries serves both, so it comes first
  for (const cuda of [true, false]) {
    const folder = localCopyFolder(version, cuda)
    const dir = join(folder, 'torch')
    if (!existsSync(join(folder, 'eegtorch.json')) || !holdsLibTorch(dir)) continue
    const build = readBuild(dir)
    searched.push({ place: `local copy ${folder}`, outcome: `LibTorch ${build}` })
    return describe(dir, 'local', `local copy ${folder}`, searched)
  }
  searched.push({ place: `local copies in ${cacheFolder()}`, outcome: `no LibTorch ${version}` })
  return undefined
}

function describe(dir: string, origin: LibTorch['origin'], place: string, searched: SearchedPlace[]): LibTorch {
  const build = readBuild(dir)!
  return {
    dir,
    version: release(build)!,
    build,
    cuda: cudaOf(build),
    hasCudaLibraries: existsSync(join(dir, 'lib', 'libtorch_cuda.so')),
    origin,
    place,
    libraries: librariesToOpen(dir),
    searched,
  }
}

function holdsLibTorch(dir: string): boolean {
  return existsSync(join(dir, 'lib', 'libtorch_cpu.so'))
}

/** `2.11.0+cu130` from a wheel's version.py or from the build-version file of a LibTorch archive. */
function readBuild(dir: string): string | undefined {
  const wheel = readText(join(dir, 'version.py'))?.match(/^__version__\s*=\s*['"]([^'"]+)['"]/m)?.[1]
  return wheel ?? (readText(join(dir, 'build-version'))?.trim() || undefined)
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}

function release(build: string | undefined): string | undefined {
  return build?.split('+')[0]
}

function cudaOf(build: string): string | null {
  const digits = build.match(/\+cu(\d+)/)?.[1]
  return digits === undefined ? null : `${digits.slice(0, -1)}.${digits.slice(-1)}`
}

/**
 * What libtorch_cpu needs, before it: a wheel names its neighbours by relative paths that its rpath already finds, an archive
 * carries hashed names in its own folder. Opening them first by path serves both, and what is not there the system's loader may know.
 */
function librariesToOpen(dir: string): string[] {
  const own = join(dir, 'lib')
  const nvidia = join(dirname(dir), 'nvidia')
  const folders = [
    own,
    join(nvidia, 'cu13', 'lib'),
    join(nvidia, 'cuda_runtime', 'lib'),
    join(nvidia, 'cuda_cupti', 'lib'),
  ]
  const present = folders.map((folder) => ({ folder, names: existsSync(folder) ? readdirSync(folder).sort() : [] }))
  const first = (pattern: RegExp) => {
    for (const { folder, names } of present) {
      const name = names.find((candidate) => pattern.test(candidate))
      if (name !== undefined) return join(folder, name)
    }
    return undefined
  }
  const patterns = [
    /^libgomp\b.*\.so\.1$/,
    /^libcudart\b.*\.so\.\d+/,
    /^libcupti\b.*\.so\.\d+/,
    /^libc10\.so$/,
    /^libtorch_cpu\.so$/,
  ]
  return patterns.map(first).filter((path) => path !== undefined)
}
