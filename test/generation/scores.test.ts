import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import {
  controlFolder,
  encodePng,
  GenerationFolder,
  ImageNetworks,
  Model,
  memory,
  models,
  type Picture,
  Random,
  scoreFolder,
  scorePictures,
} from 'eegtorch'
import { runNode } from '../built.ts'
import { rejectionOf } from '../thrown.ts'

const SIDE = 40
const COUNT = 12
const CLI = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url))

let root: string
let none: ImageNetworks
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'scores-'))
  none = await ImageNetworks.open({})
})
afterAll(() => rmSync(root, { recursive: true, force: true }))

/** Smooth blobs of a seed. */
function scene(seed: number): Picture {
  const random = new Random(seed)
  const waves = Array.from({ length: 9 }, () => [random.uniform(), random.uniform(), 6.28 * random.uniform()] as const)
  const pixels = new Uint8Array(3 * SIDE * SIDE)
  for (let y = 0; y < SIDE; y++)
    for (let x = 0; x < SIDE; x++)
      for (let c = 0; c < 3; c++) {
        const parts = waves.slice(3 * c, 3 * c + 3).map(([u, v, phase]) => Math.sin(0.5 * (u * x + v * y) + phase))
        pixels[3 * (y * SIDE + x) + c] = 127 + 42 * parts.reduce((a, b) => a + b, 0)
      }
  return { width: SIDE, height: SIDE, pixels }
}

/** Half of a scene, half of another. */
function mixed(a: Picture, b: Picture, share: number): Picture {
  return { ...a, pixels: a.pixels.map((value, i) => share * value + (1 - share) * b.pixels[i]!) }
}

const className = (i: number) => (i % 2 === 0 ? 'face' : 'house')

/** Twelve stimuli in folders of their class, and a folder of pictures made from them. */
async function study(
  name: string,
  make: (i: number) => Picture,
  { named = true } = {},
): Promise<{ out: string; stimuli: string }> {
  const [out, stimuli] = [join(root, name), join(root, `${name}-stimuli`)]
  for (const one of ['face', 'house']) mkdirSync(join(stimuli, one), { recursive: true })
  const folder = await GenerationFolder.open(out)
  for (let i = 0; i < COUNT; i++) {
    const file = join(stimuli, className(i), `${String(i).padStart(2, '0')}.png`)
    writeFileSync(file, await encodePng(scene(i)))
    const work = { trial: `s1/${i}`, seed: 0, true: className(i), predicted: className(i === 3 ? 0 : i) }
    await folder.add({ ...work, prompt: null, mode: 'eeg tokens', picture: make(i), ...(named && { stimulus: file }) })
  }
  await folder.close()
  return { out, stimuli }
}

async function addControl(out: string, control: 'random' | 'label', make: (i: number) => Picture): Promise<void> {
  const folder = await GenerationFolder.open(controlFolder(out, control))
  for (let i = 0; i < COUNT; i++) {
    const work = { trial: `s1/${i}`, seed: 0, true: className(i), predicted: className(i), prompt: null, mode: control }
    await folder.add({ ...work, picture: make(i) })
  }
  await folder.close()
}

test('pictures that come from the stimuli beat their controls, and controls score chance', async () => {
  const { out, stimuli } = await study('good', (i) => mixed(scene(i), scene(100 + i), 0.6))
  await addControl(out, 'random', (i) => scene(200 + i))
  const training = join(root, 'training')
  mkdirSync(training)
  for (let i = 0; i < 20; i++) writeFileSync(join(training, `${i}.png`), await encodePng(scene(300 + i)))
  const scores = await scoreFolder(out, { networks: none, against: stimuli, training, shuffles: 2 })

  expect([scores.pictures, scores.trials, scores.stimuli, scores.size, scores.pairing]).toEqual([
    12,
    12,
    12,
    SIDE,
    'picture',
  ])
  expect(scores.reading).toMatchObject({ mean: 11 / 12, n: 12, chance: 0.5 })
  expect(scores.scores.map(({ name }) => name)).toEqual([
    'mse',
    'psnr',
    'ssim',
    'pixcorr',
    'class:pixels',
    'two-way:pixels',
  ])
  const twoWay = scores.scores.at(-1)!
  expect(twoWay.score.mean).toBeGreaterThan(0.95)
  for (const { name, better, score, controls } of scores.scores) {
    for (const control of ['shuffled', 'random', 'nearest'] as const) {
      const own = better === 'higher' ? score.mean : -score.mean
      const other = better === 'higher' ? controls[control]!.mean : -controls[control]!.mean
      expect([name, control, own > other]).toEqual([name, control, true])
    }
    expect([name, controls.shuffled!.p! < 0.01]).toEqual([name, true])
    expect(score.low!).toBeLessThanOrEqual(score.mean)
    expect(score.high!).toBeGreaterThanOrEqual(score.mean)
  }
  expect(Math.abs(twoWay.controls.shuffled!.mean - 0.5)).toBeLessThan(0.2)
  expect(Math.abs(twoWay.controls.random!.mean - 0.5)).toBeLessThan(0.25)
  expect(scores.missing.label).toContain('controls/label')
  expect(scores.memorisation).toMatchObject({ trainingPictures: 20, copies: 0, stimuliInTraining: 0 })
  expect(scores.memorisation!.closerToTraining).toBeLessThan(0.3)
})

