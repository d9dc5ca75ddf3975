import { type ChildProcess, spawn } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { type InstallOptions, installLibTorch, type SetupProgress } from '../../lib/setup/install.ts'
import { resolveLibTorch } from '../../lib/setup/libtorch.ts'
import { packageRoot } from '../../lib/setup/paths.ts'
import { fakeIndex, member, torchMembers, writeWheel } from './fake-wheels.ts'

let folder: string
let index: string
const saved = { ...process.env }

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'eegtorch-setup-'))
  index = join(folder, 'index')
  Object.assign(process.env, { XDG_CACHE_HOME: join(folder, 'cache'), PIP_NO_INDEX: '1', PIP_FIND_LINKS: index })
  delete process.env.LIBTORCH
})
afterEach(() => {
  for (const name of [
    'XDG_CACHE_HOME',
    'PIP_NO_INDEX',
    'PIP_FIND_LINKS',
    'PIP_INDEX_URL',
    'PIP_RETRIES',
    'PATH',
    'LIBTORCH',
  ]) {
    if (saved[name] === undefined) delete process.env[name]
    else process.env[name] = saved[name]
  }
  rmSync(folder, { recursive: true, force: true })
})

const cache = () => join(folder, 'cache', 'eegtorch')
const inCache = () => (existsSync(cache()) ? readdirSync(cache()).sort() : [])
const copy = 'libtorch-2.11.0-cpu'
const failure = async (options: InstallOptions) =>
  installLibTorch(options).then(
    () => ({ code: 'nothing was thrown', message: '' }),
    (error: { code: string; message: string }) => error,
  )

/** A program of this name that comes first on the PATH. */
function fakeProgram(name: string, script: string): void {
  const bin = join(folder, 'bin')
  mkdirSync(bin, { recursive: true })
  writeFileSync(join(bin, name), `#!/bin/sh\n${script}\n`)
  chmodSync(join(bin, name), 0o755)
  process.env.PATH = `${bin}:${saved.PATH}`
}

test('the copy holds the five libraries, the headers and the licences; a second run finds it done', async () => {
  const wheels = fakeIndex(index)
  const seen: SetupProgress[] = []
  const installed = await installLibTorch({ wheels, onProgress: (progress) => seen.push({ ...progress }) })
  expect(installed).toEqual({ folder: join(cache(), copy), version: '2.11.0', isNew: true, isPinned: true })
  const files = readdirSync(installed.folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.parentPath.includes('dist-info'))
    .map((entry) => join(entry.parentPath, entry.name).slice(installed.folder.length + 1))
  expect(files.sort()).toEqual([
    'eegtorch.json',
    'nvidia/cu13/lib/libcudart.so.13',
    'nvidia/cu13/lib/libcupti.so.13',
    'torch/include/torch/csrc/api/include/torch/torch.h',
    'torch/lib/libc10.so',
    'torch/lib/libgomp.so.1',
    'torch/lib/libtorch_cpu.so',
    'torch/version.py',
  ])
  expect(inCache()).toEqual([copy])
  expect(new Set(seen.map(({ step }) => step))).toEqual(new Set(['download', 'verify', 'unpack']))
  const last = seen.filter(({ what, step }) => what === 'torch' && step === 'unpack').at(-1)!
  expect(last.done).toBe(last.total)
  expect((await installLibTorch({ wheels })).isNew).toBe(false)
  expect(resolveLibTorch({ version: '2.11.0', environment: {}, cwd: folder })).toMatchObject({
    origin: 'local',
    hasCudaLibraries: false,
  })
})

test('with cuda, GPU libraries are kept and Python ones are not', async () => {
  const installed = await installLibTorch({ wheels: fakeIndex(index), cuda: true })
  expect(installed.folder).toMatch(/libtorch-2\.11\.0-cu130$/)
  const libraries = readdirSync(join(installed.folder, 'torch', 'lib')).sort()
  expect(libraries).toEqual(['libc10.so', 'libgomp.so.1', 'libtorch_cpu.so', 'libtorch_cuda.so'])
})

test('a download that is not the published file is thrown away, and nothing is left', async () => {
  const wheels = fakeIndex(index)
  wheels[1]!.sha256 = '0'.repeat(64)
  const error = await failure({ wheels })
  expect(error.code).toBe('SETUP_FAILED')
  expect(error.message).toMatch(/nvidia_cuda_runtime.*expected sha256 0{64}, received [0-9a-f]{64}/)
  expect(inCache()).toEqual([])
})

test('damaged or malicious wheels are refused, and nothing is left', async () => {
  const damaged = torchMembers('2.11.0+cu130')
  damaged[5]!.lie = { crc32: 1 }
  writeWheel(index, 'torch', '2.11.0', damaged)
  expect((await failure({ wheels: [{ name: 'torch', version: '2.11.0' }] })).code).toBe('FILE_INVALID')
  const outside = 'torch/include/../../../../outside'
  writeWheel(index, 'torch', '2.11.0', [...torchMembers('2.11.0+cu130'), member(outside, 'x')])
  expect((await failure({ wheels: [{ name: 'torch', version: '2.11.0' }] })).code).toBe('FILE_UNSAFE')
  expect(inCache()).toEqual([])
  expect(existsSync(join(folder, 'outside'))).toBe(false)
})

