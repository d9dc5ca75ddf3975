import {
  grad,
  type Model,
  manualSeed,
  models,
  noGrad,
  numThreads,
  randn,
  setNumThreads,
  type Tensor,
  zeros,
} from 'eegtorch'
import { builtEntry, runNode } from '../built.ts'

// Kernels are written for float32; in float64 the same network runs on LibTorch's own operators.

const eegnets = [
  { nChans: 5, nTimes: 131, F1: 4, D: 2, kernelLength: 16, depthwiseKernelLength: 7 },
  { nChans: 22, nTimes: 300, F1: 8, D: 2, kernelLength: 64, poolMode: 'max' },
  { nChans: 3, nTimes: 177, F1: 3, D: 1, kernelLength: 15, batchNormAffine: false },
  { nChans: 1, nTimes: 96, F1: 1, D: 3, kernelLength: 31, pool1KernelSize: 3, pool2KernelSize: 5 },
] as const
const convNets = [
  { nChans: 3, nTimes: 120, nFilters: [4, 5], kernelLength: 7, poolLength: 4, poolStride: 3 },
  { nChans: 22, nTimes: 350, nFilters: [25], kernelLength: 20 },
  { nChans: 7, nTimes: 403, nFilters: [9, 3, 13], kernelLength: 11, poolLength: 3, poolStride: 5 },
] as const
const lstms = [
  { nChans: 3, nTimes: 12, hiddenSize: 5, nLayers: 1 },
  { nChans: 22, nTimes: 40, hiddenSize: 32, nLayers: 2 },
  { nChans: 2, nTimes: 1, hiddenSize: 19, nLayers: 3 },
] as const
const stem = { nChans: 3, nTimes: 120, convFilters: 6, convLength: 8, fcFeatures: 5 }
const cnnRnns = [
  { ...stem, cell: 'gru', hiddenSize: 7, nLayers: 2 },
  { ...stem, cell: 'gru', hiddenSize: 16, nLayers: 3, bidirectional: false },
  { ...stem, cell: 'lstm', hiddenSize: 9, nLayers: 2 },
  { ...stem, cell: 'rnn', hiddenSize: 11, nLayers: 2 },
  { ...stem, cell: 'rnn', rnnNonlinearity: 'relu', hiddenSize: 8, nLayers: 1, bidirectional: false },
] as const
const resNets = [
  { nChans: 3, nTimes: 90, widths: [5, 7], nBlocks: [1, 2] },
  { nChans: 2, nTimes: 61, widths: [9], nBlocks: [2], stemLength: 3, kernelLength: 5 },
] as const

const cases = [
  ...eegnets.map((options) => ['eegnet', options] as const),
  ...convNets.map((options) => ['conv_net', options] as const),
  ...lstms.map((options) => ['lstm_eeg', options] as const),
  ...cnnRnns.map((options) => ['cnn_rnn', options] as const),
  ...resNets.map((options) => ['resnet1d', options] as const),
]
const steady = (name: string) => (name === 'resnet1d' ? {} : { dropProb: 0 })

for (const mode of ['train', 'eval'] as const) {
  test.each(cases)(`%s %j agrees with float64 in ${mode} mode, gradients and statistics too`, (name, options) => {
    manualSeed(7)
    const fast = models.create(name, { ...options, nOutputs: 3, ...steady(name) }) as Model
    const exact = models.create(name, { ...options, nOutputs: 3, ...steady(name) }) as Model
    exact.to({ dtype: 'float64' }).loadStateDict(fast.stateDict())
    const eeg = randn([5, options.nChans, options.nTimes]).add(0.5)
    const weights = randn([5, 3])
    const got = outcome(fast.train(mode === 'train'), eeg, weights)
    const wanted = outcome(exact.train(mode === 'train'), eeg.to('float64'), weights.to('float64'))
    expect(distance(got.logits, wanted.logits) / largest([wanted.logits])).toBeLessThan(2e-5)
    const scale = largest(Object.values(wanted.gradients))
    for (const [key, gradient] of Object.entries(wanted.gradients))
      expect([key, distance(got.gradients[key]!, gradient) / scale < 1e-4]).toEqual([key, true])
    for (const [key, buffer] of Object.entries(wanted.buffers))
      expect([key, distance(got.buffers[key]!, buffer) < 1e-5 * Math.max(1, largest([buffer]))]).toEqual([key, true])
  })
}

