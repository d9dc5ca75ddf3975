import { noGrad, Random, rand, tensor } from 'eegtorch'
import { PatchCodec } from '../../lib/generation/patch-codec.ts'
import { rejectionOf } from '../thrown.ts'

/** Pictures of smooth grey waves (pictures, side, side, 3). */
function waves(count: number, side: number) {
  const random = new Random(5)
  const pictures = Array.from({ length: count }, () => {
    const [u, v, phase] = [0.6 * random.uniform(), 0.6 * random.uniform(), 6 * random.uniform()]
    const grey = (x: number, y: number) => 0.5 + 0.4 * Math.sin(u * x + v * y + phase)
    return Array.from({ length: side }, (_, y) => Array.from({ length: side }, (_, x) => Array(3).fill(grey(x, y))))
  })
  return tensor(pictures)
}

const worst = (a: ReturnType<typeof waves>, b: ReturnType<typeof waves>) =>
  noGrad(() => a.sub(b).abs().max()).item() as number

test('all components of a patch give the picture back, the first few nearly', async () => {
  const pictures = rand([3, 8, 12, 3])
  using whole = await PatchCodec.fit(pictures, { patch: 2, channels: 12 })
  const latents = await whole.encode(pictures)
  expect(latents.shape).toEqual([3, 12, 4, 6])
  expect(worst(await whole.decode(latents), pictures)).toBeLessThan(1e-5)

  const smooth = waves(6, 16)
  using few = await PatchCodec.fit(smooth, { patch: 4, channels: 6 })
  expect([few.channels, few.factor]).toEqual([6, 4])
  expect(worst(await few.decode(await few.encode(smooth)), smooth)).toBeLessThan(0.05)
})

test('latents have unit variance in all, and what varies most comes first', async () => {
  const pictures = waves(8, 16)
  using codec = await PatchCodec.fit(pictures, { patch: 4, channels: 4 })
  const latents = await codec.encode(pictures)
  expect(latents.std().item()).toBeCloseTo(1, 2)
  const deviations = latents.transpose(0, 1).flatten(1).std(1).toArray() as number[]
  expect(deviations).toEqual([...deviations].sort((a, b) => b - a))
})

test('pictures that cannot be cut, and more components than there are, are refused', async () => {
  const pictures = rand([2, 8, 8, 3])
  expect(await rejectionOf(PatchCodec.fit(pictures, { patch: 3 }))).toMatchObject({ code: 'SHAPE_MISMATCH' })
  expect(await rejectionOf(PatchCodec.fit(pictures, { patch: 1, channels: 4 }))).toMatchObject({ option: 'channels' })
  using codec = await PatchCodec.fit(pictures, { patch: 4, channels: 2 })
  expect(await rejectionOf(codec.encode(rand([2, 6, 8, 3])))).toMatchObject({ code: 'SHAPE_MISMATCH' })
})
