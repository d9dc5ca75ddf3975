import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { EegWindows, encodePng, manualSeed, models, openStore, readGenerations, writeStore } from 'eegtorch'
import { trialsSeenBy } from '../../lib/generation/sources/picture-work.ts'
import { runNode } from '../built.ts'

const here = dirname(fileURLToPath(import.meta.url))
const main = join(here, '..', '..', 'dist', 'cli', 'main.js')
const sd15 = join(here, '..', 'oracle', 'pipelines', 'sd15')
const work = mkdtempSync(join(tmpdir(), 'eegtorch-generate-'))
const at = (...parts: string[]) => join(work, ...parts)
const run = (...args: string[]) => runNode([main, ...args, '--threads', '1'])
const recordsOf = (folder: string) => readGenerations(join(folder, 'generations.jsonl'))

const CHANNELS = ['Fz', 'Pz', 'Oz', 'Cz']
const SMALL = { inDim: 25, outDim: 25, dModel: 25, dimFeedforward: 32, nhead: 5, nLayer: 1, nPatches: 2 }

beforeAll(async () => {
  const origins = Array.from({ length: 6 }, (_, i) => ({
    ...{ recording: 0, trial: i + 1, onset: i, start: 50 * i, label: i % 2 },
  }))
  const wave = (window: number, channel: number, sample: number) =>
    1e-5 * Math.sin(sample * (window % 2 === channel % 2 ? 0.5 : 0.1) + window)
  const data = Float32Array.from({ length: 6 * 4 * 50 }, (_, i) =>
    wave(Math.floor(i / 200), Math.floor(i / 50) % 4, i % 50),
  )
  const recordings = [{ name: 'one.edf', identity: 'one.edf', subject: 'S1', session: undefined, run: undefined }]
  const names = { classNames: ['face', 'house'], channelNames: CHANNELS }
  await writeStore(
    at('store'),
    new EegWindows({ data, origins, recordings, ...names, nSamples: 50, samplingRate: 100 }),
    { pipeline: { text: '', hash: 'a'.repeat(64) } },
  )
  mkdirSync(at('stimuli'))
  for (const [i, name] of ['Animal_face', 'Object_house'].entries()) {
    const pixels = new Uint8Array(3 * 8 * 8).fill(40 + 150 * i)
    writeFileSync(at('stimuli', `${name}.png`), await encodePng({ width: 8, height: 8, pixels }))
  }
  manualSeed(1)
  const encoder = models.csbrain({ ...SMALL, brainRegions: [0, 1, 3, 4] })
  const mapper = models.eegClipMapper({
    ...{ inDim: 25, nTokens: 8, dModel: 24, nHeads: 4, nLayers: 1, feedforwardDim: 32, clipDim: 24, nOutputs: 2 },
  })
  await encoder.save(at('encoder.safetensors'))
  await mapper.save(at('mapper.safetensors'))
})
afterAll(() => rmSync(work, { recursive: true }))

const image = ['generate', '--pipeline', 'image', '--diffusion', sd15, '--steps', '2', '--json']

test('a folder of pictures goes on where it was, tells its mode, and makes nothing twice', async () => {
  const files = [
    '--data',
    at('store'),
    '--encoder',
    at('encoder.safetensors'),
    '--checkpoint',
    at('mapper.safetensors'),
  ]
  const args = [...image, ...files, '--stimuli', at('stimuli'), '--out', at('image'), '--low-memory']
  const first = await run(...args, '--n', '2')
  expect(first.stderr).toBe('')
  expect(JSON.parse(first.stdout)).toMatchObject({ made: 2, pictures: 2, known: 2, mode: 'eeg-tokens' })
  const more = await run(...args, '--n', '3', '--batch', '2')
  expect(JSON.parse(more.stdout)).toMatchObject({ made: 1, pictures: 3 })
  const records = recordsOf(at('image'))
  expect(records.map(({ true: truth }) => truth)).toEqual(['face', 'house', 'face'])
  expect(records.every(({ prompt, comparison }) => prompt === null && comparison !== undefined)).toBe(true)
  expect(readdirSync(at('image'))).toContain('summary_grid.png')
  const other = await run(...args, '--n', '3', '--guidance', '3')
  expect(other).toMatchObject({ code: 1 })
  expect(other.stdout).toMatch(/made with other settings/)
  const labels = [...image, ...files, '--mode', 'label-prompt', '--n', '1', '--out', at('labels')]
  expect(JSON.parse((await run(...labels)).stdout)).toMatchObject({ mode: 'label-prompt' })
  expect(recordsOf(at('labels'))[0]!.prompt).toMatch(/^a photo of a (face|house)$/)
})

