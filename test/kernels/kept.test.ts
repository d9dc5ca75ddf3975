import {
  loss,
  type Model,
  Module,
  manualSeed,
  models,
  noGrad,
  numThreads,
  ones,
  optim,
  randn,
  setNumThreads,
  type Tensor,
  zeros,
} from 'eegtorch'
import { collectGarbageUntil } from '../collect-garbage.ts'

// Inference packs weights once and keeps them so until they change. In float64 the same network keeps nothing.

const cases = [
  ['resnet1d', { nChans: 3, nTimes: 90, widths: [5, 7], nBlocks: [1, 2] }, [3, 90]],
  ['resnet1d', { nChans: 2, nTimes: 61, widths: [9, 40], nBlocks: [2, 1], stemLength: 6, kernelLength: 5 }, [2, 61]],
  ['shallow_fbcsp_net', { nChans: 3, nTimes: 150, nFiltersTime: 5, nFiltersSpat: 18, filterTimeLength: 9 }, [3, 150]],
  ['shallow_fbcsp_net', { nChans: 3, nTimes: 150, batchNorm: false, poolMode: 'max' }, [3, 150]],
  ['deep4net', { nChans: 3, nTimes: 240, nFiltersTime: 5, nFiltersSpat: 7, filterTimeLength: 6 }, [3, 240]],
  [
    'deep4net',
    {
      ...{ nChans: 2, nTimes: 260, nFiltersTime: 4, nFiltersSpat: 9, nFilters2: 11, nFilters3: 8, nFilters4: 17 },
      ...{ activationFirstConvNonlin: 'GELU', firstPoolMode: 'mean', laterPoolMode: 'mean', laterPoolNonlin: 'Tanh' },
      ...{ batchNorm: false, strideBeforePool: true, finalConvLength: 1 },
    },
    [2, 260],
  ],
  ['conv_net', { nChans: 3, nTimes: 190, nFilters: [5, 7, 18], kernelLength: 9 }, [3, 190]],
  ['conv_net', { nChans: 2, nTimes: 60, nFilters: [6], kernelLength: 5, poolLength: 4, poolStride: 4 }, [2, 60]],
  ['lstm_eeg', { nChans: 3, nTimes: 40, hiddenSize: 21 }, [3, 40]],
  ['cnn_rnn', { nChans: 3, nTimes: 120, convFilters: 6, convLength: 8, hiddenSize: 9, fcFeatures: 5 }, [3, 120]],
  ['cnn_rnn', { nChans: 3, nTimes: 120, convFilters: 6, convLength: 8, hiddenSize: 9, cell: 'gru' }, [3, 120]],
  [
    'csbrain_classifier',
    {
      ...{ inDim: 25, outDim: 25, dModel: 25, dimFeedforward: 30, nLayer: 2, nhead: 5, nPatches: 3 },
      ...{ brainRegions: [2, 1, 1, 0, 2, 1, 1], nRegions: 3 },
    },
    [7, 3, 25],
  ],
  ['latent_cnn_classifier', { latentDim: 23, width: 5 }, [23]],
  ['aae_discriminator', { latentDim: 21, hiddenDims: [35, 9] }, [21]],
  ['eeg_projection', { inDim: 11, outDim: 37, nTokens: 4 }, [4, 11]],
  ['transformer_eeg', { nChans: 3, nTimes: 20, dModel: 18, nHeads: 3, feedforwardDim: 40, nLayers: 2 }, [3, 20]],
  [
    'transformer_eeg',
    { nChans: 3, nTimes: 33, dModel: 36, nHeads: 2, feedforwardDim: 21, nLayers: 1, activation: 'gelu' },
    [3, 33],
  ],
  [
    'cbramod_classifier',
    { nChans: 3, nTimes: 100, inDim: 50, outDim: 50, dModel: 50, dimFeedforward: 30, nLayer: 2, nhead: 2 },
    [3, 100],
  ],
  ['aae_encoder', { inChans: 2, imageSize: [16, 48], latentDim: 6, width: 3 }, [2, 16, 48]],
  ['aae_decoder', { outChans: 2, imageSize: [48, 32], latentDim: 6, width: 3 }, [6]],
] as const

