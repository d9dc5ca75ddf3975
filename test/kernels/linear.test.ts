import { manualSeed, models, randn, type Tensor } from 'eegtorch'

// Few rows before a matrix of 4 million weights and more take oneDNN's products with gradients too.

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
