import { randn, schedulers, type Tensor, zeros } from 'eegtorch'
import {
  type Denoise,
  guideFree,
  LatentDiffusionRun,
  startFromLatents,
  startFromNoise,
} from '../../lib/generation/latent-diffusion.ts'
import { drawNoise, pictureGenerators } from '../../lib/generation/noise.ts'
import { toPictures } from '../../lib/generation/picture-codec.ts'
import { Generation } from '../../lib/generation/pipeline.ts'
import { Arena } from '../../lib/memory.ts'
import { errorOf } from '../thrown.ts'

const SIZE = [4, 2, 3]
const place = { device: 'cpu', dtype: 'float32' } as const
const difference = (a: Tensor, b: Tensor) => a.sub(b).abs().max().item() as number
/** A network that knows the clean latents. */
const knows =
  (clean: Tensor): Denoise =>
  async () =>
    clean.clone()

const ddim = (count: number) => schedulers.ddim({ predictionType: 'sample', clipSample: false }).steps(count)

function runOf(
  sampling: ReturnType<typeof ddim>,
  numbers: number[],
  { strength, clean }: { strength?: number; clean: Tensor },
) {
  const generators = pictureGenerators(5, numbers)
  const noise = drawNoise(generators, SIZE, place)
  const start =
    strength === undefined ? startFromNoise(sampling, noise) : startFromLatents(sampling, clean, noise, strength)
  const decode = (latents: Tensor) => toPictures(latents.slice(1, 0, 3))
  return new LatentDiffusionRun({ sampling, start, denoise: knows(clean), decode, generators, held: new Arena() })
}

test('a perfect network leads from noise to the pictures that it knows', async () => {
  const clean = randn([2, ...SIZE]).clamp(-1, 1)
  const run = runOf(ddim(6), [0, 1], { clean })
  const images = await new Generation(async () => run, { previewEvery: 0 }).images()
  expect(run.steps).toBe(6)
  expect(images.shape).toEqual([2, 2, 3, 3])
  const expected = clean.slice(1, 0, 3).permute([0, 2, 3, 1]).add(1).div(2)
  expect(difference(images, expected)).toBeLessThan(1e-5)
})

test('a start from rough latents leaves the noisiest steps out', async () => {
  const clean = randn([1, ...SIZE])
  for (const [strength, steps] of [
    [1, 10],
    [0.6, 6],
    [0.05, 1],
  ] as const) {
    const run = runOf(ddim(10), [0], { clean, strength })
    expect(run.steps).toBe(steps)
    for (let i = 0; i < steps; i++) await run.step()
    expect(difference(run.state, clean)).toBeLessThan(1e-4)
  }
  const noisy = (strength: number) => difference(runOf(ddim(10), [0], { clean, strength }).state, clean)
  expect(noisy(0.9)).toBeGreaterThan(2 * noisy(0.2))
  expect(errorOf(() => runOf(ddim(10), [0], { clean, strength: 0 })).message).toMatch(/strength is not usable.*0/)
  const pndm = schedulers.pndm({ skipPrkSteps: true }).steps(5)
  expect(errorOf(() => runOf(pndm, [0], { clean, strength: 0.5 })).message).toMatch(/PNDM cannot start in the middle/)
})

test('each picture draws from its own source, whatever batch it is in', async () => {
  const clean = zeros([3, ...SIZE])
  const ancestral = () => schedulers.eulerAncestral({ predictionType: 'epsilon' }).steps(4)
  const finish = async (numbers: number[]) => {
    const run = runOf(ancestral(), numbers, { clean: clean.slice(0, 0, numbers.length) })
    for (let i = 0; i < 4; i++) await run.step()
    return run.state
  }
  const together = await finish([0, 1, 2])
  const alone = await finish([2])
  expect(difference(together.slice(0, 2, 3), alone)).toBe(0)
  expect(difference(together.slice(0, 0, 1), alone)).toBeGreaterThan(0.1)
})

test('guidance goes beyond what the condition says, and asks once for both', async () => {
  const asked: number[] = []
  const predict = async (sample: Tensor, _: Tensor, { context }: { context: Tensor }) => {
    asked.push(sample.shape[0]!)
    return sample.mul(0).add(context)
  }
  const conditions = { given: { context: randn([2, 1]) }, without: { context: randn([2, 1]) } }
  const [given, without] = [conditions.given.context, conditions.without.context]
  const sample = zeros([2, 3])
  const guided = await guideFree(predict, conditions, 7.5)(sample, zeros([]), { index: 0, count: 1 })
  expect(difference(guided, without.add(given.sub(without).mul(7.5)).expand([2, 3]))).toBeLessThan(1e-5)
  expect(
    difference(
      await guideFree(predict, conditions, 1)(sample, zeros([]), { index: 0, count: 1 }),
      given.expand([2, 3]),
    ),
  ).toBe(0)
  expect(asked).toEqual([4, 2])
})