/** A network's parameters, trained without the network being run or told: a step takes the learning rate from each weight. */
class ParametersOf extends Module {
  constructor(net: Model) {
    super()
    for (const [i, parameter] of Object.values(net.parameters()).entries())
      Object.assign(this, { [`part${i}`]: parameter })
  }

  forward(x: Tensor) {
    return Object.values(this.parameters())
      .map((parameter) => parameter.sum())
      .reduce((total, sum) => total.add(sum))
      .mul(x.mean())
  }
}

/** The largest difference from the same network in float64, beside its largest number. */
function error(net: Model, inputs: Tensor[]) {
  const exact = models.create(net.name, net.config as never) as Model
  exact.to({ dtype: 'float64' }).loadStateDict(net.stateDict())
  const wide = inputs.map((input) => input.to('float64'))
  const [got, wanted] = noGrad(() => [net.eval().forward(...inputs), exact.eval().forward(...wide)])
  return Number(got.to('float64').sub(wanted).abs().max().div(wanted.abs().max()).item())
}

test.each(cases)('%s %j infers what its weights say now, whatever it inferred before', async (name, options, shape) => {
  manualSeed(3)
  const net = models.create(name, options as never) as Model
  const window = randn([1, ...shape])
  const few = [window, randn([3, ...shape]), randn([6, ...shape])]
  const errors = () => Math.max(...few.map((inputs) => error(net, [inputs])))
  const infer = () => noGrad(() => net.eval().forward(window))
  expect(errors()).toBeLessThan(2e-5)

  // by a step of training, which drops what inference kept
  const targets = noGrad(() => randn(net.forward(few[2]!).shape))
  const before = infer()
  await net.trainStep({ loss: loss.mse(), optimizer: optim.sgd({ lr: 0.1 }) })({ inputs: [few[2]!], targets })
  expect(Number(infer().sub(before).abs().max().item())).toBeGreaterThan(0)
  expect(errors()).toBeLessThan(2e-5)
  // by fused optimisers while the network only infers: they count nothing themselves
  for (const optimizer of [optim.adam({ lr: 0.01 }), optim.sgd({ lr: 0.01 })]) {
    const step = new ParametersOf(net).trainStep({ loss: loss.output(), optimizer })
    await step({ inputs: ones([1, 1]), targets: ones([1, 1]) })
    expect(net.training).toBe(false)
    expect(errors()).toBeLessThan(2e-5)
  }
  // by hand, and by another network's weights
  noGrad(() => Object.values(net.parameters())[0]!.mul_(1.5))
  expect(errors()).toBeLessThan(2e-5)
  for (const [key, buffer] of Object.entries(net.buffers())) if (key.endsWith('running_var')) buffer.mul_(2)
  expect(errors()).toBeLessThan(2e-5)
  net.loadStateDict((models.create(name, options as never) as Model).stateDict())
  expect(errors()).toBeLessThan(2e-5)
})

test.each([
  ['transformer_eeg', { nChans: 3, nTimes: 300, dModel: 66, nHeads: 3, feedforwardDim: 140, nLayers: 1 }, [3, 300]],
  ['resnet1d', { nChans: 3, nTimes: 601, widths: [35, 70], nBlocks: [1, 1] }, [3, 601]],
] as const)('%s %j infers more windows than caches hold as float64 does, whatever the threads', async (...args) => {
  const [name, options, shape] = args
  manualSeed(6)
  const net = models.create(name, options as never) as Model
  const windows = randn([37, ...shape])
  const before = numThreads()
  for (const threads of [1, 2, 3]) {
    await setNumThreads(threads)
    expect(error(net, [windows])).toBeLessThan(2e-5)
  }
  await setNumThreads(before)
})

