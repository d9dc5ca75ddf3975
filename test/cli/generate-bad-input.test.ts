import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Command } from 'commander'
import {
  type EegTorchError,
  EegWindows,
  encodePng,
  manualSeed,
  models,
  readGenerations,
  readPicture,
  readSafetensors,
  writeSafetensors,
  writeStore,
} from 'eegtorch'
import { describe as describeGenerate } from '../../lib/cli/generate.ts'
import { useOneThread } from '../one-thread.ts'
import { rejectionOf } from '../thrown.ts'

// What people hand in wrongly: one clear error each, and what was generated stays. (A disk that fills up: test/generation/pictures.test.ts.)

const pipelines = join(import.meta.dirname, '..', 'oracle', 'pipelines')
const work = mkdtempSync(join(tmpdir(), 'eegtorch-bad-input-'))
const at = (...parts: string[]) => join(work, ...parts)
const log = console.log

useOneThread()
beforeAll(async () => {
  console.log = () => {}
})
afterAll(async () => {
  console.log = log
  rmSync(work, { recursive: true })
})

/** `eegtorch generate` in this process. */
async function generate(...words: string[]): Promise<void> {
  const command = new Command('generate').exitOverride()
  describeGenerate(command)
  await command.parseAsync([...words, '--steps', '1', '--json'], { from: 'user' })
}
const draw = (...words: string[]) => generate('--pipeline', 'prompt', '--prompts', 'a dog', ...words)
const failure = async (running: Promise<void>): Promise<EegTorchError> => (await rejectionOf(running)) as EegTorchError
const madeIn = (folder: string) => readGenerations(join(folder, 'generations.jsonl'))

/** A copy of Stable Diffusion's folder, to be changed. */
function copyOf(name: string): string {
  cpSync(join(pipelines, 'sd15'), at(name), { recursive: true })
  return at(name)
}

const UNET = 'diffusion_pytorch_model'

test('a missing shard', async () => {
  const folder = copyOf('shard')
  const weights = join(folder, 'unet', `${UNET}.safetensors`)
  const shards = [1, 2].map((i) => `${UNET}-0000${i}-of-00002.safetensors`)
  const names = readSafetensors(weights).names
  const map = Object.fromEntries(names.map((name, i) => [name, shards[Number(i > names.length / 2)]]))
  writeFileSync(
    join(folder, 'unet', `${UNET}.safetensors.index.json`),
    JSON.stringify({ metadata: {}, weight_map: map }),
  )
  cpSync(weights, join(folder, 'unet', shards[0]!))
  rmSync(weights)
  const error = await failure(draw('--diffusion', folder, '--out', at('a')))
  expect(error.message).toContain(shards[1])
})

test.each([
  ['wrong shapes', (config: object) => ({ ...config, cross_attention_dim: 48 })],
  ['the config of another model', () => readJson(join(pipelines, 'sd21', 'unet', 'config.json'))],
])('%s', async (name, change) => {
  const folder = copyOf(name)
  const file = join(folder, 'unet', 'config.json')
  writeFileSync(file, JSON.stringify(change(readJson(file))))
  const error = await failure(draw('--diffusion', folder, '--out', at(`out of ${name}`)))
  expect(error).toMatchObject({ code: 'CHECKPOINT_MISMATCH' })
  expect(error.message).toMatch(/unet/)
})

test('a folder of another model altogether, and a scheduler that is not there', async () => {
  const other = await failure(draw('--diffusion', join(pipelines, 'amused'), '--out', at('c')))
  expect(other.message).toMatch(/amused: the text_encoder is of another class/)
  const words = ['--diffusion', join(pipelines, 'sd15'), '--scheduler', 'LCMScheduler', '--out', at('c2')]
  expect(await failure(draw(...words))).toMatchObject({ code: 'UNKNOWN_NAME', received: 'LCMScheduler' })
})

test('latents that overflow in half precision', async () => {
  const folder = copyOf('half')
  const file = join(folder, 'unet', `${UNET}.safetensors`)
  const tensors = await readSafetensors(file).loadAll({ copy: true })
  tensors.get('conv_out.weight')!.fill_(6e4)
  await writeSafetensors(file, tensors, { format: 'pt' })
  const error = await failure(draw('--diffusion', folder, '--dtype', 'float16', '--out', at('d')))
  expect(error).toMatchObject({ code: 'DIVERGED' })
  expect(error.message).toMatch(/step 1.*half precision overflows.*bfloat16 or float32/s)
})