test('pictures that are copies of training pictures are told, and do not beat shuffled stimuli', async () => {
  const { out, stimuli } = await study('recalled', (i) => scene(300 + i))
  const training = join(root, 'recalled-training')
  mkdirSync(training)
  for (let i = 0; i < 14; i++)
    writeFileSync(join(training, `${i}.png`), await encodePng(scene(i < 12 ? 300 + i : i - 12)))
  const scores = await scoreFolder(out, { networks: none, against: stimuli, training, metrics: ['two-way'] })
  expect(scores.memorisation).toMatchObject({ closerToTraining: 1, copies: 12, stimuliInTraining: 2 })
  expect(scores.scores[0]!.controls.shuffled!.p!).toBeGreaterThan(0.05)
  expect(scores.scores[0]!.controls.nearest!.mean).toBeCloseTo(scores.scores[0]!.score.mean, 12)
})

test('a stimulus that several trials saw counts once among the training pictures, at every size', async () => {
  const seen = [scene(1), scene(2)]
  const made = Array.from({ length: 6 }, (_, i) => ({
    record: {
      ...{ number: i + 1, trial: `${i}`, seed: 0, predicted: 'face', mode: 'eeg tokens', prompt: null },
      ...{ file: `${i}.png`, width: SIDE, height: SIDE, createdAt: '' },
    },
    picture: scene(50 + i),
  }))
  const stimuli = made.map((_, i) => ({ ...seen[i % 2]! }))
  const options = { networks: none, metrics: ['mse'] as const, shuffles: 1 }
  for (const size of [SIDE, 24]) {
    const scores = await scorePictures({ made, stimuli, training: seen }, { ...options, size })
    expect([size, scores.stimuli, scores.memorisation!.stimuliInTraining]).toEqual([size, 2, 2])
  }
})

test('several seeds of a trial count once, and stimuli of the class stand in where none is named', async () => {
  const { out, stimuli } = await study('classes', (i) => scene(i), { named: false })
  const folder = await GenerationFolder.open(out)
  const again = { trial: 's1/0', seed: 1, true: 'face', predicted: 'house', prompt: null, mode: 'eeg tokens' }
  await folder.add({ ...again, picture: scene(50) })
  await folder.close()
  const scores = await scoreFolder(out, { networks: none, against: stimuli, metrics: ['mse'], shuffles: 1 })
  expect([scores.pictures, scores.trials, scores.seeds, scores.pairing]).toEqual([13, 12, 2, 'class'])
  expect(scores.scores[0]!.score.n).toBe(12)
  expect(scores.rows[0]!.files.stimulus).toBe(scores.rows.at(-1)!.files.stimulus)
  expect((await rejectionOf(scoreFolder(out, { networks: none }))).option).toBe('against')
  rmSync(join(stimuli, 'house'), { recursive: true })
  expect((await rejectionOf(scoreFolder(out, { networks: none, against: stimuli }))).message).toContain('no stimulus')
})

