import { Linear, manualSeed, models, noGrad, numThreads, randn, setNumThreads, type Tensor } from 'eegtorch'

// Few rows before a matrix of 4 million weights and more take oneDNN's products with gradients too; one row reads a
// large matrix eight rows at a time.

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
])('one row before a matrix of %i x %i agrees with float64, whatever the threads', async (out, size, bias) => {
  manualSeed(12)
  using layer = new Linear(size, out, { bias })
  using exact = new Linear(size, out, { bias }).to({ dtype: 'float64' }).loadStateDict(layer.stateDict())
  const before = numThreads()
  for (const threads of [1, 2, 3]) {
    await setNumThreads(threads)
    for (const shape of [[size], [1, size], [1, 1, size]]) {
      const row = randn(shape)
      const [got, wanted] = noGrad(() => [layer.forward(row), exact.forward(row.to('float64'))])
      expect(got.shape).toEqual(wanted.shape)
      expect(worst(got, wanted)).toBeLessThan(1e-5)
    }
  }
  await setNumThreads(before)
})

test('what is not a number in one row of a matrix reaches its own result alone', () => {
  using layer = new Linear(1000, 301)
  noGrad(() => layer.parameters().weight!.select(0, 7).narrow(0, 999, 1).fill_(Number.NaN))
  const numbers = noGrad(() => layer.forward(randn([1, 1000]))).isfinite()
  expect(numbers.toArray()).toEqual([Array.from({ length: 301 }, (_, i) => i !== 7)])
})