test.each([
  ['resnet1d', { nChans: 3, nTimes: 90, widths: [18, 7], nBlocks: [1, 1] }, [3, 90]],
  ['deep4net', { nChans: 3, nTimes: 240, nFiltersTime: 5, nFiltersSpat: 18, filterTimeLength: 6 }, [3, 240]],
  ['conv_net', { nChans: 3, nTimes: 314, nFilters: [5, 18], kernelLength: 9 }, [3, 314]],
] as const)('%s %j pools what is not a number as the largest, wherever it lies', (name, options, shape) => {
  manualSeed(9)
  const net = (models.create(name, options as never) as Model).eval()
  const windows = randn([30, ...shape])
  const finiteRows = (at: number) => {
    const spoilt = windows.clone()
    for (let window = 1; window < 30; window += 2)
      spoilt
        .select(0, window)
        .narrow(1, at + window, 1)
        .fill_(Number.NaN)
    return noGrad(() => net.forward(spoilt))
      .isfinite()
      .toArray() as boolean[][]
  }
  for (const at of [0, 30, shape[1] - 30])
    expect(finiteRows(at).map((row) => [...new Set(row)])).toEqual(windows.unbind(0).map((_, i) => [i % 2 === 0]))
})

test.each(cases)('%s %j infers the same after a while as float64', (name, options, shape) => {
  manualSeed(4)
  const net = (models.create(name, options as never) as Model).eval()
  const window = randn([1, ...shape])
  const before = noGrad(() => net.forward(window))
  net.to({ dtype: 'float64' })
  noGrad(() => net.forward(window.to('float64')))
  noGrad(() => Object.values(net.parameters()).map((parameter) => parameter.mul_(1.25)))
  net.to({ dtype: 'float32' })
  expect(error(net, [window])).toBeLessThan(2e-5)
  expect(
    Number(
      noGrad(() => net.forward(window))
        .sub(before)
        .abs()
        .max()
        .item(),
    ),
  ).toBeGreaterThan(0)
})

test.each(cases)('%s %j infers two windows at once', async (name, options, shape) => {
  manualSeed(5)
  const net = (models.create(name, options as never) as Model).eval()
  const windows = [randn([1, ...shape]), randn([1, ...shape]), randn([3, ...shape])]
  for (let change = 0; change < 2; change++) {
    const together = await noGrad(() => Promise.all(windows.map((window) => net.forwardAsync(window))))
    for (const [i, window] of windows.entries()) {
      const alone = noGrad(() => net.forward(window))
      expect(Number(together[i]!.sub(alone).abs().max().item())).toBe(0)
      expect(error(net, [window])).toBeLessThan(2e-5)
    }
    noGrad(() => Object.values(net.parameters()).map((parameter) => parameter.mul_(1.1)))
  }
})

// Panels are as wide as suits the rows that the weights were packed for; each fetches the next one while it is multiplied.
test.each([1, 2, 3, 4, 12, 13, 30])('panels packed for %d rows multiply any number of them', (rows) => {
  manualSeed(8)
  const net = models.eegProjection({ inDim: 21, outDim: 300, nTokens: 1 })
  for (const count of [rows, 1, 2, 3, 5, 25]) expect(error(net, [randn([1, count, 21])])).toBeLessThan(2e-5)
})

test('projections to several scales give one window what they give it in a batch', () => {
  const net = models.multiScaleConditioning({ latentDim: 20, semanticDim: 11, nScales: 3, baseDim: 9 }).eval()
  const inputs = { latent: randn([2, 20]), semantic: randn([2, 11]), hasSemantic: ones([2], { dtype: 'int64' }) }
  const first = {
    latent: inputs.latent.narrow(0, 0, 1),
    semantic: inputs.semantic.narrow(0, 0, 1),
    hasSemantic: ones([1], { dtype: 'int64' }),
  }
  for (let change = 0; change < 3; change++) {
    const [batch, one] = noGrad(() => [net.run(inputs), net.run(first)]) as Record<string, Tensor>[]
    for (const [name, output] of Object.entries(one!))
      expect([
        name,
        Number(
          output
            .sub(batch![name]!.narrow(0, 0, 1))
            .abs()
            .max()
            .item(),
        ) < 1e-5,
      ]).toEqual([name, true])
    noGrad(() => Object.values(net.parameters()).map((parameter) => parameter.mul_(1.5)))
  }
})

