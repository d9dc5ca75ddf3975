import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { cp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Amused, type Tensor, tensor, zeros } from 'eegtorch'
import { readSafetensors } from '../../lib/checkpoints/safetensors.ts'

// Written by test/oracle/pipelines/make_pipeline.py amused-narrow: a folder, and what diffusers gives from it.
const folder = join(dirname(fileURLToPath(import.meta.url)), '..', 'oracle', 'pipelines', 'amused')
const PROMPT = 'a photo of a golden retriever dog'
const SETTINGS = {
  ...{
    guidance: 10,
    seed: 0,
    previewEvery: 0,
    cudaGraph: false,
    negativePrompt: '',
    truncate: false,
    aestheticScore: 6,
  },
  ...{ temperature: [2, 0] as [number, number], crop: [0, 0] as [number, number], steps: 12 },
}

const expected = await readSafetensors(join(folder, 'expected.safetensors')).loadAll({ copy: true })
const want = (name: string) => expected.get(name)!
const apart = (a: Tensor, b: Tensor) => a.sub(b).abs().max().item() as number
const asTheReference = () => {
  const [exponential, uniform] = [want('exponential'), want('uniform')]
  return Array.from({ length: 12 }, (_, i) => ({
    exponential: exponential.select(0, i),
    uniform: uniform.select(0, i),
  }))
}

let amused: Amused
beforeAll(async () => {
  amused = await Amused.load(folder)
})
afterAll(() => amused.dispose())

test('a prompt is encoded as transformers encodes it', async () => {
  const { tokens, pooled } = await amused.encodePrompts([PROMPT])
  expect(apart(pooled, want('prompt_embeds'))).toBeLessThan(1e-4)
  expect(apart(tokens, want('encoder_hidden_states'))).toBeLessThan(1e-4)
})

test('every step leaves the tokens that diffusers leaves, and the pictures are its pictures', async () => {
  using run = await amused.start([PROMPT], SETTINGS, { draws: asTheReference() })
  expect(run.steps).toBe(12)
  const latents = want('latents')
  for (let i = 0; i < run.steps; i++) {
    await run.step()
    expect([i, run.tokens.toArray()]).toEqual([i, latents.select(0, i).toArray()])
  }
  expect(apart(await run.decode(), want('image'))).toBeLessThan(1e-5 + 1e-4)
})

test('the logits of the first step are guided as the reference guides them', async () => {
  const { tokens, pooled } = await amused.encodePrompts(['', PROMPT])
  const masked = zeros([2, 4, 4], { dtype: 'int64' }).add(35)
  const micro = tensor([16, 16, 0, 0, 6]).expand([2, 5])
  const inputs = { inputIds: masked, encoderHiddenStates: tokens, pooledTextEmb: pooled, microConds: micro }
  const { logits } = amused.parts.transformer.run(inputs)
  const [without, given] = [logits.select(0, 0), logits.select(0, 1)]
  const guided = without.add(given.sub(without), { alpha: 10 })
  const reference = want('logits').select(0, 0).select(0, 0)
  const size = reference.abs().max().item() as number
  expect(apart(guided, reference)).toBeLessThan(1e-5 + 1e-4 * size)
})

test('pictures depend on their seed and number, not on their batch; previews have no masked token', async () => {
  const draw = async (prompts: string[], options: object) => amused.generate(prompts, { steps: 3, ...options }).images()
  const together = await draw([PROMPT, PROMPT], { seed: 5, previewEvery: 1 })
  expect(together.shape).toEqual([2, 16, 16, 3])
  expect(apart(await draw([PROMPT], { seed: 5, numbers: [1] }), together.slice(0, 1, 2))).toBeLessThan(1e-5)
  expect(apart(await draw([PROMPT], { seed: 6, numbers: [1] }), together.slice(0, 1, 2))).toBeGreaterThan(1e-3)
  const seen: (readonly number[] | undefined)[] = []
  for await (const { preview } of amused.generate([PROMPT], { steps: 3, previewEvery: 1 })) seen.push(preview?.shape)
  expect(seen).toEqual([[1, 16, 16, 3], [1, 16, 16, 3], undefined])
  expect((await draw([PROMPT], { guidance: 1, width: 24 })).shape).toEqual([1, 16, 24, 3])
})

test.each(['float16', 'bfloat16'] as const)(
  'in %s the first tokens are mostly those of float32, and none stays masked',
  async (dtype) => {
    using half = await Amused.load(folder, { dtype })
    const draws = asTheReference()
    using run = await half.start([PROMPT], SETTINGS, { draws })
    await run.step()
    const [made, wanted] = [run.tokens, want('latents').select(0, 0)].map(
      (tokens) => tokens.flatten().toArray() as number[],
    )
    expect(made!.filter((token, i) => token === wanted![i]).length).toBeGreaterThan(0.75 * wanted!.length)
    for (let i = 1; i < run.steps; i++) await run.step()
    expect(run.tokens.max().item()).toBeLessThan(half.parts.transformer.config.codebookSize)
    const pictures = await run.decode()
    expect([pictures.dtype, pictures.isfinite().all().item()]).toEqual(['float32', true])
  },
)

test('conditions may stand in the place of prompts', async () => {
  const { tokens, pooled } = await amused.encodePrompts([PROMPT])
  const images = await amused.generate({ tokens, pooled }, { steps: 4 }).images()
  expect(apart(images, await amused.generate([PROMPT], { steps: 4 }).images())).toBe(0)
})

test('a run can be stopped, and what cannot be drawn is refused by name', async () => {
  const cancel = new AbortController()
  const stopped = (async () => {
    for await (const _ of amused.generate([PROMPT], { signal: cancel.signal })) cancel.abort()
  })()
  await expect(stopped).rejects.toMatchObject({ code: 'CANCELLED' })
  expect(() => amused.generate([PROMPT], { temperature: [-1, 0] })).toThrow(/temperature/)
  await expect(amused.generate([PROMPT], { height: 20 }).images()).rejects.toThrow(/height.*multiple of 8.*20/)
  await expect(amused.generate(['word '.repeat(90)]).images()).rejects.toThrow(/too long.*77/)
  const few = amused.generate([PROMPT], { draws: asTheReference().slice(0, 1), steps: 2 })
  await expect(few.images()).rejects.toThrow(/fewer draws than steps/)
  const { tokens, pooled } = await amused.encodePrompts([PROMPT])
  const broken = amused.generate({ tokens: tokens.mul(Number.NaN), pooled }, { steps: 2 })
  await expect(broken.images()).rejects.toMatchObject({ code: 'DIVERGED' })
})

test('a folder of another pipeline is refused', async () => {
  const other = mkdtempSync(join(tmpdir(), 'amused-'))
  try {
    await cp(folder, other, { recursive: true })
    const index = { _class_name: 'AmusedPipeline', transformer: ['diffusers', 'UNet2DConditionModel'] }
    writeFileSync(join(other, 'model_index.json'), JSON.stringify(index))
    await expect(Amused.load(other)).rejects.toMatchObject({ code: 'FILE_NOT_FOUND' })
  } finally {
    rmSync(other, { recursive: true })
  }
})
