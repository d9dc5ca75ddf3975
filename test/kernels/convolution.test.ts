import { manualSeed, models, noGrad, randn, type Tensor } from 'eegtorch'

// A network that records gradients, or is of float64, takes LibTorch's convolutions.

const wide = { blockOutChannels: [130, 200], layersPerBlock: 1, normNumGroups: 5, latentChannels: 3 }
const blocks = {
  downBlockTypes: ['DownEncoderBlock2D', 'DownEncoderBlock2D'],
  upBlockTypes: ['UpDecoderBlock2D', 'UpDecoderBlock2D'],
} as const
const worst = (a: Tensor, b: Tensor) => Number(a.to('float64').sub(b).abs().max().item())

test.each([
  ['few pixels', [1, 3, 3, 5]],
  ['even sides', [2, 3, 8, 10]],
  ['odd sides', [1, 3, 17, 15]],
  ['more than is transformed at a time', [3, 3, 26, 24]],
])('wide convolutions of inference agree with float64: %s', (_, shape) => {
  manualSeed(3)
  const options = { ...wide, ...blocks }
  using fast = models.create('autoencoder_kl', options).eval()
  using exact = models.create('autoencoder_kl', options).to({ dtype: 'float64' }).eval()
  exact.loadStateDict(fast.stateDict())
  const latents = randn(shape)
  const [ordinary] = fast.call('decode', latents)
  const [inferred] = noGrad(() => fast.call('decode', latents))
  const [expected] = noGrad(() => exact.call('decode', latents.to('float64')))
  expect([ordinary!.requiresGrad, inferred!.requiresGrad]).toEqual([true, false])
  expect(worst(inferred!, expected!)).toBeLessThan(2 * worst(ordinary!.detach(), expected!) + 1e-6)
  expect(worst(ordinary!.detach(), inferred!.to('float64'))).toBeGreaterThan(0)
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
