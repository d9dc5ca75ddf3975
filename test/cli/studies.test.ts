import { copyFileSync, cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Generator, randn, readSafetensors, writeSafetensors } from 'eegtorch'
import { packageRoot } from '../../lib/setup/paths.ts'
import { type ChildResult, runNode } from '../built.ts'
import { writeSimulatedFiles } from '../recordings/simulated-files.ts'

const main = join(packageRoot, 'dist', 'cli', 'main.js')
const folder = mkdtempSync(join(tmpdir(), 'eegtorch-studies-'))
const data = join(folder, 'eegmmidb')
const inFolder = (name: string) => join(folder, name)
const eegtorch = (...words: string[]): Promise<ChildResult> =>
  runNode([main, ...words, '--data', data, '--threads', '1', '--epochs', '1'], { env: { NODE_OPTIONS: '' } })

beforeAll(() => writeSimulatedFiles(data, 2))
afterAll(() => rmSync(folder, { recursive: true }))

describe('denoise', () => {
  const small = ['--window', '0..1', '--channels', 'C3', 'Cz', '--copies', '1', '--width', '2', '--hidden-dim', '8']
  const words = ['denoise', 'aae', 'vae', ...small, '--out', inFolder('denoised')]

  test('measures autoencoders beside their controls, and draws a picture', async () => {
    const { code, stdout, stderr } = await eegtorch(...words, '--json')
    expect([code, stderr]).toEqual([0, ''])
    const result = JSON.parse(stdout)
    expect(result).toMatchObject({ snr: 0, windows: 12, folds: ['S001R06', 'S001R10', 'S001R14'], size: [64, 64] })
    expect(result.scores.map(({ name }: { name: string }) => name)).toEqual([
      'aae',
      'vae',
      'regression per frequency',
      'mean training image',
    ])
    const [, , regression, mean] = result.scores
    // White noise at 0 dB drowns the simulated rhythms' neighbours, of which a line for each frequency knows the level.
    expect(regression.images.mean).toBeGreaterThan(3)
    expect(mean.explained.images).toBeLessThan(0.05)
    expect(readFileSync(inFolder('denoised/denoised.png')).subarray(1, 4).toString()).toBe('PNG')
    expect(JSON.parse(readFileSync(inFolder('denoised/results.json'), 'utf8'))).toEqual(result)
  })

  test('a folder of another study is refused', async () => {
    const { code, stderr } = await eegtorch(...words, '--snr', '6')
    expect(code).toBe(1)
    expect(stderr).toMatch(/\[INVALID_OPTION\]: .*denoised holds a run with other settings: expected a new folder, or /)
  })

  test('a folder that was begun on other recordings of the same path is refused', async () => {
    const own = inFolder('own')
    cpSync(data, own, { recursive: true })
    const study = ['denoise', 'vae', ...small, '--out', inFolder('begun')]
    const run = () => runNode([main, ...study, '--data', own, '--epochs', '1'], { env: { NODE_OPTIONS: '' } })
    expect((await run()).code).toBe(0)
    const [first, second] = readdirSync(own).filter((name) => name.endsWith('.edf'))
    copyFileSync(join(own, first!), join(own, second!))
    const { code, stderr } = await run()
    expect([code, stderr]).toEqual([
      1,
      expect.stringMatching(/\[INVALID_OPTION\]: .*begun holds a run.*another content of data\n$/),
    ])
  })

  test('an unknown network is one sentence', async () => {
    const { code, stderr } = await eegtorch('denoise', 'gan', ...small, '--out', inFolder('unknown'))
    expect([code, stderr]).toEqual([
      1,
      'EegTorchError [UNKNOWN_NAME]: no denoiser is called gan: expected aae or vae, received gan\n',
    ])
  })
})

describe('align', () => {
  const words = [
    'align',
    '--task',
    'fists-feet',
    '--window',
    '0..1',
    '--channels',
    'C3',
    'Cz',
    'C4',
    '--pooled-length',
    '8',
    '--hidden-dim',
    '16',
  ]

  test('looks up images by the embeddings of a file', async () => {
    const file = inFolder('embeddings.safetensors')
    await writeSafetensors(file, { images: randn([2, 8], { generator: new Generator(1) }) })
    expect([...readSafetensors(file).names]).toEqual(['images'])
    const { code, stdout, stderr } = await eegtorch(
      ...words,
      '--embeddings',
      file,
      '--out',
      inFolder('aligned'),
      '--json',
    )
    expect([code, stderr]).toEqual([0, ''])
    const result = JSON.parse(stdout)
    expect(result).toMatchObject({ windows: 12, images: 2, top1: { chance: 0.5 } })
    const right = result.ranks.filter((rank: number) => rank === 1).length
    expect([result.ranks.length, result.top1.share]).toEqual([12, right / 12])
  })

  test.each([
    [
      'a tensor that is not there',
      ['--tensor', 'texts'],
      /does not tell which tensor is meant: expected one of images/,
    ],
    ['another number of classes', ['--events', 'T1'], /not one embedding for each class: expected \(1, dim\)/],
  ])('%s is one sentence', async (_, more, pattern) => {
    const file = inFolder('embeddings.safetensors')
    const flags = more[0] === '--events' ? ['align', '--window', '0..1', ...more] : [...words, ...more]
    const { code, stderr } = await eegtorch(...flags, '--embeddings', file, '--out', inFolder('refused'))
    expect([code, stderr]).toEqual([1, expect.stringMatching(pattern)])
    expect(stderr.trim().split('\n')).toHaveLength(1)
  })
})

test.each([
  ['denoise', ['aae', '--copies', '0'], 'copies'],
  ['denoise', ['aae', '--snr', 'loud'], 'snr'],
  ['denoise', ['vae', '--hidden-dim', '0'], 'hidden-dim'],
  ['align', ['--embeddings', 'images.safetensors', '--pooled-length', '0'], 'pooled-length'],
  ['align', ['--embeddings', 'images.safetensors', '--temperature', '0'], 'temperature'],
])('%s refuses numbers that are none before it writes anything: %j', async (command, words, option) => {
  const out = inFolder(`numbers-${option}`)
  const { code, stderr } = await eegtorch(command, ...words, '--data', inFolder('nothing-there'), '--out', out)
  expect([code, stderr]).toEqual([1, expect.stringMatching(`INVALID_OPTION.*option --${option}:`)])
  expect(existsSync(out)).toBe(false)
})
