import { grad, manualSeed, models, randn, type Tensor } from 'eegtorch'

// Convolutions between 256 channels and more are products in training; in float64 they are LibTorch's.

const worst = (a: Tensor, b: Tensor) => Number(a.to('float64').sub(b).abs().max().div(b.abs().max()).item())

const options = { nChans: 3, widths: [256, 300], nBlocks: [1, 2], stemLength: 5 }

test.each([
  [1, 64],
  [3, 37],
  [2, 9],
])(
  'gradients of %i windows of %i samples through wide convolutions agree with float64, the ones of gradients too',
  (batch, nTimes) => {
    manualSeed(12)
    using net = models.resnet1d({ ...options, nTimes })
    using exact = models.resnet1d({ ...options, nTimes }).to({ dtype: 'float64' })
    exact.loadStateDict(net.stateDict())
    const eeg = randn([batch, 3, nTimes])
    const outcome = (model: typeof net, dtype: 'float32' | 'float64') => {
      const x = eeg.detach().clone().to(dtype).requires_grad_()
      const loss = model.forward(x).square().mean()
      const [slope] = grad([loss], [x], { createGraph: true })
      loss.add(slope!.square().sum()).backward()
      const gradients = Object.entries(model.parameters()).map(([name, { grad }]) => [name, grad!] as const)
      return new Map([['x', x.grad!], ['slope', slope!.detach()], ['loss', loss.detach()], ...gradients])
    }
    const [got, wanted] = [outcome(net, 'float32'), outcome(exact, 'float64')]
    for (const [name, value] of wanted) expect([name, worst(got.get(name)!, value) < 1e-4]).toEqual([name, true])
  },
)