test('controls are drawn beside the pictures, from the same noise, and stand beside the scores', async () => {
  const files = [
    '--data',
    at('store'),
    '--encoder',
    at('encoder.safetensors'),
    '--checkpoint',
    at('mapper.safetensors'),
  ]
  const args = [...image, ...files, '--stimuli', at('stimuli'), '--out', at('controlled')]
  const controls = ['--controls', 'shuffled', 'random', 'label']
  const first = await run(...args, '--n', '2', ...controls)
  expect(first.stderr).toBe('')
  expect(JSON.parse(first.stdout)).toMatchObject({
    ...{ made: 2, mode: 'eeg-tokens' },
    controls: { shuffled: { made: 2 }, random: { made: 2 }, label: { made: 2 } },
  })
  const more = JSON.parse((await run(...args, '--n', '3', ...controls)).stdout)
  expect([more.made, more.controls]).toEqual([1, { shuffled: { made: 1 }, random: { made: 1 }, label: { made: 1 } }])
  const made = recordsOf(at('controlled'))
  const modes = { shuffled: 'eeg-tokens + EEG of another trial', random: 'eeg-tokens + noise in place of EEG' }
  for (const [name, mode] of Object.entries({ ...modes, label: 'label-prompt' })) {
    const records = recordsOf(at('controlled', 'controls', name))
    const told = (all: typeof records) => all.map(({ trial, seed, true: truth }) => ({ trial, seed, truth }))
    expect([records.map((record) => record.mode), told(records)]).toEqual([[mode, mode, mode], told(made)])
  }
  const label = recordsOf(at('controlled', 'controls', 'label'))
  expect(label.map(({ predicted, prompt }) => [predicted, prompt])).toEqual(
    made.map(({ predicted }) => [predicted, `a photo of a ${predicted}`]),
  )
  const scored = await runNode([main, 'score', at('controlled'), '--metrics', 'mse', '--json'])
  const { scores, missing } = JSON.parse(scored.stdout)
  expect(Object.keys(missing)).toEqual(['nearest'])
  expect(Object.keys(scores[0].controls).sort()).toEqual(['label', 'random', 'shuffled'])
  const again = await run(...args, '--n', '3', ...controls, '--encoder', at('encoder.safetensors'))
  expect(JSON.parse(again.stdout).made).toBe(0)
  const few = await run(...image, ...files, '--mode', 'label-prompt', '--prompts', 'one', '--out', at('few'))
  expect(few.stdout).toMatch(/one prompt for each class: expected 2, for face, house, received 1/)
  const twice = await run(...image, ...files, '--mode', 'label-prompt', '--controls', 'label', '--out', at('none'))
  expect(twice.stdout).toMatch(/controls: label belongs to the pipeline image in the mode eeg-tokens/)
})

test('texts are drawn, a YAML file tells the options, and what is missing is named', async () => {
  writeFileSync(
    at('prompt.yaml'),
    `pipeline: prompt\ndiffusion: ${sd15}\nprompts: [a dog, a cup]\nsteps: 1\nbatch: 2\n`,
  )
  const drawn = await run('generate', at('prompt.yaml'), '--out', at('prompts'), '--json')
  expect(JSON.parse(drawn.stdout)).toMatchObject({ made: 2, mode: 'prompt', known: 0 })
  expect(recordsOf(at('prompts')).map(({ prompt }) => prompt)).toEqual(['a dog', 'a cup'])
  const missing = await run('generate', '--pipeline', 'image', '--out', at('none'))
  expect(missing.stderr).toMatch(/data.*the pipeline image needs it/)
  const foreign = await run(
    'generate',
    at('prompt.yaml'),
    '--data',
    at('store'),
    '--strength',
    '0.5',
    '--out',
    at('none'),
  )
  expect(foreign.stderr).toMatch(/data: belongs to text, amused, image, sgdm, not to the pipeline prompt/)
  expect(existsSync(at('none'))).toBe(false)
})

