import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  augment,
  DataLoader,
  loadFitting,
  loss,
  type Model,
  models,
  optim,
  setNumThreads,
  type Tensor,
  type TrainStepOptions,
  fit as train,
} from 'eegtorch'
import { createTrainStep } from '../../lib/training/train-step.ts'
import { makeNet, makeWindows } from './small-net.ts'

const folder = mkdtempSync(join(tmpdir(), 'eegtorch-regimes-'))
beforeAll(() => setNumThreads(1))
afterAll(() => rmSync(folder, { recursive: true }))

const numbers = (tensor: Tensor): number[] => Array.from(tensor.toTypedArray() as Float32Array, Number)
const values = (tensors: ReadonlyMap<string, Tensor>) => [...tensors].map(([name, tensor]) => [name, numbers(tensor)])
const weights = (net: Model): Record<string, number[]> =>
  Object.fromEntries(Object.entries(net.stateDict()).map(([name, tensor]) => [name, numbers(tensor)]))

test.each<[string, Partial<TrainStepOptions>]>([
  ['L-BFGS', { optimizer: optim.lbfgs({ maxIter: 3, historySize: 2, strongWolfe: true }) }],
  ['L-BFGS without a search', { optimizer: optim.lbfgs({ lr: 0.1, maxIter: 2 }), l1: 1e-3 }],
  ['a running mean of the weights', { optimizer: optim.adam(), ema: 0.7 }],
  ['a running mean that warms up', { optimizer: optim.adam(), ema: 0.9, useEmaWarmup: true }],
  ['augmentations', { optimizer: optim.adam(), augmentations: [augment.gaussianNoise(), augment.mixup()] }],
])('a snapshot continues bit for bit with %s', async (_, options) => {
  const make = () =>
    createTrainStep(makeNet(), { loss: loss.crossEntropy(), optimizer: optim.sgd(), seed: 3, ...options })
  const loader = new DataLoader(makeWindows(32), { batchSize: 8 })
  const [one, other] = [make(), make()]
  const losses: number[] = []
  let saved: Awaited<ReturnType<typeof one.snapshot>> | undefined
  for await (const batch of loader.epoch(0)) {
    losses.push((await one(batch)).loss)
    if (losses.length === 2) saved = await one.snapshot()
  }
  await other.restore(saved!)
  const again: number[] = []
  for await (const batch of loader.epoch(0, 2)) again.push((await other(batch)).loss)
  expect(again).toEqual(losses.slice(2))
  const [mine, theirs] = [await one.snapshot(), await other.snapshot()]
  expect(values(theirs.training)).toEqual(values(mine.training))
  expect(values(theirs.model)).toEqual(values(mine.model))
})

test('L-BFGS comes nearer to the minimum of a batch than the same number of steps of gradient descent', async () => {
  const run = async (optimizer: TrainStepOptions['optimizer']) => {
    const net = makeNet()
    const step = createTrainStep(net, { loss: loss.crossEntropy(), optimizer, seed: 0 })
    const loader = new DataLoader(makeWindows(32), { batchSize: 32 })
    let last = Number.NaN
    for (let i = 0; i < 4; i++) for await (const batch of loader.epoch(0)) last = (await step(batch)).loss
    return last
  }
  const search = await run(optim.lbfgs({ maxIter: 5, strongWolfe: true }))
  expect(search).toBeLessThan(0.8 * (await run(optim.sgd({ lr: 0.1 }))))
  const grouped = () =>
    createTrainStep(makeNet(), { loss: loss.crossEntropy(), optimizer: { ...optim.lbfgs(), layerDecay: 0.5 } })
  expect(grouped).toThrow(/lbfgs moves all parameters as one/)
})

test('a running mean that warms up follows the weights as diffusers has it, and then its decay', async () => {
  const settings = { ema: 0.5, useEmaWarmup: true, emaInvGamma: 2, emaPower: 0.75 }
  const step = createTrainStep(makeNet(), { loss: loss.crossEntropy(), optimizer: optim.sgd({ lr: 0.1 }), ...settings })
  let expected: number[] | undefined
  const seen: number[] = []
  for await (const batch of new DataLoader(makeWindows(48), { batchSize: 8 }).epoch(0)) {
    await step(batch)
    const { model, training } = await step.snapshot()
    const [name, weight] = [...model].find(([tensor]) => training.has(`ema.mean.${tensor}`))!
    const now = numbers(weight)
    // diffusers' EMAModel: optimisation step n + 1 has decay min(0.5, 1 - (1 + n / 2) ** -0.75), the first one none
    const decay = Math.min(0.5, 1 - (1 + seen.length / 2) ** -0.75)
    expected = expected?.map((value, i) => value - (1 - decay) * (value - now[i]!)) ?? now
    const mean = numbers(training.get(`ema.mean.${name}`)!)
    for (const [i, value] of mean.entries()) expect(Math.abs(value - expected[i]!)).toBeLessThan(1e-6)
    seen.push(decay)
  }
  expect([seen[0], seen[1]! < seen[2]!, seen.at(-1)]).toEqual([0, true, 0.5])
  const wrong = () =>
    createTrainStep(makeNet(), { loss: loss.crossEntropy(), optimizer: optim.sgd(), useEmaWarmup: true })
  expect(wrong).toThrow(/use_ema_warmup is out of range: expected false, as there is no ema/)
})

