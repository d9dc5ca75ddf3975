import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import {
  full,
  models,
  randn,
  StableDiffusion,
  type StableDiffusionLoadOptions,
  schedulers,
  type Tensor,
} from 'eegtorch'
import { verifyCase } from '../../lib/verify/verify-case.ts'
import { useOneThread } from '../one-thread.ts'
import { errorOf, rejectionOf } from '../thrown.ts'

const pipelines = join(dirname(fileURLToPath(import.meta.url)), '..', 'oracle', 'pipelines')
const sd15 = join(pipelines, 'sd15')
const work = mkdtempSync(join(tmpdir(), 'eegtorch-sd-'))

useOneThread()
afterAll(() => rmSync(work, { recursive: true }))

/** A copy of the folder with one file of it changed. */
function changed(name: string, file: string, change: (content: Record<string, unknown>) => object): string {
  const folder = join(work, name)
  cpSync(sd15, folder, { recursive: true })
  const path = join(folder, file)
  writeFileSync(path, JSON.stringify(change(JSON.parse(readFileSync(path, 'utf8')))))
  return folder
}

const difference = (a: Tensor, b: Tensor) => a.sub(b).abs().max().item() as number

test.each(['sd15', 'sd15-controlnet', 'sd21'])('%s draws what diffusers draws, step by step', async (name) => {
  const { error, tensors } = await verifyCase(join(pipelines, name))
  expect(error).toBeUndefined()
  expect(tensors.filter(({ passed }) => !passed)).toEqual([])
  expect(tensors.map((tensor) => tensor.name)).toEqual(
    expect.arrayContaining(['tokens.sentences', 'prompt_embeds', 'ddim.latents', 'ddim.noise_pred', 'ddim.image']),
  )
})

test('a picture does not depend on its batch; conditions may stand in the place of prompts', async () => {
  using pipeline = await StableDiffusion.load(sd15)
  const draw = (prompts: string[], numbers: number[]) =>
    pipeline.generate(prompts, { steps: 2, seed: 4, numbers }).images()
  const together = await draw(['a dog', 'a cup of coffee'], [7, 8])
  expect(together.shape).toEqual([2, 32, 32, 3])
  const alone = await draw(['a cup of coffee'], [8])
  expect(difference(together.narrow(0, 1, 1), alone)).toBeLessThan(1e-4)
  expect(difference(alone, await draw(['a cup of coffee'], [9]))).toBeGreaterThan(1e-3)
  const embeddings = await pipeline.encodePrompts(['a cup of coffee'])
  const same = await pipeline.generate({ embeddings }, { steps: 2, seed: 4, numbers: [8] }).images()
  expect(difference(same, alone)).toBeLessThan(1e-6)
  const wide = await pipeline.generate(['a dog'], { steps: 1, width: 48, guidance: 1 }).images()
  expect(wide.shape).toEqual([1, 32, 48, 3])
})

test('the index names the class of the scheduler, and what old files leave out is filled in, as diffusers does', async () => {
  const scheduler = 'scheduler/scheduler_config.json'
  const old = changed('old', scheduler, ({ steps_offset: _, clip_sample: __, ...config }) => config)
  const index = join(old, 'model_index.json')
  const { scheduler: ___, ...others } = JSON.parse(readFileSync(index, 'utf8'))
  writeFileSync(index, JSON.stringify({ ...others, scheduler: ['diffusers', 'DDIMScheduler'] }))
  const readBy = async (options: StableDiffusionLoadOptions) => {
    using pipeline = await StableDiffusion.load(old, options)
    return pipeline.parts.scheduler
  }
  const mended = await readBy({})
  expect(mended).toBeInstanceOf(schedulers.ddim().constructor)
  expect(mended.config).toMatchObject({ stepsOffset: 1, clipSample: false, setAlphaToOne: false })
  const ddpm = await readBy({ scheduler: 'DDPMScheduler' })
  expect(ddpm.config).toMatchObject({ stepsOffset: 1, clipSample: false })
  // StableDiffusionControlNetPipeline takes them as they are
  const controlNet = join(pipelines, 'sd15-controlnet', 'controlnet')
  expect((await readBy({ controlNet })).config).toMatchObject({ stepsOffset: 0, clipSample: true })
})

test('what does not hold is named: prompts, sizes, conditions, schedulers, other models', async () => {
  using pipeline = await StableDiffusion.load(sd15)
  const failure = async (prompts: Parameters<typeof pipeline.generate>[0], options = {}) =>
    (await rejectionOf(pipeline.generate(prompts, { steps: 1, ...options }).images())).message
  expect(await failure([`a dog ${'and a dog '.repeat(60)}`])).toMatch(/too long.*77 tokens/)
  expect(await failure(['a dog'], { height: 30 })).toMatch(/height.*multiple of 8.*30/)
  expect(await failure({ embeddings: randn([1, 5, 3]) as Tensor })).toMatch(/\(batch, tokens, 24\).*\(1, 5, 3\)/)
  expect(await failure([])).toMatch(/no prompt/)
  const unknown = changed('scheduler', 'model_index.json', (index) => ({
    ...index,
    scheduler: ['diffusers', 'LCMScheduler'],
  }))
  expect((await rejectionOf(StableDiffusion.load(unknown))).message).toMatch(/DDIMScheduler.*LCMScheduler/)
  const other = changed('unet', 'unet/config.json', (config) => ({ ...config, block_out_channels: [4, 8, 8, 16] }))
  expect((await rejectionOf(StableDiffusion.load(other))).code).toBe('CHECKPOINT_MISMATCH')
  const { unet: whole, ...parts } = pipeline.parts
  const painting = models.create('unet2d_condition', { ...whole.config, inChannels: 9 })
  expect(errorOf(() => new StableDiffusion({ ...parts, unet: painting })).message).toMatch(/4 channels.*received 9/)
  const another = changed('index', 'model_index.json', (index) => ({ ...index, unet: ['diffusers', 'UVit2DModel'] }))
  expect((await rejectionOf(StableDiffusion.load(another))).message).toMatch(/UNet2DConditionModel.*UVit2DModel/)
})

test('overflow in half precision ends the run with its step', async () => {
  using pipeline = await StableDiffusion.load(sd15, { dtype: 'float16' })
  const embeddings = full([1, 77, 24], 6e4) as Tensor
  const error = await rejectionOf(pipeline.generate({ embeddings }, { steps: 2, guidance: 1 }).images())
  expect(error.code).toBe('DIVERGED')
  expect(error.message).toMatch(/step 1 of 3.*float16/)
})
