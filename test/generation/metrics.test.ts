import {
  cosineSimilarity,
  drawPicks,
  frechetDistance,
  models,
  mse,
  nWayExpected,
  nWayTopK,
  pixelCorrelation,
  psnr,
  Random,
  ssim,
  type Tensor,
  tensor,
  twoWayIdentification,
} from 'eegtorch'
import { errorOf, rejectionOf } from '../thrown.ts'

/** Numbers of a seed, uniform in 0 .. 1. */
function uniform(shape: number[], seed: number): Tensor {
  const random = new Random(seed)
  const count = shape.reduce((a, b) => a * b, 1)
  return tensor(
    Float64Array.from({ length: count }, () => random.uniform()),
    { shape },
  )
}

const pictures = (seed: number, count = 2, side = 12) => uniform([count, side, side, 3], seed)

test('equal pictures are as alike as can be', async () => {
  const a = pictures(1)
  expect(await mse(a, a)).toEqual([0, 0])
  expect(await psnr(a, a)).toEqual([Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY])
  for (const value of [...(await ssim(a, a)), ...(await pixelCorrelation(a, a))]) expect(value).toBeCloseTo(1, 12)
})

test('values that can be worked out by hand', async () => {
  const black = tensor(new Float32Array(12 * 12 * 3), { shape: [1, 12, 12, 3] })
  const grey = black.add(0.5)
  expect(await mse(black, grey)).toEqual([0.25])
  expect((await psnr(black, grey))[0]).toBeCloseTo(10 * Math.log10(4), 12)
  // without variance, only the terms of the means are left: c1 / (0.25 + c1)
  expect((await ssim(black, grey))[0]).toBeCloseTo(1e-4 / (0.25 + 1e-4), 12)
  expect(await pixelCorrelation(black, grey)).toEqual([Number.NaN])
  const a = pictures(2)
  expect((await pixelCorrelation(a, a.mul(-2).add(3)))[0]).toBeCloseTo(-1, 12)
})

test('pictures that do not go together, or are smaller than the window, are refused', async () => {
  expect((await rejectionOf(mse(pictures(1), pictures(1, 3)))).message).toContain('expected (2, 12, 12, 3), as their')
  expect((await rejectionOf(mse(uniform([2, 3, 12, 12], 0), pictures(1)))).code).toBe('SHAPE_MISMATCH')
  const small = pictures(1, 1, 8)
  expect((await rejectionOf(ssim(small, small, { window: 'gaussian' }))).message).toContain('11 x 11 pixels at least')
  expect((await rejectionOf(ssim(small, small, { size: 4 }))).option).toBe('size')
  expect((await rejectionOf(twoWayIdentification(uniform([1, 5], 0), uniform([1, 5], 0)))).code).toBe('INVALID_OPTION')
})

test('two-way identification tells the right picture, and guesses without one', async () => {
  const real = uniform([30, 40], 3)
  const right = await twoWayIdentification(real, real.add(uniform([30, 40], 4).mul(0.1)))
  expect(right.accuracy).toBe(1)
  const guess = await twoWayIdentification(real, uniform([30, 40], 5))
  expect(guess.accuracy).toBeGreaterThan(0.35)
  expect(guess.accuracy).toBeLessThan(0.65)
  expect(guess.perImage).toHaveLength(30)
})

test('n-way identification draws other classes without repetition, and guesses k of n', () => {
  const labels = [0, 7, 19]
  const picks = drawPicks(labels, { classes: 20, n: 8, trials: 400, seed: 1 })
  for (const [i, trials] of picks.entries()) {
    for (const others of trials) {
      expect(new Set([...others, labels[i]]).size).toBe(8)
      expect(others.every((other) => other >= 0 && other < 20)).toBe(true)
    }
    // each of the 19 others comes 7 / 19 of the time
    const count = trials.flat().filter((other) => other === 5).length
    expect(Math.abs(count - (400 * 7) / 19)).toBeLessThan(45)
  }
  const random = new Random(9)
  const scores = labels.map(() => Array.from({ length: 20 }, () => random.uniform()))
  const sure = scores.map((row, i) => row.map((value, label) => (label === labels[i] ? 2 : value)))
  expect(nWayTopK(sure, labels, picks, { k: 1 }).accuracy).toBe(1)
  const everything = drawPicks([4], { classes: 20, n: 20, trials: 3 })
  expect(everything[0]!.map((others) => [...others].sort((a, b) => a - b).length)).toEqual([19, 19, 19])
  expect(errorOf(() => drawPicks(labels, { classes: 20, n: 21 })).option).toBe('n')
  expect(errorOf(() => nWayTopK(scores, [0, 7, 20], picks, { k: 1 })).message).toContain('expected 0 to 19')
})