test('pictures of their class are told from those of another, and shuffled stimuli from both', async () => {
  const [face, house] = [scene(1), scene(2)]
  const like = (i: number, seed: number) => mixed(i % 2 === 0 ? face : house, scene(seed + i), 0.6)
  const record = (i: number) => {
    const work = { trial: `s1/${i}`, seed: 0, true: className(i), predicted: className(i), prompt: null, mode: 'test' }
    return { number: i + 1, ...work, file: `${i}.png`, width: SIDE, height: SIDE, createdAt: '' }
  }
  const trials = Array.from({ length: COUNT }, (_, i) => i)
  // Two stimuli of a class stand for three trials each: each counts once.
  const stimuli = trials.map((i) => like(i, 100 - (i % 6 < 4 ? 0 : 4)))
  const score = async (make: (i: number) => Picture) => {
    const made = trials.map((i) => ({ record: record(i), picture: make(i) }))
    const { scores } = await scorePictures({ made, stimuli }, { networks: none, metrics: ['class'], size: SIDE })
    expect(scores.map(({ name, chance }) => [name, chance])).toEqual([['class:pixels', 0.5]])
    return scores[0]!
  }
  const right = await score((i) => like(i, 200))
  expect(right.score.mean).toBe(1)
  expect(Math.abs(right.controls.shuffled!.mean - 0.5)).toBeLessThan(0.25)
  expect((await score((i) => like(i + 1, 200))).score.mean).toBe(0)

  const one = trials.map((i) => ({ record: { ...record(i), true: 'face' }, picture: like(i, 200) }))
  const refused = scorePictures({ made: one, stimuli }, { networks: none, metrics: ['class'] })
  expect(await rejectionOf(refused)).toMatchObject({ code: 'INVALID_OPTION', option: 'metrics' })
})

/** Tiny networks of random weights. */
async function tinyNetworks(withInception = true): Promise<ImageNetworks> {
  const [alexnet, inception, lpips] = ['alexnet', 'inception', 'lpips'].map((name) => join(root, `${name}.safetensors`))
  const channels = [3, 4, 5, 4, 3]
  using a = models.alexnet({ channels, hiddenFeatures: 4, numClasses: 6 })
  using i = models.inceptionV3({ widthDivisor: 64, numClasses: 6 })
  using l = models.lpipsAlex({ channels })
  await a.save(alexnet!)
  await i.save(inception!)
  await l.save(lpips!)
  return await ImageNetworks.open({ alexnet, lpips, ...(withInception && { inception }) })
}

test('scoring leaves no tensor behind', async () => {
  const { out, stimuli } = await study('memory', (i) => mixed(scene(i), scene(100 + i), 0.7))
  await addControl(out, 'random', (i) => scene(200 + i))
  using networks = await tinyNetworks(false)
  const metrics = ['mse', 'ssim', 'pixcorr', 'two-way', 'lpips'] as const
  const before = memory().tensors
  await scoreFolder(out, { networks, against: stimuli, training: stimuli, shuffles: 1, metrics: [...metrics] })
  // sides are freed when what they hold is there
  await new Promise(setImmediate)
  expect(memory().tensors).toBeLessThanOrEqual(before)
})

test('networks that were opened before one that fails are freed', async () => {
  using whole = await tinyNetworks()
  expect(whole.hasLpips).toBe(true)
  const freed: string[] = []
  const { dispose } = Model.prototype
  Model.prototype.dispose = function () {
    freed.push(this.name)
    dispose.call(this)
  }
  try {
    const [alexnet, lpips] = ['alexnet', 'lpips'].map((name) => join(root, `${name}.safetensors`))
    const clip = join(root, 'nowhere')
    expect((await rejectionOf(ImageNetworks.open({ alexnet, lpips, clip }))).code).toBe('FILE_NOT_FOUND')
  } finally {
    Model.prototype.dispose = dispose
  }
  expect(freed).toEqual(expect.arrayContaining(['alexnet', 'lpips_alex']))
})

test('a side whose networks fail is disposed of in silence', async () => {
  const side = new URL('../../dist/generation/scores/picture-side.js', import.meta.url).href
  const code = `
    import { PictureSide } from '${side}'
    const networks = { see: () => Promise.reject(new Error('no')) }
    const side = new PictureSide([{ width: 1, height: 1, pixels: new Uint8Array(3) }], networks)
    await side.features('pixels').catch((error) => console.log(error.message))
    side[Symbol.dispose]()
    await new Promise((resolve) => setTimeout(resolve, 10))`
  const { code: exit, stdout } = await runNode(['--input-type=module', '-e', code])
  expect([exit, stdout]).toEqual([0, 'no\n'])
})

