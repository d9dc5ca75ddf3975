import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { resolveLibTorch } from '../../lib/setup/libtorch.ts'
import { localCopyFolder } from '../../lib/setup/paths.ts'

let folder: string
const savedCache = process.env.XDG_CACHE_HOME

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'eegtorch-'))
  process.env.XDG_CACHE_HOME = join(folder, 'cache')
})
afterEach(() => {
  if (savedCache === undefined) delete process.env.XDG_CACHE_HOME
  else process.env.XDG_CACHE_HOME = savedCache
  rmSync(folder, { recursive: true, force: true })
})

function write(path: string, content = ''): void {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, content)
}

/** A torch package as pip lays it out, with empty libraries. */
function fakeTorch(sitePackages: string, build: string): string {
  const torch = join(sitePackages, 'torch')
  write(join(torch, 'version.py'), `__all__ = ['__version__']\n__version__ = '${build}'\n`)
  for (const name of ['libc10.so', 'libtorch_cpu.so', 'libgomp.so.1']) write(join(torch, 'lib', name))
  for (const name of ['libcudart.so.13', 'libcupti.so.13']) write(join(sitePackages, 'nvidia', 'cu13', 'lib', name))
  return torch
}

const venv = () => join(folder, 'venv', 'lib', 'python3.12', 'site-packages')
const search = (environment: NodeJS.ProcessEnv) => resolveLibTorch({ version: '2.11.0', environment, cwd: folder })
const failure = (action: () => unknown) => {
  try {
    action()
  } catch (error) {
    return error as { code: string; message: string }
  }
  throw new Error('nothing was thrown')
}

test('LIBTORCH comes first and its libraries are named in the order to open them', () => {
  const named = fakeTorch(join(folder, 'named'), '2.11.0+cu130')
  fakeTorch(venv(), '2.11.0+cu130')
  const found = search({ LIBTORCH: named, VIRTUAL_ENV: join(folder, 'venv') })
  expect(found).toMatchObject({
    dir: named,
    origin: 'LIBTORCH',
    version: '2.11.0',
    build: '2.11.0+cu130',
    cuda: '13.0',
  })
  expect(found.hasCudaLibraries).toBe(false)
  expect(found.libraries.map((path) => path.slice(join(folder, 'named').length + 1))).toEqual([
    'torch/lib/libgomp.so.1',
    'nvidia/cu13/lib/libcudart.so.13',
    'nvidia/cu13/lib/libcupti.so.13',
    'torch/lib/libc10.so',
    'torch/lib/libtorch_cpu.so',
  ])
})

test('LIBTORCH with a wrong version is refused, even where a right one is installed', () => {
  const named = fakeTorch(join(folder, 'named'), '2.4.1+cpu')
  fakeTorch(venv(), '2.11.0+cu130')
  const error = failure(() => search({ LIBTORCH: named, VIRTUAL_ENV: join(folder, 'venv') }))
  expect(error.code).toBe('LIBTORCH_VERSION')
  expect(error.message).toContain('2.4.1+cpu')
  expect(error.message).toContain('npx eegtorch setup')
})

test('LIBTORCH without a LibTorch in it is refused', () => {
  expect(failure(() => search({ LIBTORCH: join(folder, 'nowhere') })).code).toBe('LIBTORCH_NOT_FOUND')
})

test('a LibTorch archive with hashed names and a build-version file is understood', () => {
  const archive = join(folder, 'libtorch')
  write(join(archive, 'build-version'), '2.11.0+cpu\n')
  for (const name of ['libgomp-98b21ff3.so.1', 'libc10.so', 'libtorch_cpu.so']) write(join(archive, 'lib', name))
  const found = search({ LIBTORCH: archive })
  expect(found.cuda).toBeNull()
  expect(found.libraries).toEqual(
    ['libgomp-98b21ff3.so.1', 'libc10.so', 'libtorch_cpu.so'].map((name) => join(archive, 'lib', name)),
  )
})

test('a wrong version in the Python environment is skipped with a word, and the local copy serves', () => {
  fakeTorch(venv(), '2.9.0+cu128')
  const copy = localCopyFolder('2.11.0', false)
  const torch = fakeTorch(copy, '2.11.0+cu130')
  write(join(copy, 'eegtorch.json'), '{}')
  const found = search({ VIRTUAL_ENV: join(folder, 'venv') })
  expect(found).toMatchObject({ dir: torch, origin: 'local' })
  expect(found.searched).toEqual([
    { place: `VIRTUAL_ENV ${join(folder, 'venv')}`, outcome: 'skipped: torch 2.9.0+cu128, not 2.11.0' },
    { place: `local copy ${copy}`, outcome: 'LibTorch 2.11.0+cu130' },
  ])
})

test('a local copy without its manifest is not complete and does not count', () => {
  fakeTorch(localCopyFolder('2.11.0', false), '2.11.0+cu130')
  const error = failure(() => search({}))
  expect(error.code).toBe('LIBTORCH_NOT_FOUND')
  expect(error.message).toContain('npx eegtorch setup')
})

test('.venv in the working folder, the python3 on the PATH and pyenv shims are looked at in this order', () => {
  const path = join(folder, 'opt', 'bin')
  write(join(path, 'python3'))
  const onPath = fakeTorch(join(folder, 'opt', 'lib', 'python3.11', 'site-packages'), '2.11.0+cpu')
  expect(search({ PATH: `/nowhere:${path}` }).dir).toBe(onPath)

  const shims = join(folder, 'pyenv', 'shims')
  write(join(shims, 'python3'))
  write(join(folder, 'pyenv', 'version'), '3.12.3\n')
  const selected = fakeTorch(
    join(folder, 'pyenv', 'versions', '3.12.3', 'lib', 'python3.12', 'site-packages'),
    '2.11.0',
  )
  expect(search({ PATH: `${shims}:${path}` }).dir).toBe(selected)

  const local = fakeTorch(join(folder, '.venv', 'lib', 'python3.12', 'site-packages'), '2.11.0')
  expect(search({ PATH: `${shims}:${path}` })).toMatchObject({ dir: local, origin: 'python' })
})
