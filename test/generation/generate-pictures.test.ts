import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  EegTorchError,
  GenerationFolder,
  generatePictures,
  openPictureSource,
  type PictureDrawing,
  type PictureSource,
  SentenceSource,
  simulateMotorImagery,
  type Tensor,
  workOfPrompts,
  workOfWindows,
  zeros,
} from 'eegtorch'
import { Generation } from '../../lib/generation/pipeline.ts'
import { rejectionOf } from '../thrown.ts'

const root = mkdtempSync(join(tmpdir(), 'eegtorch-generate-pictures-'))
afterAll(() => rmSync(root, { recursive: true }))

/** Draws black pictures, and tells what they were drawn from. */
function blackSource(given: Tensor[], step: () => Promise<void>): PictureSource {
  return {
    async prepare() {},
    async draw() {
      const inputs = [zeros([1]) as Tensor]
      given.push(...inputs)
      const run = { steps: 1, state: zeros([1]) as Tensor, step, decode: async () => zeros([1, 4, 4, 3]) as Tensor }
      const start = async () => ({ ...run, [Symbol.dispose]: () => run.state.dispose() })
      const words = [{ predicted: 'face', prompt: null, mode: 'test' }]
      return { generation: new Generation(start, { previewEvery: 0 }), words, inputs }
    },
    [Symbol.dispose]() {},
  }
}

const work = [0, 1].map((number) => ({ trial: `${number}`, number }))

test('what pictures are drawn from is freed batch by batch, also where a step fails', async () => {
  const given: Tensor[] = []
  await using folder = await GenerationFolder.open(join(root, 'whole'))
  const source = blackSource(given, async () => undefined)
  expect(await generatePictures(source, work, folder, { seed: 0, batch: 1 })).toBe(2)
  const failing = blackSource(given, () => Promise.reject(new EegTorchError('DIVERGED', 'no numbers')))
  const again = generatePictures(failing, work, folder, { seed: 1, batch: 1 })
  expect((await rejectionOf(again)).code).toBe('DIVERGED')
  expect(given.map(({ disposed }) => disposed)).toEqual([true, true, true])
})

const files = { encoder: 'csbrain.pth', projection: 'projection.pth', language: 'llama', checkpoint: 'mapper.pth' }
test.each<[string, PictureDrawing, string]>([
  ['a text without a diffusion model', { pipeline: 'prompt', prompts: ['a dog'] }, 'diffusion'],
  ['tokens without an encoder', { ...files, pipeline: 'image', encoder: undefined, diffusion: 'sd' }, 'encoder'],
  ['EEG that is not there', { ...files, pipeline: 'sgdm' }, 'windows'],
  ['a sentence, which has its own source', { ...files, pipeline: 'text' }, 'pipeline'],
])('a source of pictures refuses %s before it reads a file', async (_, drawing, option) => {
  const refused = await rejectionOf(openPictureSource(drawing, await workOfPrompts(['a dog'])))
  expect(refused).toMatchObject({ code: 'INVALID_OPTION', option })
})

test('a source of sentences refuses what it cannot read with', async () => {
  const windows = await simulateMotorImagery({ subjects: 1, runs: 1, trials: 2 }).windows({ from: 0, to: 1 })
  const work = await workOfWindows(windows)
  expect(work.map(({ number, true: truth }) => [number, truth])).toEqual(
    [...windows.labels].map((label, i) => [i, windows.classNames[label]]),
  )
  await using folder = await GenerationFolder.open(join(root, 'sentences'))
  const source = (drawing: PictureDrawing) => () => new SentenceSource(drawing, { windows, work, folder })
  expect(source({ ...files, pipeline: 'text', language: undefined })).toThrow(
    expect.objectContaining({ code: 'INVALID_OPTION', option: 'language' }),
  )
  expect(source({ ...files, pipeline: 'sgdm' })).toThrow(expect.objectContaining({ option: 'pipeline' }))
})
