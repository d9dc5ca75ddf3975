import { grad, type Model, manualSeed, models, noGrad, ones, randn, type Tensor } from 'eegtorch'

// Wide convolutions and group norms of images have kernels for float32; in float64 the same network runs on LibTorch's
// own operators.

const wide = { blockOutChannels: [130, 200], layersPerBlock: 1, normNumGroups: 5, latentChannels: 3 }
const blocks = {
  downBlockTypes: ['DownEncoderBlock2D', 'DownEncoderBlock2D'],
  upBlockTypes: ['UpDecoderBlock2D', 'UpDecoderBlock2D'],
} as const
const shapes: [string, number[]][] = [
  ['few pixels', [1, 3, 3, 5]],
  ['even sides', [2, 3, 8, 10]],
  ['odd sides', [1, 3, 17, 15]],
  ['more than is transformed at a time', [3, 3, 26, 24]],
]
const worst = (a: Tensor, b: Tensor) => Number(a.to('float64').sub(b).abs().max().item())
const largest = (a: Tensor) => Number(a.abs().max().item())

function twins(more = {}): { fast: Model; exact: Model } {
  manualSeed(3)
  const options = { ...wide, ...blocks, ...more }
  const fast = models.create('autoencoder_kl', options).eval() as Model
  const exact = models.create('autoencoder_kl', options).to({ dtype: 'float64' }).eval() as Model
  exact.loadStateDict(fast.stateDict())
  return { fast, exact }
}

test.each(shapes)('wide convolutions agree with float64: %s', (_, shape) => {
  const { fast, exact } = twins()
  const latents = randn(shape)
  const [recorded] = fast.call('decode', latents)
  const [inferred] = noGrad(() => fast.call('decode', latents))
  const [expected] = noGrad(() => exact.call('decode', latents.to('float64')))
  expect([recorded!.requiresGrad, inferred!.requiresGrad]).toEqual([true, false])
  for (const decoded of [recorded!.detach(), inferred!])
    expect(worst(decoded, expected!)).toBeLessThan(1e-5 * largest(expected!))
})

test.each(shapes)('gradients of wide convolutions and norms agree with float64: %s', (_, shape) => {
  const { fast, exact } = twins()
  const latents = randn(shape)
  let probe: Tensor | undefined
  const [found, expected] = ([fast, exact] as const).map((net, i) => {
    const given = latents
      .to(i === 0 ? 'float32' : 'float64')
      .clone()
      .requires_grad_()
    const [decoded] = net.call('decode', given)
    probe ??= randn(decoded!.shape)
    const named = Object.entries(net.parameters()).filter(([name]) => /^(decoder|post_quant)/.test(name))
    const to = [given, ...named.map(([, parameter]) => parameter)]
    return grad(decoded!.mul(probe.to(decoded!.dtype)).sum(), to)
  })
  expect(found!.length).toBeGreaterThan(30)
  found!.forEach((gradient, i) => {
    expect(worst(gradient!, expected![i]!)).toBeLessThan(2e-5 * largest(expected![i]!) + 1e-4)
  })
})

test('gradients of gradients go through LibTorch, and agree as well', () => {
  const { fast, exact } = twins({ midBlockAddAttention: false }) // attention's cannot be derived again
  const latents = randn([1, 3, 12, 12])
  const [found, expected] = ([fast, exact] as const).map((net, i) => {
    const given = latents
      .to(i === 0 ? 'float32' : 'float64')
      .clone()
      .requires_grad_()
    const [first] = grad(net.call('decode', given)[0]!.square().mean(), [given], { createGraph: true })
    return grad(first!.square().sum(), [given])[0]!
  })
  expect(largest(expected!)).toBeGreaterThan(0)
  expect(worst(found!, expected!)).toBeLessThan(1e-3 * largest(expected!))
})

test('pictures are compared side by side as they are one by one', () => {
  manualSeed(4)
  const net = models.create('lpips_alex', {}).eval() as Model
  const [a, b] = [randn([3, 3, 64, 64]), randn([3, 3, 64, 64])]
  const together = noGrad(() => net.forward(a, b))
  for (let i = 0; i < 3; i++) {
    const one = noGrad(() => net.forward(a.narrow(0, i, 1), b.narrow(0, i, 1)))
    expect(worst(one, together.narrow(0, i, 1).to('float64'))).toBeLessThan(1e-5 * largest(together))
  }
  expect(largest(noGrad(() => net.forward(a, a)))).toBe(0)
})

test('inference folds batch norm into convolutions, and sees statistics that changed since', () => {
  manualSeed(5)
  const net = models.create('inception_v3', {}).eval() as Model
  const exact = models.create('inception_v3', {}).to({ dtype: 'float64' }).eval() as Model
  const image = randn([1, 3, 75, 75])
  const check = () => {
    exact.loadStateDict(net.stateDict())
    const recorded = net.forward(image).detach()
    const inferred = noGrad(() => net.forward(image))
    const expected = noGrad(() => exact.forward(image.to('float64')))
    for (const seen of [recorded, inferred]) expect(worst(seen, expected)).toBeLessThan(1e-4 * largest(expected))
    return inferred
  }
  const before = check()
  const [name] = Object.keys(net.stateDict()).filter((key) => key.endsWith('bn.running_var'))
  const statistics = net.stateDict()
  noGrad(() => statistics[name!]!.copy_(ones(statistics[name!]!.shape).mul(3)))
  expect(worst(check(), before.to('float64'))).toBeGreaterThan(0)
})

test('inference sees weights that were written since, and leaves them as they are', () => {
  using net = models.create('autoencoder_kl', { ...wide, ...blocks }).eval()
  const latents = randn([1, 3, 12, 12])
  const weight = net.parameters()['decoder.conv_in.weight']!
  const decode = () => noGrad(() => net.call('decode', latents)[0]!)
  const before = weight.detach().clone()
  const first = decode()
  expect(weight.detach().equal(before)).toBe(true)
  noGrad(() => weight.mul_(2))
  expect(worst(decode(), first.to('float64'))).toBeGreaterThan(1e-3)
  noGrad(() => weight.copy_(before))
  expect(worst(decode(), first.to('float64'))).toBe(0)
})
