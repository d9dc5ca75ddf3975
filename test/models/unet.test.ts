import { type EegTorchError, models, noGrad, randn, type Tensor, tensor, zeros } from 'eegtorch'
import { errorOf } from '../thrown.ts'

const small = {
  blockOutChannels: [8, 16],
  downBlockTypes: ['CrossAttnDownBlock2D', 'DownBlock2D'],
  upBlockTypes: ['UpBlock2D', 'CrossAttnUpBlock2D'],
  layersPerBlock: 1,
  normNumGroups: 4,
  crossAttentionDim: 6,
  attentionHeadDim: 2,
} as const
const inputs = (batch = 2, height = 5, width = 7) => ({
  sample: randn([batch, 4, height, width]),
  timestep: tensor(Array.from({ length: batch }, () => 7n)),
  encoderHiddenStates: randn([batch, 3, 6]),
})
const largest = (a: Tensor, b: Tensor) => a.sub(b).abs().max().item()

test.each([
  ['attentionHeadDim', { attentionHeadDim: 3 }, 'a divisor of'],
  ['layersPerBlock', { layersPerBlock: [1, 2, 3] }, 'an integer, or 2 of them'],
  ['downBlockTypes', { downBlockTypes: ['DownBlock2D'] }, '2 kinds, as many as blockOutChannels'],
  ['downBlockTypes', { downBlockTypes: ['AttnDownBlock2D', 'DownBlock2D'] }, "'DownBlock2D'"],
  ['classEmbedType', { classEmbedType: 'timestep' }, 'null'],
  ['dualCrossAttention', { dualCrossAttention: true }, 'false'],
  ['convInKernel', { convInKernel: 4 }, 'an odd number'],
  ['freqShift', { freqShift: 4 }, 'from 0 to below 4, half the first width'],
])('an option %s that the network does not have is refused', (option, given, expected) => {
  const error = errorOf(() => models.create('unet2d_condition', { ...small, ...given } as never))
  expect([error.code, error.option]).toEqual(['INVALID_OPTION', option])
  expect(error.expected).toContain(expected)
})

test('a time step may be one for the whole batch, whole or not', () => {
  using net = models.create('unet2d_condition', small).eval()
  const given = inputs()
  const run = (timestep: Tensor) => noGrad(() => net.run({ ...given, timestep }).sample)
  const each = run(given.timestep)
  expect(each.shape).toEqual([2, 4, 5, 7])
  for (const timestep of [tensor(7n), tensor([7n]), tensor([7, 7])]) expect(largest(run(timestep), each)).toBe(0)
  expect(largest(run(tensor(7.5)), each)).toBeGreaterThan(0)
  expect(errorOf(() => run(tensor([1n, 2n, 3n]))).code).toBe('SHAPE_MISMATCH')
})

test("ControlNet's residuals are added to skips and middle, and come all together or not at all", () => {
  using net = models.create('unet2d_condition', small).eval()
  using control = models
    .create('controlnet', {
      ...small,
      upBlockTypes: undefined,
      conditioningEmbeddingOutChannels: [4, 4],
    } as never)
    .eval()
  const given = inputs()
  const told = noGrad(() => control.run({ ...given, controlnetCond: randn([2, 3, 10, 14]) }))
  const residuals = Object.fromEntries(
    Object.entries(told).map(([name, x]) => [
      name.startsWith('mid') ? 'midBlockAdditionalResidual' : name.replace('ResSample', 'AdditionalResidual'),
      x,
    ]),
  )
  const plain = noGrad(() => net.run(given).sample)
  // it begins with zeros
  expect(
    largest(
      noGrad(() => net.run({ ...given, ...residuals }).sample),
      plain,
    ),
  ).toBe(0)
  const ones = Object.fromEntries(Object.entries(residuals).map(([name, x]) => [name, x.add(1)]))
  expect(
    largest(
      noGrad(() => net.run({ ...given, ...ones }).sample),
      plain,
    ),
  ).toBeGreaterThan(0)
  const { midBlockAdditionalResidual: _, ...incomplete } = ones
  const missing = errorOf(() => net.run({ ...given, ...incomplete }))
  expect([missing.code, missing.expected, missing.received]).toEqual(['INVALID_OPTION', '5 or none', '4'])
  const misshapen = { ...ones, downBlockAdditionalResidual1: zeros([2, 8, 3, 3]) }
  expect(errorOf(() => net.run({ ...given, ...misshapen })).code).toBe('SHAPE_MISMATCH')
})

test("sgdm's scales must have blocks of their width", () => {
  const make = (baseDim: number) =>
    models.create('sgdm_unet', { ...small, crossAttentionDim: undefined, nScales: 2, baseDim })
  make(8).dispose()
  const { code, option, received } = errorOf(() => make(16)) as EegTorchError
  expect([code, option, received]).toEqual(['INVALID_OPTION', 'baseDim', 'a scale of width 32'])
})