test.each([1, 2, 3, 7, 40])(
  'layers of an LSTM that work at the same time give what they give in turn, batch %i',
  (batch) => {
    manualSeed(batch)
    const net = models.lstmEeg({ nChans: 5, nTimes: 71, nOutputs: 3, hiddenSize: 37, nLayers: 3, dropProb: 0 }).eval()
    const eeg = randn([batch, 5, 71])
    const inTurn = net.forward(eeg)
    const atOnce = noGrad(() => net.forward(eeg))
    expect(atOnce.sub(inTurn).abs().max().item()).toBeLessThan(1e-6)
  },
)

test.each(cnnRnns)('without gradients %j gives what it gives with them', (options) => {
  manualSeed(4)
  const net = models.cnnRnn({ ...options, nOutputs: 3 }).eval()
  const eeg = randn([9, options.nChans, options.nTimes])
  const kept = net.forward(eeg)
  expect(noGrad(() => net.forward(eeg).sub(kept).abs().max().item())).toBeLessThan(1e-6)
})

test.each([
  () => models.lstmEeg({ nChans: 3, nTimes: 90, nOutputs: 3, hiddenSize: 33, nLayers: 2, dropProb: 0.3 }),
  // in evaluation mode: the sums of its batch norms do depend on the threads
  () => models.cnnRnn({ ...stem, nTimes: 90, cell: 'gru', hiddenSize: 33, nLayers: 2 }).eval(),
])('the gradients of recurrent layers have the same bits on one thread and on two: %s', async (make) => {
  const before = numThreads()
  const net = make() as Model
  const eeg = randn([70, 3, 90])
  const bits = []
  for (const threads of [1, 2]) {
    await setNumThreads(threads)
    manualSeed(3)
    net.zeroGrad().forward(eeg).sum().backward()
    const recurrent = Object.entries(net.parameters()).filter(([name]) => /_l\d/.test(name))
    bits.push(recurrent.map(([, parameter]) => parameter.grad!.toArray()))
  }
  await setNumThreads(before)
  expect(bits[1]).toEqual(bits[0])
})

const smaller: Record<string, object> = {
  conv_net: { nFilters: [4, 5] },
  cnn_rnn: { cell: 'gru', hiddenSize: 12 },
  resnet1d: { widths: [6, 8], nBlocks: [1, 1] },
}

test('a kernel that must give the gradient of the recording leaves it to LibTorch', () => {
  manualSeed(1)
  const options = { nChans: 4, nTimes: 160, nOutputs: 3 }
  for (const name of ['eegnet', 'conv_net', 'lstm_eeg', 'cnn_rnn', 'resnet1d'] as const) {
    const small = { ...options, ...steady(name), ...smaller[name] }
    const fast = models.create(name, small) as Model
    const exact = models.create(name, small) as Model
    exact.to({ dtype: 'float64' }).loadStateDict(fast.stateDict())
    const eeg = randn([3, 4, 160])
    const grads = [
      [fast, eeg],
      [exact, eeg.to('float64')],
    ].map(([net, x]) => {
      const leaf = (x as Tensor).clone().requires_grad_()
      ;(net as Model).forward(leaf).pow(2).sum().backward()
      return numbers(leaf.grad!)
    })
    expect(distance(grads[0]!, grads[1]!) / largest([grads[1]!])).toBeLessThan(1e-4)
  }
})

test.each([
  { inChans: 3, imageSize: [32, 16], latentDim: 5, width: 3 },
  { inChans: 1, imageSize: [16, 16], latentDim: 4, width: 8 },
])('aae_encoder %j agrees with float64 in both modes, gradients and statistics too', (options) => {
  for (const training of [true, false]) {
    manualSeed(7)
    const fast = models.aaeEncoder(options)
    const exact = models.aaeEncoder(options).to({ dtype: 'float64' }).loadStateDict(fast.stateDict())
    const images = randn([9, options.inChans, ...options.imageSize])
    const weights = randn([9, options.latentDim])
    const got = outcome(fast.train(training), images, weights)
    const wanted = outcome(exact.train(training), images.to('float64'), weights.to('float64'))
    expect(distance(got.logits, wanted.logits) / largest([wanted.logits])).toBeLessThan(2e-5)
    const scale = largest(Object.values(wanted.gradients))
    for (const [key, gradient] of Object.entries(wanted.gradients))
      expect([key, distance(got.gradients[key]!, gradient) / scale < 1e-4]).toEqual([key, true])
    for (const [key, buffer] of Object.entries(wanted.buffers))
      expect([key, distance(got.buffers[key]!, buffer) < 1e-5 * Math.max(1, largest([buffer]))]).toEqual([key, true])
  }
})