test('a ControlNet keeps pictures of texts and of trials to a structure, which the log and the mode tell', async () => {
  const under = join(here, '..', 'oracle', 'pipelines', 'sd15-controlnet')
  const control = ['--controlnet', join(under, 'controlnet')]
  const drawing = ['generate', '--diffusion', under, '--steps', '1', '--json']
  const texts = [...drawing, '--pipeline', 'prompt', '--prompts', 'a dog', 'a cup']
  const face = at('stimuli', 'Animal_face.png')
  const one = await run(...texts, ...control, '--structure', face, '--structure-weight', '1.5', '--out', at('one'))
  expect([one.stderr, JSON.parse(one.stdout).mode]).toEqual(['', 'prompt + given structure'])
  expect(recordsOf(at('one')).map(({ structure }) => structure)).toEqual([face, face])
  const files = [
    '--data',
    at('store'),
    '--encoder',
    at('encoder.safetensors'),
    '--checkpoint',
    at('mapper.safetensors'),
  ]
  const trials = [...drawing, '--pipeline', 'image', ...files, '--n', '2', '--batch', '2']
  const each = await run(...trials, ...control, '--structure', at('stimuli'), '--out', at('each'), '--low-memory')
  expect([each.stderr, JSON.parse(each.stdout).mode]).toEqual(['', 'eeg-tokens + given structure'])
  expect(recordsOf(at('each')).map(({ structure }) => structure)).toEqual([face, at('stimuli', 'Object_house.png')])
  const yaml = at('guess.yaml')
  writeFileSync(yaml, `structure: ${JSON.stringify(face)}\nguessMode: true\nstructureStart: 0.5\n`)
  const guess = await run(
    'generate',
    yaml,
    ...texts.slice(1),
    ...control,
    '--steps',
    '2',
    '--structure-end',
    '0.9',
    '--out',
    at('guess'),
  )
  expect([guess.stderr, JSON.parse(guess.stdout).pictures]).toEqual(['', 2])
  const none = await run('generate', yaml, ...texts.slice(1), ...control, '--structure-end', '0.5', '--out', at('none'))
  expect(none.stdout).toMatch(/--structure-end: expected more than structureStart, 0\.5, received 0\.5/)
  const deaf = await run(...texts, '--guess-mode', '--out', at('none'))
  expect(deaf.stdout).toMatch(/--guess-mode: does nothing without controlnet/)
  const lonely = await run(...texts, ...control, '--out', at('none'))
  expect(lonely.stdout).toMatch(/controlnet: does nothing without structure/)
  const few = await run(...texts.slice(0, -1), ...control, '--structure', at('stimuli'), '--out', at('none'))
  expect(few.stdout).toMatch(/one picture of the structure for each prompt.*1 pictures.*2 in/)
  expect(existsSync(at('none'))).toBe(false)
})