test('exact n-way identification is what the draws tend to', () => {
  const random = new Random(3)
  const labels = [2, 11, 5]
  const scores = labels.map(() => Array.from({ length: 20 }, () => random.uniform()))
  for (const [n, k] of [
    [5, 1],
    [8, 3],
    [20, 4],
  ] as const) {
    const exact = nWayExpected(scores, labels, { n, k }).perImage
    const picks = drawPicks(labels, { classes: 20, n, trials: 4000, seed: 2 })
    const drawn = nWayTopK(scores, labels, picks, { k }).perImage
    for (const [i, value] of exact.entries()) expect(Math.abs(value - drawn[i]!)).toBeLessThan(0.035)
  }
  // of 4 others 2 score more: none of the 2 drawn does in 1 of 6 draws, at most one in 5 of 6
  const row = [[0.5, 0.9, 0.8, 0.1, 0.2]]
  expect(nWayExpected(row, [0], { n: 3, k: 1 }).accuracy).toBeCloseTo(1 / 6, 9)
  expect(nWayExpected(row, [0], { n: 3, k: 2 }).accuracy).toBeCloseTo(5 / 6, 9)
  expect(errorOf(() => nWayExpected(row, [5], { n: 3, k: 1 })).message).toContain('expected 0 to 4')
  expect(errorOf(() => nWayExpected(row, [0], { n: 6, k: 1 })).option).toBe('n')
})

test('the Fréchet distance is 0 between equal clouds, and that of Gaussians along one axis', async () => {
  const a = uniform([50, 6], 6)
  expect(await frechetDistance(a, a)).toBeCloseTo(0, 10)
  const one = tensor([[0], [2], [4]], { dtype: 'float64' }) // mean 2, deviation 2
  const other = tensor([[5], [6]], { dtype: 'float64' }) // mean 5.5, deviation sqrt(1/2)
  expect(await frechetDistance(one, other)).toBeCloseTo(3.5 ** 2 + (2 - Math.SQRT1_2) ** 2, 10)
  expect((await rejectionOf(frechetDistance(a, uniform([50, 5], 7)))).code).toBe('SHAPE_MISMATCH')
})

test('the cosine of embeddings', async () => {
  const a = tensor(
    [
      [1, 0],
      [1, 1],
    ],
    { dtype: 'float64' },
  )
  const [first, second] = await cosineSimilarity(
    a,
    tensor(
      [
        [0, 3],
        [2, 2],
      ],
      { dtype: 'float64' },
    ),
  )
  expect([first, second]).toEqual([0, expect.closeTo(1, 12)])
})

const tiny = {
  alexnet: { channels: [3, 4, 5, 4, 3], hiddenFeatures: 6, numClasses: 4 },
  inceptionV3: { widthDivisor: 64, numClasses: 4 },
}

test('networks take pictures of any size that is large enough, and say so else', async () => {
  using alexnet = models.alexnet(tiny.alexnet).eval()
  const { logits, layer2, layer5 } = await alexnet.runAsync({ image: uniform([2, 3, 63, 90], 1).to('float32') })
  expect([logits.shape, layer2.shape[1], layer5.shape[1]]).toEqual([[2, 4], 4, 3])
  expect(errorOf(() => alexnet.run({ image: uniform([1, 3, 62, 90], 1).to('float32') })).message).toContain(
    'at least 63',
  )
  expect(errorOf(() => models.alexnet({ channels: [3, 4] }))).toMatchObject({
    code: 'INVALID_OPTION',
    option: 'channels',
  })
  using inception = models.inceptionV3(tiny.inceptionV3).eval()
  const { features } = await inception.runAsync({ image: uniform([1, 3, 75, 75], 1).to('float32') })
  expect(features.shape).toEqual([1, 32])
  expect(errorOf(() => inception.run({ image: uniform([1, 3, 74, 99], 1).to('float32') })).code).toBe('SHAPE_MISMATCH')
})

test('LPIPS is 0 for equal pictures, and takes the names of its checkpoints, where heads stand twice or once', () => {
  using net = models.lpipsAlex({ channels: tiny.alexnet.channels }).eval()
  const image = uniform([2, 3, 64, 64], 1).to('float32').mul(2).sub(1)
  expect(net.forward(image, image).toArray()).toEqual([[[[0]]], [[[0]]]])
  const state = net.stateDict()
  const twice = Object.fromEntries(
    Object.entries(state).flatMap(([name, value]) => {
      const head = /^lin(\d)\.(.*)/.exec(name)
      return head === null
        ? [[name, value]]
        : [
            [name, value],
            [`lins.${head[1]}.${head[2]}`, value],
          ]
    }),
  )
  expect(Object.keys(twice)).toHaveLength(Object.keys(state).length + 5)
  expect(() => net.loadStateDict(twice)).not.toThrow()
  const { [Object.keys(state).at(-1)!]: _, ...missing } = state
  expect(errorOf(() => net.loadStateDict(missing)).code).toBe('CHECKPOINT_MISMATCH')
})