test.each([
  ['lstm_eeg', { nChans: 3, nTimes: 40, hiddenSize: 21 }],
  ['cnn_rnn', { ...stem, cell: 'gru', hiddenSize: 9 }],
  ['cnn_rnn', { ...stem, cell: 'rnn', hiddenSize: 9 }],
] as const)('%s %j agrees with float64 however far its gates are driven', (name, options) => {
  manualSeed(10)
  const fast = (models.create(name, options) as Model).eval()
  const exact = (models.create(name, options) as Model).to({ dtype: 'float64' }).loadStateDict(fast.stateDict()).eval()
  const outputs = (eeg: Tensor) => noGrad(() => [fast.forward(eeg), exact.forward(eeg.to('float64'))])
  for (const scale of [1e-6, 30, 1e6, 1e30]) {
    const eeg = randn([5, 3, options.nTimes]).mul(scale)
    const [got, wanted] = outputs(eeg).map(numbers)
    expect(distance(got!, wanted!) / largest([wanted!])).toBeLessThan(2e-6)
    for (const lost of [Number.NaN, Number.POSITIVE_INFINITY]) {
      const spoilt = eeg.clone()
      spoilt.select(0, 2).narrow(1, 7, 1).fill_(lost)
      const [some, same] = outputs(spoilt).map((output) => numbers(output.isfinite().to('float64')))
      expect(some).toEqual(same)
    }
  }
})

test('the gradient of a gradient goes through LibTorch', () => {
  manualSeed(6)
  const options = { nChans: 4, nTimes: 160, nOutputs: 3 }
  for (const name of ['eegnet', 'conv_net', 'resnet1d'] as const) {
    const small = { ...options, ...steady(name), ...smaller[name] }
    const fast = models.create(name, small) as Model
    const exact = models.create(name, small) as Model
    exact.to({ dtype: 'float64' }).loadStateDict(fast.stateDict())
    const eeg = randn([5, 4, 160])
    const [got, wanted] = [fast, exact].map((net, i) => {
      const parameters = Object.values(net.parameters())
      const loss = net
        .forward(i === 0 ? eeg : eeg.to('float64'))
        .pow(2)
        .sum()
      const gradients = grad(loss, parameters, { createGraph: true })
      gradients.reduce((sum, gradient) => sum.add(gradient.pow(2).sum()), zeros([])).backward()
      return parameters.flatMap((parameter) => numbers(parameter.grad!))
    })
    expect(distance(got!, wanted!) / largest([wanted!])).toBeLessThan(1e-3)
  }
})

test('dropout draws the same mask in backward as in forward', () => {
  manualSeed(3)
  const net = models.lstmEeg({ nChans: 3, nTimes: 20, nOutputs: 2, hiddenSize: 24, nLayers: 3, dropProb: 0.4 })
  const eeg = randn([16, 3, 20])
  const loss = () => {
    manualSeed(11)
    return net.forward(eeg).pow(2).sum()
  }
  loss().backward()
  const weight = net.parameters()['lstm.weight_ih_l1']!
  const direction = randn(weight.shape)
  const slope = weight.grad!.mul(direction).sum().item() as number
  const at = (step: number) =>
    noGrad(() => {
      weight.add_(direction.mul(step))
      const value = loss().item() as number
      weight.sub_(direction.mul(step))
      return value
    })
  const measured = (at(2e-3) - at(-2e-3)) / 4e-3
  expect(Math.abs(measured - slope)).toBeLessThan(0.01 * Math.abs(slope))
})

test('dropout keeps the mean, repeats with the seed and differs from call to call', () => {
  manualSeed(5)
  const options = { nChans: 4, nTimes: 200, nOutputs: 2, nFilters: [6] }
  const net = models.convNet({ ...options, dropProb: 0.25 })
  const without = models.convNet({ ...options, dropProb: 0 }).loadStateDict(net.stateDict())
  const eeg = randn([8, 4, 200])
  const draws = noGrad(() => Array.from({ length: 400 }, () => numbers(net.forward(eeg))))
  const expected = noGrad(() => numbers(without.forward(eeg)))
  for (const [i, value] of expected.entries()) {
    const values = draws.map((draw) => draw[i]!)
    const mean = values.reduce((a, b) => a + b) / values.length
    const deviation = Math.sqrt(values.reduce((sum, v) => sum + (v - mean) ** 2, 0) / (values.length - 1))
    expect(Math.abs(mean - value)).toBeLessThan((5 * deviation) / Math.sqrt(values.length))
  }
  expect(draws[0]).not.toEqual(draws[1])
  const seeded = () => {
    manualSeed(9)
    return noGrad(() => numbers(net.forward(eeg)))
  }
  expect(seeded()).toEqual(seeded())
})

