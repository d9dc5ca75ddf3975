import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { checkAddon } from '../../lib/setup/addon-probe.ts'
import { runDoctor } from '../../lib/setup/doctor.ts'
import { isAtLeast } from '../../lib/setup/finding.ts'
import { resolveLibTorch } from '../../lib/setup/libtorch.ts'
import { checkGpu } from '../../lib/setup/machine.ts'
import { packageRoot } from '../../lib/setup/paths.ts'

const folder = mkdtempSync(join(tmpdir(), 'eegtorch-doctor-'))
const saved = process.env.LIBTORCH
afterEach(() => {
  if (saved === undefined) delete process.env.LIBTORCH
  else process.env.LIBTORCH = saved
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** An installation with the compiled files of this one and a binary of the test's choice. */
function installation(name: string, binary: string): string {
  const root = join(folder, name)
  const prebuilds = join(root, 'prebuilds', 'linux-x64')
  mkdirSync(prebuilds, { recursive: true })
  writeFileSync(join(root, 'package.json'), '{"name":"eegtorch","version":"0.0.0","type":"module"}')
  symlinkSync(join(packageRoot, 'node_modules'), join(root, 'node_modules'))
  writeFileSync(join(prebuilds, 'eegtorch.node'), binary)
  return root
}

test('here, the addon loads and computes', async () => {
  const finding = await checkAddon()
  expect(finding).toMatchObject({ name: 'addon', state: 'ok' })
  expect(finding.details!.operators).toBeGreaterThan(3000)
  const { ok, findings } = await runDoctor()
  expect(ok).toBe(true)
  expect(findings.map(({ name }) => name)).toEqual(['node', 'compiler', 'cmake', 'libtorch', 'cpu', 'gpu', 'addon'])
})

test('a binary that kills its process is a sentence with advice', async () => {
  const root = installation('crash', '')
  mkdirSync(join(root, 'dist', 'cli'), { recursive: true })
  writeFileSync(join(root, 'dist', 'cli', 'self-test.js'), "process.kill(process.pid, 'SIGSEGV')")
  const finding = await checkAddon(root)
  expect(finding).toMatchObject({ state: 'failed', text: 'crashed while loading (SIGSEGV)' })
  expect(finding.advice).toContain('npm install eegtorch')
})

test('what the dynamic linker says on its way out is passed on', async () => {
  const root = installation('linker', '')
  mkdirSync(join(root, 'dist', 'cli'), { recursive: true })
  const words = 'node: symbol lookup error: eegtorch.node: undefined symbol: _ZN2at4_ops3addE'
  writeFileSync(join(root, 'dist', 'cli', 'self-test.js'), `console.error(${JSON.stringify(words)}); process.exit(127)`)
  expect((await checkAddon(root)).text).toBe(`does not work: ${words}`)
})

test('a file that is no binary is a sentence that names it', async () => {
  const root = installation('garbage', 'this is not a shared object')
  cpSync(join(packageRoot, 'dist'), join(root, 'dist'), { recursive: true })
  const finding = await checkAddon(root)
  expect(finding.state).toBe('failed')
  expect(finding.text).toMatch(/^does not work: .*eegtorch.*(does not load|no binary)/)
})

test('without LibTorch, or with a wrong one, the report says what to run and does not try the addon', async () => {
  process.env.LIBTORCH = join(folder, 'nowhere')
  const missing = await runDoctor()
  expect(missing.ok).toBe(false)
  const find = (name: string, report = missing) => report.findings.find((finding) => finding.name === name)!
  expect(find('libtorch')).toMatchObject({ state: 'failed' })
  expect(find('libtorch').text).toContain('holds no LibTorch')
  expect(find('addon').text).toContain('not tried')

  const other = join(folder, 'other')
  mkdirSync(join(other, 'lib'), { recursive: true })
  writeFileSync(join(other, 'lib', 'libtorch_cpu.so'), '')
  writeFileSync(join(other, 'build-version'), '2.4.1+cpu\n')
  process.env.LIBTORCH = other
  const wrong = find('libtorch', await runDoctor())
  expect(wrong.text).toContain('2.4.1+cpu')
  expect(wrong.advice).toContain('npx eegtorch setup')
})

test('a GPU is named with its driver, and what keeps it from being used', async () => {
  const bin = join(folder, 'bin')
  mkdirSync(bin)
  const path = process.env.PATH
  process.env.PATH = `${bin}:${path}`
  const answer = (driver: string) => {
    const line = `NVIDIA H100 80GB HBM3, ${driver}, 81559 MiB`
    writeFileSync(join(bin, 'nvidia-smi'), `#!/bin/sh\necho '${line}'\n`, { mode: 0o755 })
  }
  try {
    answer('580.65.06')
    const gpu = await checkGpu(undefined)
    expect(gpu).toMatchObject({ state: 'ok', text: 'NVIDIA H100 80GB HBM3 (81559 MiB), driver 580.65.06' })
    const cpuOnly = { ...resolveLibTorch(), hasCudaLibraries: false }
    expect((await checkGpu(cpuOnly)).advice).toContain('npx eegtorch setup --cuda')
    answer('535.104.05')
    expect(await checkGpu(undefined)).toMatchObject({
      state: 'missing',
      advice: expect.stringContaining('580 or newer'),
    })
  } finally {
    process.env.PATH = path
  }
})

test('versions are compared number by number', () => {
  expect(isAtLeast('3.22', '3.9')).toBe(true)
  expect(isAtLeast('3.9', '3.22')).toBe(false)
  expect(isAtLeast('580.65.06', '580')).toBe(true)
  expect(isAtLeast('20', '20.17')).toBe(false)
})
