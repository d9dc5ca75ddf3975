import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { resolveLibTorch } from '../../lib/setup/libtorch.ts'
import { packageRoot } from '../../lib/setup/paths.ts'

// What a stranger does: install the packed package in an empty folder, without a compiler and with install scripts blocked.

const folder = mkdtempSync(join(tmpdir(), 'eegtorch-package-'))
const project = join(folder, 'project')
const bin = join(folder, 'bin')
let tarball: string

interface Ended {
  code: number
  stdout: string
  stderr: string
}

/** Runs a program with a PATH that holds Node and a shell only. */
function run(command: string, args: string[], cwd: string, environment: NodeJS.ProcessEnv = {}): Promise<Ended> {
  const { NODE_OPTIONS: _, ...inherited } = process.env
  const env = { ...inherited, PATH: bin, LIBTORCH: resolveLibTorch().dir, ...environment }
  return new Promise((resolve) => {
    execFile(command, args, { cwd, env, maxBuffer: 2 ** 26 }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code ?? 1), stdout, stderr })
    })
  })
}

async function succeed(command: string, args: string[], cwd: string, environment?: NodeJS.ProcessEnv): Promise<string> {
  const { code, stdout, stderr } = await run(command, args, cwd, environment)
  if (code !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${code}\n${stdout}\n${stderr}`)
  return stdout
}

/** The path of a program on the PATH of the tests. */
function which(name: string): string {
  const folders = (process.env.PATH ?? '').split(':')
  const found = folders.map((path) => join(path, name)).find((path) => statSync(path, { throwIfNoEntry: false }))
  if (found === undefined) throw new Error(`${name} is not on the PATH`)
  return found
}

beforeAll(async () => {
  mkdirSync(project)
  mkdirSync(bin)
  for (const name of ['node', 'npm', 'npx', 'sh', 'env']) symlinkSync(which(name), join(bin, name))
  await succeed(process.execPath, ['scripts/prebuild.mjs'], packageRoot, { PATH: process.env.PATH })
  const packed = await succeed('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', folder], packageRoot)
  tarball = join(folder, (JSON.parse(packed) as { filename: string }[])[0]!.filename)
  writeFileSync(join(project, 'package.json'), JSON.stringify({ name: 'stranger', private: true, type: 'module' }))
  const flags = ['--ignore-scripts', '--prefer-offline', '--no-audit', '--no-fund']
  await succeed('npm', ['install', ...flags, tarball], project)
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

test('the package is under 10 MB and holds a binary with its loader', () => {
  expect(statSync(tarball).size).toBeLessThan(10e6)
  const prebuilds = join(project, 'node_modules', 'eegtorch', 'prebuilds', 'linux-x64')
  expect(readdirSync(prebuilds).sort()).toEqual(['eegtorch.node', 'eegtorch_loader.so'])
})

test('the doctor finds all that is needed, and that there is no compiler', async () => {
  const report = JSON.parse(await succeed('npx', ['eegtorch', 'doctor', '--json'], project)) as {
    ok: boolean
    findings: { name: string; state: string }[]
  }
  const states = Object.fromEntries(report.findings.map(({ name, state }) => [name, state]))
  expect(states).toMatchObject({ node: 'ok', compiler: 'missing', cmake: 'missing', libtorch: 'ok', addon: 'ok' })
  expect(report.ok).toBe(true)
})

test('npx eegtorch train trains a network for one epoch on recordings', async () => {
  writeFileSync(
    join(project, 'record.js'),
    `import { simulateMotorImagery, writeEdf } from 'eegtorch'
     const recordings = simulateMotorImagery({ subjects: 1, runs: 2, trials: 4 })
     let run = 0
     for (const recording of recordings) await writeEdf(\`S001R0\${++run}.edf\`, recording)`,
  )
  await succeed('node', ['record.js'], project)
  const events = ['--events', 'left hand', 'right hand']
  const flags = [
    '--data',
    'S001R01.edf',
    'S001R02.edf',
    ...events,
    '--leave-out',
    'run',
    '--epochs',
    '1',
    '--out',
    'run',
  ]
  const printed = await succeed('npx', ['eegtorch', 'train', 'eegnet', ...flags, '--no-baselines', '--json'], project)
  const result = JSON.parse(printed) as { accuracy: { n: number; chance: number } }
  expect(result.accuracy).toMatchObject({ n: 16, chance: 0.5 })
  expect(readdirSync(join(project, 'run'))).toEqual(
    expect.arrayContaining(['checkpoints', 'report.html', 'results.json']),
  )
})

test('plain JavaScript trains for one epoch', async () => {
  writeFileSync(
    join(project, 'train.js'),
    `import { manualSeed, noGrad, ones, randn, scope, zeros } from 'eegtorch'
     manualSeed(1)
     const truth = randn([8, 1])
     const signals = randn([256, 8])
     const targets = signals.matmul(truth)
     const weights = zeros([8, 1], { requiresGrad: true })
     const losses = []
     for (let first = 0; first < 256; first += 16) {
       scope(() => {
         const batch = signals.narrow(0, first, 16)
         const loss = batch.matmul(weights).sub(targets.narrow(0, first, 16)).pow(2).mean()
         loss.backward()
         losses.push(loss.item())
         noGrad(() => { weights.sub_(weights.grad.mul(0.2)); weights.grad.zero_() })
       })
     }
     console.log(JSON.stringify({ first: losses[0], last: losses.at(-1), sum: ones([3]).sum().item() }))`,
  )
  const { first, last, sum } = JSON.parse(await succeed('node', ['train.js'], project)) as Record<string, number>
  expect(sum).toBe(3)
  expect(last).toBeLessThan(0.05 * first!)
})

test('TypeScript finds the types', async () => {
  writeFileSync(
    join(project, 'use.ts'),
    `import { EegTorchError, randn, type Tensor } from 'eegtorch'
     const x: Tensor<'float32', [4, 8]> = randn([4, 8])
     export const shape: readonly number[] = x.shape
     export const code = (error: unknown) => (error instanceof EegTorchError ? error.code : undefined)
     // @ts-expect-error a shape is not a number
     export const wrong: number = x.shape\n`,
  )
  const compiler = join(packageRoot, 'node_modules', 'typescript', 'bin', 'tsc')
  const flags = [
    '--noEmit',
    '--strict',
    '--module',
    'nodenext',
    '--target',
    'es2022',
    '--lib',
    'es2023,esnext.disposable',
    '--types',
    'node',
  ]
  const types = ['--typeRoots', join(packageRoot, 'node_modules', '@types')]
  await succeed(process.execPath, [compiler, ...flags, ...types, 'use.ts'], project)
})

test('another LibTorch is refused in one sentence, before anything is loaded', async () => {
  const other = join(folder, 'other')
  mkdirSync(join(other, 'lib'), { recursive: true })
  writeFileSync(join(other, 'lib', 'libtorch_cpu.so'), 'not a library')
  writeFileSync(join(other, 'build-version'), '2.4.1+cpu\n')
  const { code, stdout } = await run('npx', ['eegtorch', 'doctor'], project, { LIBTORCH: other })
  expect(code).toBe(1)
  expect(stdout).toMatch(/is LibTorch 2\.4\.1\+cpu, but this addon needs 2\.11\.0/)
  const use = await run('node', ['-e', "import('eegtorch').then((m) => m.ones([1]))"], project, { LIBTORCH: other })
  expect(use.code).not.toBe(0)
  expect(use.stderr).toMatch(/LIBTORCH_VERSION/)
  expect(use.stderr).toMatch(/npx eegtorch setup/)
})
