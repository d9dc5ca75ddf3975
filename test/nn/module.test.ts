import {
  BatchNorm,
  Conv1d,
  Dropout,
  LayerNorm,
  Linear,
  loss,
  Module,
  manualSeed,
  models,
  ops,
  optim,
  randint,
  randn,
  Sequential,
  type Tensor,
  fit as train,
} from 'eegtorch'
import { EegNet, inCpp } from './eegnet.ts'

const options = { nChans: 7, nTimes: 200, nOutputs: 3, dropProb: 0 }
const names = (tensors: Record<string, Tensor>) => Object.keys(tensors)

function largestDifference(a: Record<string, Tensor>, b: Record<string, Tensor>): number {
  expect(names(a).sort()).toEqual(names(b).sort())
  return Math.max(...Object.entries(a).map(([name, tensor]) => tensor.sub(b[name]!).abs().max().item() as number))
}

test('a network written in TypeScript has the state dict, outputs and gradients of its twin in C++', () => {
  manualSeed(1)
  const net = new EegNet(options)
  const twin = inCpp(net, options)
  expect(names(net.stateDict())).toEqual(names(twin.stateDict()))
  const eeg = randn([4, 7, 200])
  const outputs = [net.forward(eeg), twin.forward(eeg)]
  expect(outputs[0]!.sub(outputs[1]!).abs().max().item()).toBeLessThan(1e-5)
  for (const output of outputs) output.square().sum().backward()
  const gradients = [net, twin].map((one) =>
    Object.fromEntries(Object.entries(one.parameters()).map(([name, { grad }]) => [name, grad!])),
  )
  expect(largestDifference(gradients[0]!, gradients[1]!)).toBeLessThan(2e-3)
  expect(largestDifference(net.buffers(), twin.buffers())).toBeLessThan(1e-6)
})

test('its native training step is that of its twin, batches of several sizes and micro-batches included', async () => {
  manualSeed(2)
  const net = new EegNet(options)
  const twin = inCpp(net, options)
  const settings = { loss: loss.crossEntropy(), optimizer: optim.sgd({ lr: 0.01 }), accumulate: 2 }
  using step = net.trainStep(settings)
  using twinStep = twin.trainStep(settings)
  for (const size of [5, 8, 5, 1]) {
    const batch = { inputs: randn([size, 7, 200]), targets: randint(0, 3, [size]) }
    const [a, b] = [await step(batch), await twinStep(batch)]
    expect(Math.abs(a.loss - b.loss)).toBeLessThan(1e-4)
    const [x, y] = [await step.evaluate(batch), await twinStep.evaluate(batch)]
    expect(Math.abs(x.loss! - y.loss!)).toBeLessThan(1e-4)
  }
  expect(largestDifference(net.stateDict(), twin.stateDict())).toBeLessThan(1e-4)
})

test('recording leaves no trace in running statistics or random numbers', () => {
  const net = new Sequential(new Linear(4, 4), new BatchNorm(4), new Dropout(0.5))
  const before = Object.values(net.buffers()).map((buffer) => buffer.toArray())
  manualSeed(3)
  net.prepare([randn([6, 4])], true)
  const drawn = randn([3]).toArray()
  expect(Object.values(net.buffers()).map((buffer) => buffer.toArray())).toEqual(before)
  manualSeed(3)
  randn([6, 4])
  expect(randn([3]).toArray()).toEqual(drawn)
})

test('Sequential takes modules, models of the registry and functions, and trains with fit', async () => {
  manualSeed(4)
  const net = new Sequential(
    new Conv1d(3, 8, 5, { padding: 2 }),
    new BatchNorm(8),
    (x) => ops.aten.elu(x),
    (x) => x.mean([2]) as Tensor,
    new LayerNorm(8),
    new Linear(8, 2),
  )
  expect(names(net.parameters())).toContain('5.weight')
  const labels = randint(0, 2, [64])
  const inputs = randn([64, 3, 40]).add(labels.reshape([-1, 1, 1]))
  const losses: number[] = []
  await train(
    net,
    { inputs, targets: labels },
    {
      epochs: 12,
      batchSize: 24,
      optimizer: optim.adam({ lr: 0.02 }),
      seed: 1,
      onEpoch: ({ trainLoss }) => void losses.push(trainLoss),
    },
  )
  expect(losses.at(-1)!).toBeLessThan(0.5 * losses[0]!)
})

test('models of the registry are parts like any other', async () => {
  const encoder = models.aaeEncoder({ imageSize: [16, 16], width: 2, latentDim: 9 })
  const decoder = models.aaeDecoder({ imageSize: [16, 16], width: 2, latentDim: 9 })
  const net = new Sequential(encoder, decoder)
  expect(names(net.stateDict())[0]).toBe('0.conv.0.weight')
  using step = net.trainStep({ loss: loss.mse(), optimizer: optim.adam() })
  const images = randn([4, 1, 16, 16]).sigmoid()
  const before = encoder.stateDict()['conv.0.weight']!.clone()
  await step({ inputs: images, targets: images })
  expect(encoder.stateDict()['conv.0.weight']!.sub(before).abs().max().item()).toBeGreaterThan(0)
})

test('what a layer cannot be is said in one sentence', () => {
  expect(() => new Linear(0, 3)).toThrow(expect.objectContaining({ code: 'INVALID_OPTION', option: 'inFeatures' }))
  expect(() => new Conv1d(4, 6, 3, { groups: 4 })).toThrow(expect.objectContaining({ option: 'groups' }))
  expect(() => new Conv1d(4, 6, [3, 3])).toThrow(expect.objectContaining({ option: 'kernel' }))
  class Broken extends Module {
    override forward(x: Tensor): Tensor {
      return x.item() as never
    }
  }
  expect(() => new Broken().prepare([randn([1])], true)).toThrow('cannot read the values')
})

/** The difference between the projections of two inputs. */
class Difference extends Module {
  readonly project = new Linear(3, 2)

  override forward(a: Tensor, b: Tensor): Tensor {
    return this.project.forward(a).sub(this.project.forward(b))
  }
}

test('a network of two inputs is computed on the compute thread, and refuses one of them alone', async () => {
  const net = new Difference()
  const [a, b] = [randn([4, 3]), randn([4, 3])]
  expect((await net.forwardAsync(a, b)).toArray()).toEqual(net.forward(a, b).toArray())
  const [first, ...others] = await net.runAsync(b, a)
  expect(first!.toArray()).toEqual(net.forward(b, a).toArray())
  expect(others).toEqual([])
  await expect(net.forwardAsync(a)).rejects.toThrow()
})

test('a norm in a filter bank refuses a single value per channel, and leaves its statistics as they were', () => {
  const norm = new BatchNorm(2)
  const [eeg, temporal, spatial] = [randn([1, 1, 4]), randn([2, 1, 1, 4]), randn([2, 1, 1, 1])]
  expect(() => norm.asFilterBank(eeg, temporal, spatial, 0)).toThrow(/more than 1 value per channel/)
  expect(norm.buffers().running_var!.toArray()).toEqual([1, 1])
})
