import { EegTorchError, full, memory, type Tensor, zeros } from 'eegtorch'
import { z } from 'zod'
import { drawNoise, pictureGenerators } from '../../lib/generation/noise.ts'
import {
  type GenerationProgress,
  generationFields,
  pictureNumbers,
  pictureSize,
  readGenerationOptions,
} from '../../lib/generation/options.ts'
import { Generation, type PictureRun } from '../../lib/generation/pipeline.ts'
import { errorOf } from '../thrown.ts'

const schema = z.object({ ...generationFields, steps: generationFields.steps.default(4) }).omit({ guidance: true })

/** Counts its steps, and may break at one. */
class Counting implements PictureRun {
  state: Tensor = zeros([1, 3])
  taken = 0
  disposed = false
  readonly steps: number
  readonly #breaksAt: number

  constructor(steps: number, breaksAt = -1) {
    this.steps = steps
    this.#breaksAt = breaksAt
  }

  async step() {
    this.taken++
    this.state = full([1, 3], this.taken === this.#breaksAt ? Number.NaN : this.taken)
  }

  async decode(): Promise<Tensor> {
    return this.state.div(this.steps).reshape([1, 1, 1, 3])
  }

  [Symbol.dispose]() {
    this.disposed = true
  }
}

const walk = (run: PictureRun, options: Partial<ConstructorParameters<typeof Generation>[1]> = {}) =>
  new Generation(async () => run, { previewEvery: 0, ...options })

test('a generation yields each step, previews where asked, and ends with pictures', async () => {
  const run = new Counting(5)
  const heard: GenerationProgress[] = []
  const generation = walk(run, { previewEvery: 2, onProgress: (progress) => heard.push(progress) })
  const seen: [number, number | undefined][] = []
  for await (const { step, preview } of generation) seen.push([step, preview?.mean().item() as number | undefined])
  expect(seen.map(([step]) => step)).toEqual([1, 2, 3, 4, 5])
  expect(seen.map(([, mean]) => mean?.toFixed(1))).toEqual([undefined, '0.4', undefined, '0.8', undefined])
  expect((await generation.images()).shape).toEqual([1, 1, 1, 3])
  expect(heard.at(-1)).toEqual({ step: 5, steps: 5 })
  expect(run.disposed).toBe(true)
})

test('images walks the rest of the way, and a loop that was left has none', async () => {
  const first = walk(new Counting(3))
  expect(((await first.images()).max().item() as number).toFixed(1)).toBe('1.0')
  const run = new Counting(3)
  const left = walk(run)
  for await (const { step } of left) if (step === 2) break
  expect(run).toMatchObject({ taken: 2, disposed: true })
  await expect(left.images()).rejects.toThrow(/left before their last step/)
})

test('a signal ends a run between two steps, and values that are no numbers end it with their step', async () => {
  const cancel = new AbortController()
  const run = new Counting(9)
  const cancelled = (async () => {
    for await (const { step } of walk(run, { signal: cancel.signal })) if (step === 4) cancel.abort()
  })()
  await expect(cancelled).rejects.toMatchObject({ code: 'CANCELLED' })
  expect(run).toMatchObject({ taken: 4, disposed: true })
  await expect(walk(new Counting(4, 3)).images()).rejects.toThrow(/after step 3 of 4 .*NaN or infinity in float32/)
})

test('pictures that are no numbers are freed with their run', async () => {
  const run = new Counting(1)
  run.decode = async () => full([1, 1, 1, 3], Number.NaN)
  const before = memory().tensors
  await expect(walk(run).images()).rejects.toThrow(/in a picture .*NaN/)
  expect(memory().tensors - before).toBe(1) // the state, which is this test's
})

test('options are read once for all pipelines, and what does not hold is named', () => {
  expect(readGenerationOptions(schema, { seed: 3, signal: new AbortController().signal })).toMatchObject({
    seed: 3,
    steps: 4,
    previewEvery: 0,
  })
  const told = (options: object) => errorOf(() => readGenerationOptions(schema, options)).message
  expect(told({ seed: -1 })).toMatch(/^option seed: .*-1$/)
  expect(told({ seed: 2 ** 53 })).toMatch(/^option seed: .*9007199254740992$/)
  expect(told({ steps: 0 })).toMatch(/^option steps: /)
  expect(told({ stepps: 2 })).toBe('option stepps: there is no such option. Did you mean steps?')
  expect(told({ numbers: [0.5] })).toMatch(/^option numbers\.0: /)
  expect(errorOf(() => pictureNumbers(2, [1])) instanceof EegTorchError).toBe(true)
  expect(pictureSize({ width: 24 }, [16, 16], 8)).toEqual([16, 24])
  expect(errorOf(() => pictureSize({ height: 20 }, [16, 16], 8)).message).toMatch(/height.*multiple of 8.*20/)
})

test('the noise of a picture depends on its seed and number, not on the batch it is drawn in', () => {
  const place = { device: 'cpu', dtype: 'float32' } as const
  const draw = (seed: number, numbers: number[]) => drawNoise(pictureGenerators(seed, numbers), [2, 3], place).toArray()
  const together = draw(7, [0, 1, 2]) as number[][][]
  expect(draw(7, [1])).toEqual([together[1]])
  expect(draw(7, [2, 0])).toEqual([together[2], together[0]])
  expect(together[0]).not.toEqual(together[1])
  expect(draw(8, [1])).not.toEqual([together[1]])
})