test('tiny networks: two-way by their layers, n-way, LPIPS; a measure without its weights is refused', async () => {
  const { out, stimuli } = await study('networks', (i) => mixed(scene(i), scene(100 + i), 0.7))
  using networks = await tinyNetworks()
  expect(networks.places).toEqual(['alexnet-2', 'alexnet-5', 'inception'])
  const { scores } = await scoreFolder(out, {
    networks,
    against: stimuli,
    shuffles: 1,
    metrics: ['two-way', 'n-way', 'lpips'],
  })
  expect(scores.map(({ name }) => name)).toEqual([
    ...['two-way:pixels', 'two-way:alexnet-2', 'two-way:alexnet-5', 'two-way:inception', 'n-way', 'lpips'],
  ])
  expect(scores.find(({ name }) => name === 'n-way')!.chance).toBeCloseTo(1 / 6, 12)
  for (const { score } of scores) expect(Number.isFinite(score.mean)).toBe(true)
  const error = await rejectionOf(scoreFolder(out, { networks: none, against: stimuli, metrics: ['lpips'] }))
  expect([error.code, error.option]).toEqual(['INVALID_OPTION', 'lpips'])
})

test('what is missing or no picture is named', async () => {
  const { out, stimuli } = await study('broken', (i) => scene(i))
  expect((await rejectionOf(scoreFolder(root, { networks: none }))).file).toBe(join(root, 'generations.jsonl'))
  expect((await rejectionOf(scoreFolder(out, { networks: none, against: join(root, 'nowhere') }))).code).toBe(
    'FILE_NOT_FOUND',
  )
  writeFileSync(join(stimuli, 'face', '02.png'), 'words')
  expect((await rejectionOf(scoreFolder(out, { networks: none, against: stimuli }))).code).toBe('FILE_INVALID')
  rmSync(join(stimuli, 'face', '02.png'))
  expect((await rejectionOf(scoreFolder(out, { networks: none, against: stimuli }))).message).toContain('0003')
})

test('eegtorch score writes scores and a page that stands alone, and fails with one sentence', async () => {
  const { out, stimuli } = await study('command', (i) => mixed(scene(i), scene(100 + i), 0.6))
  await addControl(out, 'label', (i) => scene(400 + (i % 2)))
  const words = ['score', out, '--against', stimuli, '--metrics', 'mse', 'two-way', '--protocol', 'leave <run> out']
  const done = await runNode([CLI, ...words])
  expect([done.code, done.stderr]).toEqual([0, ''])
  expect(done.stdout).toContain('two-way, pixels')
  const written = JSON.parse(readFileSync(join(out, 'scores.json'), 'utf8'))
  expect(written.scores.map(({ name }: { name: string }) => name)).toEqual(['mse', 'two-way:pixels'])
  const html = readFileSync(join(out, 'scores.html'), 'utf8')
  expect(html).toContain('leave &lt;run&gt; out')
  expect(html.match(/<img /g)).toHaveLength(3 * COUNT) // seen, made, label
  expect(html).not.toMatch(/<script|src="(?!data:image\/png;base64,)/)
  expect(html).toContain('Not controlled by random EEG')
  const failed = await runNode([CLI, 'score', join(root, 'nowhere'), '--json'])
  expect([failed.code, JSON.parse(failed.stdout).error.code]).toEqual([1, 'FILE_NOT_FOUND'])
  expect((await runNode([CLI, 'score', out, '--metrics', 'beauty'])).code).toBe(2)
  writeFileSync(join(root, 'score.yaml'), `against: ${stimuli}\nmetrics: [mse]\nshuffles: 2\n`)
  const configured = await runNode([CLI, 'score', out, '--config', join(root, 'score.yaml'), '--json'])
  expect(JSON.parse(configured.stdout).scores.map(({ name }: { name: string }) => name)).toEqual(['mse'])
  const none = await runNode([CLI, 'score', out, '--config', join(root, 'score.yaml'), '--shuffles', '0'])
  expect([none.code, none.stderr]).toEqual([1, expect.stringMatching(/option --shuffles: .*>=1/)])
})

test.each([
  ['size', 0],
  ['size', 1.5],
  ['size', 100_000],
  ['shuffles', 0],
  ['shuffles', Number.NaN],
  ['confidence', 95],
  ['seed', -1],
])('%s: %p is refused, not scored without its controls', async (option, value) => {
  const { out, stimuli } = await study(`wrong ${option} ${value}`, (i) => scene(i))
  const refused = await rejectionOf(scoreFolder(out, { networks: none, against: stimuli, [option]: value }))
  expect(refused).toMatchObject({ code: 'INVALID_OPTION', option })
})
