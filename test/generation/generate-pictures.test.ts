import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { EegTorchError, GenerationFolder, type Tensor, zeros } from 'eegtorch'
import { generatePictures, type PictureSource } from '../../lib/generation/generate-pictures.ts'
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