test('a mapper projects its queries and tokens with parts of one weight, as it is now', () => {
  const sizes = { inDim: 9, dModel: 20, nHeads: 2, nLayers: 2, feedforwardDim: 33, nQueries: 7, clipDim: 18 }
  for (const activation of ['relu', 'gelu'] as const) {
    manualSeed(6)
    const net = models.eegClipMapper({ ...sizes, activation }).eval()
    const exact = models
      .eegClipMapper({ ...sizes, activation })
      .eval()
      .to({ dtype: 'float64' })
    const tokens = randn([2, 5, 9])
    for (let change = 0; change < 3; change++) {
      exact.loadStateDict(net.stateDict())
      const [got, wanted] = noGrad(() => [net.run({ tokens }), exact.run({ tokens: tokens.to('float64') })])
      const differences = Object.entries(got as Record<string, Tensor>).map(([name, output]) =>
        Number(
          output
            .to('float64')
            .sub((wanted as Record<string, Tensor>)[name]!)
            .abs()
            .max()
            .item(),
        ),
      )
      expect(differences).toHaveLength(3)
      expect(Math.max(...differences)).toBeLessThan(2e-5)
      noGrad(() => Object.values(net.parameters()).map((parameter) => parameter.mul_(1.2)))
    }
  }
})

test('GELU and layer norm of inference agree with float64 on large, small and lost numbers', () => {
  const net = models.eegProjection({ inDim: 1, outDim: 37, nTokens: 1, dropProb: 0 }).eval()
  const bare = models.eegProjection({ inDim: 1, outDim: 37, nTokens: 1, dropProb: 0, layerNorm: false }).eval()
  for (const model of [net, bare]) {
    const exact = (models.create(model.name, model.config as never) as Model).eval().to({ dtype: 'float64' })
    exact.loadStateDict(model.stateDict())
    for (const value of [0, 1e-30, 0.3, -2, 7, -11, 40, -300, Number.NaN]) {
      const window = zeros([1, 3, 1]).add(value)
      const [got, wanted] = noGrad(() => [model.forward(window), exact.forward(window.to('float64'))])
      const difference = Number(got.to('float64').sub(wanted).abs().max().item())
      if (Number.isNaN(value)) expect(difference).toBeNaN()
      else expect(difference).toBeLessThan(1e-5 * (1 + Math.abs(value)))
    }
  }
})

test('gradients of an input flow after inference has kept its weights', () => {
  const net = models.resnet1d({ nChans: 3, nTimes: 90, widths: [5, 7], nBlocks: [1, 1] }).eval()
  const eeg = randn([1, 3, 90])
  const kept = noGrad(() => net.forward(eeg))
  const x = eeg.clone().requires_grad_()
  const logits = net.forward(x)
  logits.sum().backward()
  expect(Number(x.grad!.abs().max().item())).toBeGreaterThan(0)
  expect(Number(logits.detach().sub(kept).abs().max().item())).toBeLessThan(1e-5)
})

test('layers too small for two threads leave their number as it was, and batches give what single windows give', async () => {
  const before = numThreads()
  await setNumThreads(2)
  try {
    const net = models.create('latent_cnn_classifier').eval()
    const latents = randn([8, 144])
    const whole = noGrad(() => net.forward(latents))
    const single = noGrad(() => net.forward(latents.narrow(0, 3, 1)))
    expect(numThreads()).toBe(2)
    expect(
      single
        .sub(whole.narrow(0, 3, 1))
        .abs()
        .max()
        .item(),
    ).toBeLessThan(1e-5)
  } finally {
    await setNumThreads(before)
  }
})

test('weights written through an array that shares their memory are seen, while it lives and after', async () => {
  const config = { nChans: 3, nTimes: 90, widths: [5], nBlocks: [1] }
  const net = models.resnet1d(config).eval()
  const fresh = models.resnet1d(config).eval()
  const eeg = randn([1, 3, 90])
  const infer = (model: Model) => noGrad(() => model.forward(eeg))
  const expectSame = () => {
    fresh.loadStateDict(net.stateDict())
    expect(infer(net).equal(infer(fresh))).toBe(true)
  }
  const weight = net.parameters()['conv1.weight']!
  infer(net)
  const buffer = new WeakRef(
    (() => {
      const numbers = weight.toTypedArray({ share: true }) as Float32Array
      numbers[0]! += 1
      expectSame()
      numbers[1]! += 1
      expectSame()
      numbers[2]! += 1
      return numbers.buffer
    })(),
  )
  await collectGarbageUntil(() => buffer.deref() === undefined)
  expectSame()
})
