import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { jest } from '@jest/globals'
import { packageRoot } from '../lib/setup/paths.ts'
import { writeSimulatedFiles } from './recordings/simulated-files.ts'

// The TypeScript of each page is one program. It compiles, it runs, and what it prints is what stands beside.

const PAGES = ['README.md', ...readdirSync(join(packageRoot, 'docs')).map((name) => join('docs', name))]
  .filter((path) => path.endsWith('.md'))
  .filter((path) => blocksOf(path).length > 0)

/** What a page takes for granted, and what would take a test too long. */
const SETTINGS: Record<string, { before?: string; shorter?: [long: string, short: string][] }> = {
  'README.md': {
    shorter: [
      ['seeds: 5, epochs: 60', 'seeds: 1, epochs: 1'],
      ['randn([64, 22, 1000])', 'randn([2, 2, 5])'],
    ],
  },
  'docs/evaluation.md': {
    shorter: [
      ['seeds: 5, epochs: 60', 'seeds: 1, epochs: 1'],
      ['epochs: 30,', 'epochs: 1,'],
      ['{ epochs: 100 }, seeds: 5', '{ epochs: 1 }, seeds: 1'],
    ],
  },
  'docs/generation.md': {
    shorter: [
      ["'amused-512'", JSON.stringify(join(packageRoot, 'test', 'oracle', 'pipelines', 'amused'))],
      [
        "'clip-vit-large-patch14'",
        JSON.stringify(join(packageRoot, 'test', 'fixtures', 'generation', 'clip-pipeline')),
      ],
    ],
  },
  'docs/training.md': {
    before: `import { addNoise, augment, augmentWithSamples, balancedWeights, DataLoader, EegImages, fit, fitAdversarial, fitAlignment, fitHybrid } from 'eegtorch'
import { fitLatentClassifier, fitMapper, fitVariational, loss, losses, models, Module, optim, presets, randint, randn, readAll } from 'eegtorch'
import { reconstructImages, retrieveImages, schedules, standardiseEach, Tensor, VaeClassifier, windowTensors } from 'eegtorch'
const windows = await (await readAll('eegmmidb/*.edf')).windows({ task: 'fists-feet', from: 0, to: 1, channels: ['C3', 'C4'] })
const train = standardiseEach(windows)
const net = models.eegnet({ nChans: windows.nChannels, nOutputs: 2, nTimes: windows.nSamples })`,
    shorter: [
      ['epochs: 100', 'epochs: 1'],
      ['epochs: 20', 'epochs: 1'],
      ['epochs: 10,', 'epochs: 1,'],
      ["{ encoder: 'frozen' }", "{ encoder: 'frozen', epochs: 1 }"],
      ['{ batchSize: 16 })\n', '{ batchSize: 16, warmUp: { epochs: 1, lr: 5e-4 }, joint: { epochs: 1, lr: 1e-4 } })\n'],
      ['inChans: windows.nChannels }', 'inChans: windows.nChannels, width: 4 }'],
      ['outChans: windows.nChannels }', 'outChans: windows.nChannels, width: 4 }'],
      ['latentDim: 16 }', 'latentDim: 16, pooledLength: 8, hiddenDim: 16 }'],
      ['latentDim: 768 }', 'latentDim: 768, pooledLength: 8, hiddenDim: 16 }'],
      ['models.eegClipMapper()', 'models.eegClipMapper({ dModel: 32, nLayers: 1 })'],
      ['randn([24, 20, 200])', 'randn([2, 20, 200])'],
      ['randint(0, 10, [24])', 'randint(0, 10, [2])'],
    ],
  },
}

const folder = mkdtempSync(join(tmpdir(), 'eegtorch-docs-'))
const home = process.cwd()

beforeAll(async () => {
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
  for (const page of PAGES) writeFileSync(fileOf(page), programOf(page))
  process.chdir(folder)
  await writeSimulatedFiles('eegmmidb')
})
afterAll(() => {
  process.chdir(home)
  rmSync(folder, { recursive: true })
})

test('the programs of the pages compile', () => {
  const config = {
    extends: join(packageRoot, 'test', 'tsconfig.json'),
    compilerOptions: {
      rootDir: '/',
      typeRoots: [join(packageRoot, 'node_modules', '@types')],
      paths: { eegtorch: [join(packageRoot, 'lib', 'index.ts')] },
    },
    include: [],
    files: PAGES.map(fileOf),
  }
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config))
  expect(outputOf(join(packageRoot, 'node_modules', 'typescript', 'bin', 'tsc'), '-p', folder)).toBe('')
})

test.each(PAGES)('%s runs and prints what it says', async (page) => {
  const printed: string[] = []
  const log = jest.spyOn(console, 'log').mockImplementation((...values) => void printed.push(shown(values)))
  const write = jest.spyOn(process.stdout, 'write').mockImplementation(() => true)
  try {
    await import(fileOf(page))
  } finally {
    log.mockRestore()
    write.mockRestore()
  }
  const promised = [...programOf(page).matchAll(/^console\.log\(.*\)(?: \/\/ (.*))?$/gm)].map(([, text]) => text)
  expect(printed).toHaveLength(promised.length)
  const checked = promised.map((text, i) => (text === undefined || text.includes('…') ? printed[i] : text))
  expect(printed).toEqual(checked)
})

function blocksOf(page: string): string[] {
  const text = readFileSync(join(packageRoot, page), 'utf8')
  return [...text.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, code]) => code!)
}

/** The blocks of a page with one import in front: a name may be imported by several. */
function programOf(page: string): string {
  const { before = '', shorter = [] } = SETTINGS[page] ?? {}
  let code = [before, ...blocksOf(page)].join('\n')
  for (const [long, short] of shorter) {
    if (!code.includes(long)) throw new Error(`${page} no longer holds: ${long}`)
    code = code.replaceAll(long, short)
  }
  const imports = /^import \{([^}]*)\} from 'eegtorch'\n/gm
  const names = new Set([...code.matchAll(imports)].flatMap(([, list]) => list!.split(',').map((name) => name.trim())))
  return `import { ${[...names].join(', ')} } from 'eegtorch'\n${code.replaceAll(imports, '')}`
}

const fileOf = (page: string) => join(folder, `${page.replaceAll(/\W/g, '-')}.ts`)

/** As console.log writes them, each on one line. */
function shown(values: unknown[]): string {
  return values
    .map((value) => (typeof value === 'string' ? value : inspect(value, { breakLength: Infinity, compact: 9 })))
    .join(' ')
}

function outputOf(...args: string[]): string {
  try {
    return execFileSync(process.execPath, args, { encoding: 'utf8' })
  } catch (error) {
    return (error as { stdout: string }).stdout
  }
}