test('a prompt of more than 77 tokens after one that fits, which stays', async () => {
  const long = `a dog ${'and a dog '.repeat(60)}`
  const words = ['--pipeline', 'prompt', '--diffusion', join(pipelines, 'sd15'), '--out', at('e')]
  const error = await failure(generate(...words, '--prompts', 'a cup', long))
  expect(error.message).toMatch(/too long.*77 tokens/s)
  expect(madeIn(at('e')).map(({ prompt }) => prompt)).toEqual(['a cup'])
})

test.each(['-1', '1.5', '9007199254740992', 'seven'])('a seed out of range: %s', async (seed) => {
  const error = await failure(draw('--diffusion', join(pipelines, 'sd15'), '--seed', seed, '--out', at('f')))
  expect(error).toMatchObject({ code: 'INVALID_OPTION' })
  expect(error.message).toMatch(/seed/)
  expect(existsSync(at('f'))).toBe(false)
})

test('a stimulus that is no picture, before its trial is drawn; what an earlier run made stays', async () => {
  const sizes = { inDim: 25, outDim: 25, dModel: 25, dimFeedforward: 32, nhead: 5, nLayer: 1, nPatches: 2 }
  manualSeed(1)
  await models.csbrain({ ...sizes, brainRegions: [0, 1, 3, 4] }).save(at('encoder.safetensors'))
  const mapper = { inDim: 25, nTokens: 8, dModel: 24, nHeads: 4, nLayers: 1, feedforwardDim: 32, clipDim: 24 }
  await models.eegClipMapper({ ...mapper, nOutputs: 2 }).save(at('mapper.safetensors'))
  await writeStore(at('store'), twoTrials())
  mkdirSync(at('stimuli'))
  const pixels = new Uint8Array(192).fill(90)
  writeFileSync(at('stimuli', 'face.png'), await encodePng({ width: 8, height: 8, pixels }))
  writeFileSync(at('stimuli', 'house.png'), 'a house')
  const files = ['--encoder', at('encoder.safetensors'), '--checkpoint', at('mapper.safetensors')]
  const words = ['--pipeline', 'image', '--data', at('store'), ...files, '--diffusion', join(pipelines, 'sd15')]
  const trials = [...words, '--stimuli', at('stimuli'), '--out', at('g')]
  await generate(...trials, '--n', '1')
  const error = await failure(generate(...trials))
  expect(error).toMatchObject({ code: 'FILE_INVALID', file: at('stimuli', 'house.png') })
  expect(madeIn(at('g'))).toHaveLength(1)
  const [first] = madeIn(at('g'))
  expect((await readPicture(at('g', first!.file))).width).toBe(32)
})

test('samples that are no numbers, named before any network is loaded', async () => {
  const windows = twoTrials()
  windows.data[250] = Number.NaN
  await writeStore(at('gaps'), windows)
  const words = ['--data', at('gaps'), '--encoder', 'e', '--checkpoint', 'm', '--diffusion', 'd', '--out', at('h')]
  const error = await failure(generate('--pipeline', 'image', ...words))
  expect(error).toMatchObject({ code: 'FILE_INVALID', file: at('gaps') })
  expect(error.message).toMatch(/one\.edf trial 2, channel Pz/)
})

test.each([
  [
    ['text', '--projection', 'p', '--language', 'l', '--temperature', '0.5'],
    /temperature: does nothing without sample/,
  ],
  [['image', '--checkpoint', 'm', '--prompts', 'a', 'b'], /prompts: does nothing without mode label-prompt/],
  [
    ['image', '--checkpoint', 'm', '--guidance', '1', '--negative-prompt', 'dogs'],
    /negative-prompt: does nothing without guidance above 1/,
  ],
])('options that nothing would heed: %j', async (words, message) => {
  const files = ['--data', at('store'), '--encoder', 'e', '--diffusion', 'd', '--out', at('i')]
  expect((await failure(generate('--pipeline', ...words, ...files))).message).toMatch(message)
  expect(existsSync(at('i'))).toBe(false)
})

const readJson = (file: string): object => JSON.parse(readFileSync(file, 'utf8'))

function twoTrials(): EegWindows {
  const recordings = [{ name: 'one.edf', identity: 'one.edf', subject: 'S1', session: undefined, run: undefined }]
  const origins = [0, 1].map((i) => ({ recording: 0, trial: i + 1, onset: i, start: 50 * i, label: i }))
  const names = { classNames: ['face', 'house'], channelNames: ['Fz', 'Pz', 'Oz', 'Cz'] }
  const data = Float32Array.from({ length: 400 }, (_, i) => 1e-5 * Math.sin(i))
  return new EegWindows({ data, origins, recordings, ...names, nSamples: 50, samplingRate: 100 })
}