test('a diffusion model is trained on a store and its stimuli, goes on when called again, and draws', async () => {
  const blocks = 'blockOutChannels: [8], downBlockTypes: [CrossAttnDownBlock2D], upBlockTypes: [CrossAttnUpBlock2D]'
  const unet = `{ ${blocks}, normNumGroups: 4, attentionHeadDim: 2, nScales: 1 }`
  const encoder = '{ convFilters: [8, 8], pooledLength: 4, nHeads: 2, hiddenDim: 16 }'
  const sizes = 'size: 8\nlatentDim: 8\nstructureSize: 4\ntimesteps: 50\nbatchSize: 6'
  writeFileSync(
    at('sgdm.yaml'),
    `stimuli: ${at('stimuli')}\nunetOptions: ${unet}\nencoderOptions: ${encoder}\n${sizes}\n`,
  )
  const trained = await run(
    'train-diffusion',
    at('sgdm.yaml'),
    '--data',
    at('store'),
    '--epochs',
    '3',
    '--train-classifier',
    '--out',
    at('sgdm'),
    '--json',
  )
  expect(trained.stderr).toBe('')
  expect(JSON.parse(trained.stdout)).toMatchObject({ trials: 6, stimuli: 2 })
  const networks = at('sgdm', 'last.safetensors')
  const drawn = await run(
    'generate',
    '--pipeline',
    'sgdm',
    '--data',
    at('store'),
    '--checkpoint',
    networks,
    '--steps',
    '4',
    '--n',
    '2',
    '--out',
    at('drawn'),
    '--json',
  )
  expect(JSON.parse(drawn.stdout)).toMatchObject({ made: 2, mode: 'sgdm' })
  expect(
    readFileSync(join(at('drawn'), recordsOf(at('drawn'))[0]!.file))
      .subarray(1, 4)
      .toString(),
  ).toBe('PNG')
  const swapped = openStore(at('store')).windows.with({ channelNames: CHANNELS.toReversed() })
  await writeStore(at('swapped'), swapped)
  const foreign = ['generate', '--pipeline', 'sgdm', '--data', at('swapped'), '--checkpoint', networks]
  expect((await run(...foreign, '--out', at('none'))).stderr).toMatch(
    /trained on other channels than the windows have: expected Fz, Pz, Oz, Cz, received Cz, Oz, Pz, Fz/,
  )
  const same = openStore(at('store')).windows
  await writeStore(at('otherwise'), same, { pipeline: { text: '', hash: 'b'.repeat(64) } })
  const otherwise = ['generate', '--pipeline', 'sgdm', '--data', at('otherwise'), '--checkpoint', networks]
  expect((await run(...otherwise, '--out', at('none'))).stderr).toMatch(
    /made by another pipeline than those of the training.*expected the hash a{64}, received b{64}/,
  )
  const refused = ['--data', at('otherwise'), '--controlnet-of', networks, '--out', at('refused')]
  expect((await run('train-diffusion', at('sgdm.yaml'), ...refused)).stderr).toMatch(/made by another pipeline/)
  expect(existsSync(at('refused'))).toBe(false)
  const words = ['--data', at('store'), '--epochs', '2', '--controlnet-of', networks, '--out', at('control'), '--json']
  const controlled = await run('train-diffusion', at('sgdm.yaml'), ...words)
  expect([controlled.code, controlled.stdout, controlled.stderr]).toEqual([0, expect.stringMatching(/"loss":/), ''])
  expect((await run('train-diffusion', at('sgdm.yaml'), ...words)).stdout).toBe(controlled.stdout)
  // What a flag says wins over the file: these are the settings of before.
  writeFileSync(at('cold.yaml'), `${readFileSync(at('sgdm.yaml'), 'utf8')}\nuseEmaWarmup: false\n`)
  expect((await run('train-diffusion', at('cold.yaml'), ...words, '--use-ema-warmup')).stdout).toBe(controlled.stdout)
  expect((await run('train-diffusion', at('cold.yaml'), ...words)).stdout).toMatch(/another useEmaWarmup/)
  expect(trialsSeenBy(networks, at('control', 'controlnet'))).toEqual(trialsSeenBy(networks))
  const draw = ['generate', '--pipeline', 'sgdm', '--data', at('store'), '--checkpoint', networks, '--steps', '4']
  const classifier = at('sgdm', 'classifier.safetensors')
  expect(trialsSeenBy(classifier)).toEqual(trialsSeenBy(networks))
  const pulled = ['--n', '1', '--classifier', classifier, '--class-guidance']
  const [weak, strong] = [
    await run(...draw, ...pulled, '0', '--out', at('weak')),
    await run(...draw, ...pulled, '200', '--out', at('strong')),
  ]
  expect([weak.code, strong.code]).toEqual([0, 0])
  const bytesOf = (folder: string) => readFileSync(join(at(folder), recordsOf(at(folder))[0]!.file))
  expect(bytesOf('weak').equals(bytesOf('drawn'))).toBe(true)
  expect(bytesOf('strong').equals(bytesOf('weak'))).toBe(false)
  const random = await run(...draw, '--n', '1', '--controls', 'random', '--out', at('random'), '--json')
  expect(JSON.parse(random.stdout).controls).toEqual({ random: { made: 1 } })
  expect(recordsOf(at('random', 'controls', 'random'))[0]!.mode).toBe('sgdm + noise in place of EEG')
  const under = await run(
    ...draw,
    '--n',
    '1',
    '--controlnet',
    at('control', 'controlnet'),
    '--out',
    at('under'),
    '--json',
  )
  expect(JSON.parse(under.stdout)).toMatchObject({ made: 1, mode: 'sgdm' })
})