test('fit validates, keeps and leaves the running mean of the weights', async () => {
  const kept = new Map<string, number[]>()
  const net = makeNet()
  const options = { epochs: 2, batchSize: 8, ema: 0.9, optimizer: optim.adam({ lr: 1e-2 }) }
  const result = await train(net, makeWindows(32), {
    ...options,
    validation: makeWindows(32, 1),
    store: {
      restore: async () => undefined,
      afterStep: async () => undefined,
      afterEpoch: async () => undefined,
      save: async () => undefined,
      keepBest: async () => undefined,
      loadBest: async () => new Map(),
      finish: async (last) => {
        for (const [name, tensor] of last) kept.set(name, numbers(tensor))
      },
    },
  })
  expect(weights(net)).toEqual(Object.fromEntries(kept))
  const plain = makeNet()
  await train(plain, makeWindows(32), { ...options, ema: null })
  expect(weights(plain)).not.toEqual(weights(net))
  // What was validated is what the network now holds.
  const step = createTrainStep(net, { loss: loss.crossEntropy(), optimizer: optim.sgd() })
  const batch = (await new DataLoader(makeWindows(32, 1), { batchSize: 32 }).epoch(0).next()).value
  const { loss: now } = await step.evaluate({ inputs: batch.inputs, targets: batch.targets })
  expect(now).toBeCloseTo(result.epochs[result.bestEpoch! - 1]!.validationLoss!, 5)
})

test('a network starts from the weights of another with other classes, and its frozen part stays as it is', async () => {
  const source = makeNet({ nOutputs: 5 })
  const file = join(folder, 'five.safetensors')
  await source.save(file)
  const net = makeNet()
  const { loaded, left } = await loadFitting(net, file)
  expect(left).toEqual(['final_layer.conv_classifier.weight', 'final_layer.conv_classifier.bias'])
  expect(weights(net)[loaded[0]!]).toEqual(weights(source)[loaded[0]!])
  const before = weights(net)
  await train(net, makeWindows(16), { epochs: 2, batchSize: 8, freeze: ['conv_*', 'bnorm_*'] })
  const changed = Object.keys(before).filter((name) =>
    before[name]!.some((value, i) => value !== weights(net)[name]![i]),
  )
  expect(changed).toEqual(left)
  // Another training of the same network is free of it.
  await train(net, makeWindows(16), { epochs: 1, batchSize: 8 })
  expect(weights(net)['bnorm_1.running_mean']).not.toEqual(before['bnorm_1.running_mean'])
  await expect(loadFitting(models.lstmEeg({ nChans: 4 }), file)).rejects.toMatchObject({ code: 'CHECKPOINT_MISMATCH' })
  await expect(train(net, makeWindows(16), { epochs: 1, freeze: ['conv1*'] })).rejects.toMatchObject({
    option: 'freeze',
  })
})

test('augmentations learn what they need from the windows, and validation is not augmented', async () => {
  const flat = { probability: 1, pDrop: 1 }
  const options = { epochs: 1, batchSize: 8, optimizer: optim.sgd({ lr: 0 }), validation: makeWindows(32) }
  const augmentations = [augment.bandstopFilter(), augment.frequencyShift(), augment.channelsSymmetry()]
  const gone = await train(makeNet(), makeWindows(32), {
    ...options,
    augmentations: [...augmentations, augment.channelsDropout(flat)],
  })
  const whole = await train(makeNet(), makeWindows(32), options)
  // Without samples there is nothing to tell; what the batch norms saw is the one trace of it.
  expect(gone.epochs[0]!.trainLoss).toBeCloseTo(Math.log(2), 1)
  expect(gone.epochs[0]!.trainLoss).not.toBe(whole.epochs[0]!.trainLoss)
  expect(gone.epochs[0]!.validationLoss).not.toBeCloseTo(gone.epochs[0]!.trainLoss, 5)
})
