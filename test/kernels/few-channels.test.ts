import { grad, manualSeed, models, noGrad, randn, type Tensor } from 'eegtorch'

// Transposed convolutions to at most four channels are one product and a sum; in float64 they are LibTorch's.

const worst = (a: Tensor, b: Tensor) => Number(a.to('float64').sub(b).abs().max().div(b.abs().max()).item())

const decoders = [
  { outChans: 1, imageSize: [32, 16], latentDim: 5, width: 3 },
  { outChans: 3, imageSize: [16, 48], latentDim: 4, width: 9 },
  { outChans: 5, imageSize: [16, 16], latentDim: 4, width: 6 },
  { outChans: 4, imageSize: [16, 16], latentDim: 4, width: 4 },
] as const

test.each(decoders)('aae_decoder %j agrees with float64, gradients and those of gradients too', (options) => {
  for (const training of [true, false]) {
    manualSeed(4)
    const net = models.aaeDecoder(options).train(training)
    const exact = models.aaeDecoder(options).to({ dtype: 'float64' }).loadStateDict(net.stateDict()).train(training)
    const latents = randn([7, options.latentDim])
    const outcome = (model: typeof net, dtype: 'float32' | 'float64') => {
      const x = latents.to(dtype).clone().requires_grad_()
      const images = model.forward(x)
      const loss = images.square().mean()
      const [slope] = grad([loss], [x], { createGraph: true })
      loss.add(slope!.square().sum()).backward()
      const gradients = Object.entries(model.parameters()).map(([name, { grad }]) => [name, grad!] as const)
      return new Map([['images', images.detach()], ['x', x.grad!], ['slope', slope!.detach()], ...gradients])
    }
    const [got, wanted] = [outcome(net, 'float32'), outcome(exact, 'float64')]
    const scale = Math.max(...[...wanted.values()].map((value) => Number(value.abs().max().item())))
    for (const [name, value] of wanted) {
      const far = Number(got.get(name)!.to('float64').sub(value).abs().max().item())
      expect([name, far / scale < 1e-5]).toEqual([name, true])
    }
  }
})

test('the gradient of a step agrees with float64', () => {
  manualSeed(5)
  const options = { outChans: 2, imageSize: [16, 32], latentDim: 6, width: 5 } as const
  const net = models.aaeDecoder(options)
  const exact = models.aaeDecoder(options).to({ dtype: 'float64' }).loadStateDict(net.stateDict())
  const latents = randn([6, 6])
  net.forward(latents).square().sum().backward()
  exact.forward(latents.to('float64')).square().sum().backward()
  const wanted = exact.parameters()
  for (const [name, { grad }] of Object.entries(net.parameters())) {
    // batch norm takes the bias of the convolution before it away: only rounding is left
    if (/^deconv\.[036]\.bias$/.test(name)) continue
    expect([name, worst(grad!, wanted[name]!.grad!) < 1e-4]).toEqual([name, true])
  }
})

test('more images than are packed give what each gives alone', () => {
  manualSeed(6)
  const net = models.aaeDecoder({ imageSize: [32, 32], latentDim: 8, width: 4 }).eval()
  const latents = randn([9, 8])
  const [together, alone] = noGrad(() => [net.forward(latents), net.forward(latents.narrow(0, 6, 1))])
  expect(worst(together.narrow(0, 6, 1), alone.to('float64'))).toBeLessThan(1e-5)
})
