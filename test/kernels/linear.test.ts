import { Linear, manualSeed, models, noGrad, numThreads, randn, setNumThreads, type Tensor } from 'eegtorch'
import { builtEntry, runNode } from '../built.ts'

// Few rows before a matrix of 4 million weights and more take oneDNN's products with gradients too; fewer rows
// than eight read a large matrix eight rows at a time. Where MKL is slow, many rows take oneDNN's products whatever the matrix.

const worst = (a: Tensor, b: Tensor) => Number(a.to('float64').sub(b).abs().max().div(b.abs().max()).item())

test('gradients through matrices that no cache holds agree with float64, the ones of gradients too', () => {
  manualSeed(11)
  const options = { nChans: 3, nTimes: 701, hiddenDim: 2000, latentDim: 4 }
  using net = models.vae(options)
  using exact = models.vae(options).to({ dtype: 'float64' })
  exact.loadStateDict(net.stateDict())
  const [eeg, noise] = [randn([9, 3, 701]), randn([9, 4])]
  const outcome = (model: typeof net, dtype: 'float32' | 'float64') => {
    const x = eeg.detach().clone().to(dtype).requires_grad_()
    const { reconstruction } = model.run({ eeg: x, noise: noise.to(dtype) })
    reconstruction.square().mean().backward()
    const gradients = Object.entries(model.parameters()).map(([name, { grad }]) => [name, grad!] as const)
    return new Map([['x', x.grad!], ['reconstruction', reconstruction.detach()], ...gradients])
  }
  const [got, wanted] = [outcome(net, 'float32'), outcome(exact, 'float64')]
  for (const [name, value] of wanted) expect([name, worst(got.get(name)!, value) < 2e-5]).toEqual([name, true])
})

test.each([
  [517, 601, true],
  [3, 100_003, false],
  [40_001, 8, true],
  [8, 1 << 15, false],
])('few rows before a matrix of %i x %i agree with float64, whatever the threads', async (out, size, bias) => {
  manualSeed(12)
  using layer = new Linear(size, out, { bias })
  using exact = new Linear(size, out, { bias }).to({ dtype: 'float64' }).loadStateDict(layer.stateDict())
  const before = numThreads()
  for (const threads of [1, 2, 3]) {
    await setNumThreads(threads)
    for (const shape of [[size], [1, size], [1, 1, size], [2, size], [3, 1, size], [4, size], [5, size], [7, size]]) {
      const row = randn(shape)
      const [got, wanted] = noGrad(() => [layer.forward(row), exact.forward(row.to('float64'))])
      expect(got.shape).toEqual(wanted.shape)
      expect(worst(got, wanted)).toBeLessThan(1e-5)
    }
  }
  await setNumThreads(before)
})

test('what is not a number in one row of a matrix reaches its own results alone', () => {
  using layer = new Linear(1000, 301)
  noGrad(() => layer.parameters().weight!.select(0, 7).narrow(0, 999, 1).fill_(Number.NaN))
  const numbers = noGrad(() => layer.forward(randn([6, 1000]))).isfinite()
  for (const row of numbers.toArray() as boolean[][])
    expect(row).toEqual(Array.from({ length: 301 }, (_, i) => i !== 7))
})

test.each(['0', '1'])(
  'training on many rows agrees with float64, whichever products are the fast ones: %s',
  async (fast) => {
    const program = `const { grad, Linear, manualSeed, noGrad, randn } = await import(${JSON.stringify(builtEntry)})
    manualSeed(13)
    const worst = (a, b) => Number(a.to('float64').sub(b).abs().max().div(b.abs().max()).item())
    const errors = []
    const outcome = (layer, eeg, weights, dtype) => {
      const x = eeg.to(dtype).clone().requires_grad_()
      const y = layer.forward(x)
      const loss = y.mul(weights.to(dtype)).square().mean()
      const [slope] = grad([loss], [x], { createGraph: true })
      loss.add(slope.square().sum().mul(1e3)).backward()
      return [y, x.grad, slope, ...Object.values(layer.parameters()).map((parameter) => parameter.grad)]
    }
    for (const [shape, out, bias] of [[[3, 50, 201], 190, true], [[300, 333], 101, false], [[2, 2, 16, 512], 64, true]]) {
      const layer = new Linear(shape.at(-1), out, { bias })
      const exact = new Linear(shape.at(-1), out, { bias }).to({ dtype: 'float64' }).loadStateDict(layer.stateDict())
      const [x, weights] = [randn(shape), randn([...shape.slice(0, -1), out])]
      const wanted = outcome(exact, x, weights, 'float64')
      for (const [i, value] of outcome(layer, x, weights, 'float32').entries()) errors.push(worst(value, wanted[i]))
      errors.push(worst(noGrad(() => layer.forward(x)), wanted[0]))
    }
    console.log(JSON.stringify(errors))`
    const env = { EEGTORCH_FAST_MKL: fast }
    const { code, stdout, stderr } = await runNode(['--input-type=module', '-e', program], { env })
    expect([code, stderr]).toEqual([0, ''])
    const errors = JSON.parse(stdout) as number[]
    expect(errors).toHaveLength(17)
    expect(Math.max(...errors)).toBeLessThan(2e-5)
  },
)
