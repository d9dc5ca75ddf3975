import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { openCuda } from '../../lib/native.ts'
import { packageRoot } from '../../lib/setup/paths.ts'
import { builtEntry, runNode } from '../built.ts'
import { describeWithGpu } from '../gpu.ts'

const textOf = (path: string) => readFileSync(join(packageRoot, path), 'utf8')

test('docs/setup.md names every variable of our own that is read', () => {
  const sources = ['lib', 'cpp', 'binding'].flatMap((part) =>
    readdirSync(join(packageRoot, part), { recursive: true }).map((path) => join(part, String(path))),
  )
  const code = sources
    .filter((path) => /\.(ts|h|cpp)$/.test(path))
    .map(textOf)
    .join('\n')
  const single = code.matchAll(/(?:process\.env\.|\bfromEnvironment\("|getenv\(")(EEGTORCH_\w+)/g)
  const several = code.matchAll(/\{([^{}]*)\} = process\.env\b/g)
  const names = [...single, ...several].flatMap(([, found]) => found!.match(/EEGTORCH_\w+/g) ?? [])
  expect(names).toEqual(expect.arrayContaining(['EEGTORCH_CUDA', 'EEGTORCH_STIMULI', 'EEGTORCH_PLAIN']))
  const page = textOf('docs/setup.md')
  expect([...new Set(names)].filter((name) => !page.includes(`\`${name}`))).toEqual([])
})

describe('EEGTORCH_CUDA', () => {
  const saved = process.env.EEGTORCH_CUDA
  afterEach(() => {
    if (saved === undefined) delete process.env.EEGTORCH_CUDA
    else process.env.EEGTORCH_CUDA = saved
  })

  /** What is opened where LibTorch's GPU libraries are in a folder, and perhaps a driver. */
  function opened(value: string | undefined, { hasDriver = true, hasCudaLibraries = true } = {}): string[] {
    if (value === undefined) delete process.env.EEGTORCH_CUDA
    else process.env.EEGTORCH_CUDA = value
    const paths: string[] = []
    const open = (path: string) => {
      if (path === 'libcuda.so.1' && !hasDriver) throw new Error('no such file')
      paths.push(path)
    }
    openCuda({ open }, { dir: '/torch', hasCudaLibraries })
    return paths
  }

  test('0 leaves the GPU libraries closed; else they are opened where there is a driver', () => {
    const all = ['libcuda.so.1', '/torch/lib/libtorch_cuda.so']
    expect(opened(undefined)).toEqual(all)
    expect(opened('1')).toEqual(all)
    expect(opened('0')).toEqual([])
    expect(opened(undefined, { hasDriver: false })).toEqual([])
    expect(opened(undefined, { hasCudaLibraries: false })).toEqual([])
  })

  describeWithGpu('on a machine with a GPU', () => {
    test('0 hides it', async () => {
      const program = `import { libtorchVersion } from '${builtEntry}'; console.log(libtorchVersion().devices)`
      const run = (env: NodeJS.ProcessEnv) => runNode(['--input-type=module', '-e', program], { env })
      expect(await run({ EEGTORCH_CUDA: '0' })).toMatchObject({ stdout: '0\n', stderr: '' })
    })
  })
})