test('another release brings its own nvidia packages, and their checksums are recorded', async () => {
  const requires = ['numpy', "cuda-toolkit[cublas,cudart,cupti]==13.2.0; platform_system == 'Linux'"]
  writeWheel(index, 'torch', '2.12.0', torchMembers('2.12.0+cu132'), requires)
  writeWheel(
    index,
    'cuda-toolkit',
    '13.2.0',
    [],
    [
      "nvidia-cublas==13.2.1.*; sys_platform == 'linux' and extra == 'cublas'",
      "nvidia-cuda-runtime==13.2.7.*; sys_platform == 'linux' and extra == 'cudart'",
      "nvidia-cuda-cupti==13.2.5.*; sys_platform == 'linux' and extra == 'cupti'",
    ],
  )
  const runtime = writeWheel(index, 'nvidia-cuda-runtime', '13.2.7', [member('nvidia/cu13/lib/libcudart.so.13', 'x')])
  writeWheel(index, 'nvidia-cuda-cupti', '13.2.5', [member('nvidia/cu13/lib/libcupti.so.13', 'x')])
  const installed = await installLibTorch({ version: '2.12.0' })
  expect(installed).toMatchObject({ isPinned: false, isNew: true, folder: join(cache(), 'libtorch-2.12.0-cpu') })
  const manifest = JSON.parse(readFileSync(join(installed.folder, 'eegtorch.json'), 'utf8'))
  expect(manifest.wheels).toHaveLength(3)
  expect(manifest.wheels[1]).toMatchObject({ sha256: runtime.sha256, pinned: false })
})

test('what is missing is said with what to do: the release, the network, pip, Python, disk space', async () => {
  const wheels = [{ name: 'torch', version: '2.11.0' }]
  mkdirSync(index)
  expect((await failure({ wheels })).message).toMatch(/package index has no torch 2\.11\.0/)

  delete process.env.PIP_NO_INDEX
  Object.assign(process.env, { PIP_INDEX_URL: 'http://127.0.0.1:9/simple', PIP_RETRIES: '0' })
  // pip names the refused connection only in warnings about retries, so it is allowed one
  process.env.PIP_RETRIES = '1'
  expect((await failure({ wheels })).message).toMatch(/could not reach the package index.*HTTPS_PROXY/)

  fakeProgram(
    'python3',
    'case "$3" in --version) exit 0;; esac; echo "ERROR: Could not install: [Errno 28] No space left on device" >&2; exit 1',
  )
  expect((await failure({ wheels })).message).toMatch(/disk is full.*XDG_CACHE_HOME/)
  fakeProgram('python3', 'echo "No module named pip" >&2; exit 1')
  fakeProgram('python', 'exit 1')
  expect((await failure({ wheels })).message).toMatch(/python3 has no pip.*apt install python3-pip/)
  process.env.PATH = join(folder, 'empty')
  expect((await failure({ wheels })).message).toMatch(/no python3.*apt install python3-pip/)
  expect(inCache()).toEqual([])
})

/** Set-up in a process of its own, which tests can kill. It runs the compiled files. */
function startChild(wheels: unknown): ChildProcess & { output: Promise<string> } {
  const module = pathToFileURL(join(packageRoot, 'dist', 'setup', 'install.js')).href
  const script = `import { installLibTorch } from '${module}'
    const { isNew } = await installLibTorch({ wheels: JSON.parse(process.env.WHEELS) })
    console.log(isNew ? 'made' : 'found')`
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    env: { ...process.env, WHEELS: JSON.stringify(wheels) },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let text = ''
  child.stdout!.on('data', (chunk) => {
    text += chunk
  })
  return Object.assign(child, {
    output: new Promise<string>((resolve) => child.on('close', () => resolve(text.trim()))),
  })
}

test('set-up twice at once makes one copy, and both find it', async () => {
  const wheels = fakeIndex(index)
  const answers = await Promise.all([startChild(wheels).output, startChild(wheels).output])
  expect(answers.sort()).toEqual(['found', 'made'])
  expect(inCache()).toEqual([copy])
})

test('killed at any moment, there is nothing or a whole copy, and the next run cleans up', async () => {
  const wheels = fakeIndex(index, '2.11.0', 30_000_000)
  for (const delay of [150, 400, 700, 1000, 1300, 1600, 1900]) {
    const child = startChild(wheels)
    await new Promise((resolve) => setTimeout(resolve, delay))
    child.kill('SIGKILL')
    await child.output
    if (!inCache().includes(copy)) continue
    expect(existsSync(join(cache(), copy, 'eegtorch.json'))).toBe(true)
    rmSync(join(cache(), copy), { recursive: true })
  }
  expect(await startChild(wheels).output).toBe('made')
  expect(inCache()).toEqual([copy])
})

test('Ctrl+C ends set-up at once with exit code 130 and leaves nothing', async () => {
  fakeProgram('python3', 'case "$3" in --version) exit 0;; esac; echo $$ > "$PID_FILE"; exec sleep 60')
  const pidFile = join(folder, 'pid')
  const main = join(packageRoot, 'dist', 'cli', 'main.js')
  const child = spawn(process.execPath, [main, 'setup'], {
    env: { ...process.env, PID_FILE: pidFile },
    stdio: 'ignore',
  })
  while (!existsSync(pidFile) || readFileSync(pidFile, 'utf8') === '')
    await new Promise((resolve) => setTimeout(resolve, 20))
  const ended = new Promise((resolve) => child.on('close', resolve))
  child.kill('SIGINT')
  expect(await ended).toBe(130)
  expect(inCache()).toEqual([])
  expect(existsSync(`/proc/${readFileSync(pidFile, 'utf8').trim()}`)).toBe(false)
})