test('dropout masks are the same whatever the instructions', async () => {
  const program = `const { Dropout, manualSeed, ones } = await import(${JSON.stringify(builtEntry)})
    manualSeed(2)
    console.log(JSON.stringify([...new Dropout(0.3).forward(ones([999])).toTypedArray()]))`
  const run = async (set: string) => {
    const env = { EEGTORCH_CPU_CAPABILITY: set }
    const { code, stdout, stderr } = await runNode(['--input-type=module', '-e', program], { env })
    expect([code, stderr]).toEqual([0, ''])
    return JSON.parse(stdout) as number[]
  }
  const masks = [await run('baseline'), await run('avx2'), await run('avx512')]
  expect(masks[0]!.filter((value) => value === 0).length).toBeGreaterThan(200)
  expect([...new Set(masks[0])].sort()).toEqual([0, Math.fround(1 / (1 - Math.fround(0.3)))])
  expect(masks[1]).toEqual(masks[0])
  expect(masks[2]).toEqual(masks[0])
})

test('EEGTORCH_PLAIN=1 takes the plain path: other bits, the same numbers; every set of instructions agrees', async () => {
  const program = `const { manualSeed, models, noGrad, randn } = await import(${JSON.stringify(builtEntry)})
    manualSeed(2)
    const x = randn([3, 6, 150])
    const smaller = ${JSON.stringify(smaller)}
    const steady = ${steady}
    const all = ['eegnet', 'conv_net', 'lstm_eeg', 'cnn_rnn', 'resnet1d'].map((name) => {
      const net = models.create(name, { nChans: 6, nTimes: 150, nOutputs: 4, ...steady(name), ...smaller[name] })
      return noGrad(() => [...net.forward(x).toTypedArray()])
    })
    const attends = models.create('eeg_conformer', { nChans: 6, nTimes: 150, nOutputs: 4 }).eval()
    all.push(noGrad(() => [...attends.forward(x).toTypedArray()]))
    console.log(JSON.stringify(all))`
  const run = async (env: Record<string, string>) => {
    const { code, stdout, stderr } = await runNode(['--input-type=module', '-e', program], { env })
    expect([code, stderr]).toEqual([0, ''])
    return JSON.parse(stdout) as number[][]
  }
  const plain = await run({ EEGTORCH_PLAIN: '1' })
  for (const set of ['baseline', 'avx2', 'avx512']) {
    const fast = await run({ EEGTORCH_CPU_CAPABILITY: set })
    expect(await run({ EEGTORCH_CPU_CAPABILITY: set })).toEqual(fast)
    for (const [i, logits] of fast.entries()) {
      expect(logits).not.toEqual(plain[i])
      expect(distance(logits, plain[i]!)).toBeLessThan(2e-5 * largest([plain[i]!]))
    }
  }
})

function outcome(net: Model, eeg: Tensor, weights: Tensor) {
  const logits = net.forward(eeg)
  logits.mul(weights).sum().backward()
  const gradients = Object.entries(net.parameters()).map(([key, parameter]) => [key, numbers(parameter.grad!)] as const)
  const buffers = Object.entries(net.buffers()).map(([key, buffer]) => [key, numbers(buffer)] as const)
  return { logits: numbers(logits), gradients: Object.fromEntries(gradients), buffers: Object.fromEntries(buffers) }
}

function numbers(x: Tensor): number[] {
  return Array.from(x.detach().to('float64').toTypedArray() as Float64Array)
}

function distance(a: readonly number[], b: readonly number[]): number {
  expect(a.length).toBe(b.length)
  return a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i]!)), 0)
}

function largest(arrays: readonly (readonly number[])[]): number {
  return Math.max(...arrays.flat().map(Math.abs))
}

test('a network with ELU gives in inference what it gives in float64; a trial that is no number stays one, alone', () => {
  using net = models.deep4net({ nChans: 3, nOutputs: 2, nTimes: 600 }).eval()
  using exact = models.deep4net({ nChans: 3, nOutputs: 2, nTimes: 600 }).to({ dtype: 'float64' }).eval()
  exact.loadStateDict(net.stateDict())
  const eeg = randn([5, 3, 600])
  const [got, wanted] = noGrad(() => [net.forward(eeg), exact.forward(eeg.to('float64'))])
  expect(Number(got.to('float64').sub(wanted).abs().max().item())).toBeLessThan(1e-5)
  noGrad(() => eeg.select(0, 2).narrow(1, 100, 1).fill_(Number.NaN))
  const finite = noGrad(() => net.forward(eeg))
    .isfinite()
    .all(1)
    .toArray()
  expect(finite).toEqual([true, true, false, true, true])
})
