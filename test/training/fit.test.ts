import { monitorEventLoopDelay } from 'node:perf_hooks'
import {
  DataLoader,
  type FitOptions,
  fromTypedArray,
  loss,
  type Model,
  manualSeed,
  memory,
  models,
  numThreads,
  optim,
  type StepResult,
  setNumThreads,
  type Tensor,
  fit as train,
} from 'eegtorch'
import { TrainingProgress } from '../../lib/training/training-progress.ts'
import { makeNet, makeWindows } from './small-net.ts'

const [channels, samples] = [4, 64]

function bytes(net: Model): Record<string, number[]> {
  const state = Object.entries(net.stateDict())
  return Object.fromEntries(
    state.map(([name, tensor]) => [name, Array.from(tensor.toTypedArray() as Float32Array, Number)]),
  )
}

// Networks this small gain nothing from threads, and lose much where other processes want the cores.
beforeAll(() => setNumThreads(1))

test('a network learns, and validation picks the epoch that it keeps', async () => {
  const net = makeNet()
  const result = await train(net, makeWindows(64), {
    epochs: 20,
    batchSize: 8,
    optimizer: optim.adam({ lr: 5e-3 }),
    validation: makeWindows(32, 1),
  })
  expect(result.epochs).toHaveLength(20)
  expect(result.resumed).toBe(false)
  expect(result.epochs.at(-1)!.trainLoss).toBeLessThan(0.6 * result.epochs[0]!.trainLoss)
  const losses = result.epochs.map(({ validationLoss }) => validationLoss!)
  expect(result.bestEpoch).toBe(losses.indexOf(Math.min(...losses)) + 1)
  expect(result.epochs[result.bestEpoch! - 1]!.validationAccuracy).toBeGreaterThan(0.8)
})

test('the same seed gives the same bytes, another seed others', async () => {
  const run = async (seed: number) => {
    const net = makeNet()
    await train(net, makeWindows(24), { epochs: 2, batchSize: 8, seed })
    return bytes(net)
  }
  const first = await run(1)
  expect(await run(1)).toEqual(first)
  expect(await run(2)).not.toEqual(first)
})

test('training stops when validation no longer improves, and refuses to choose by nothing', async () => {
  const options = { epochs: 50, earlyStopping: { patience: 3 } }
  const other = makeWindows(16, 1)
  // What is learned is wrong for these, so that validation gets worse from some epoch on.
  const validation = other.with({ origins: other.origins.map((origin) => ({ ...origin, label: 1 - origin.label })) })
  const result = await train(makeNet(), makeWindows(16), {
    ...options,
    optimizer: optim.adam({ lr: 1e-2 }),
    validation,
  })
  expect(result.stoppedEarly).toBe(true)
  expect(result.epochs.length).toBe(result.bestEpoch! + 3)
  await expect(train(makeNet(), makeWindows(16), options)).rejects.toMatchObject({ code: 'INVALID_OPTION' })
})

test('the best epoch is chosen by the figure that is asked for, with early stopping or without', async () => {
  const validation = makeWindows(16, 1)
  const run = (options: Partial<FitOptions>) =>
    train(makeNet(), makeWindows(32), { epochs: 15, optimizer: optim.adam({ lr: 1e-2 }), validation, ...options })
  const first = (values: number[], best: number) => values.indexOf(best) + 1
  const byLoss = await run({})
  const accuracies = byLoss.epochs.map(({ validationAccuracy }) => validationAccuracy!)
  const best = first(accuracies, Math.max(...accuracies))
  expect(byLoss.bestEpoch).not.toBe(best)
  for (const options of [{}, { earlyStopping: { patience: 15 } }]) {
    const byAccuracy = await run({ monitor: 'accuracy', ...options })
    expect([byAccuracy.bestEpoch, byAccuracy.epochs]).toEqual([best, byLoss.epochs])
  }
  expect((await run({ minDelta: 10 })).bestEpoch).toBe(1)
  const refused: Partial<FitOptions>[] = [
    { minDelta: -1 },
    { earlyStopping: { patience: 0 } },
    // Where it was said in older versions.
    { earlyStopping: { patience: 3, monitor: 'accuracy' } as never },
  ]
  for (const options of refused) await expect(run(options)).rejects.toMatchObject({ code: 'INVALID_OPTION' })
  const byNothing = train(makeNet(), makeWindows(16), { epochs: 1, monitor: 'accuracy' })
  await expect(byNothing).rejects.toMatchObject({ code: 'INVALID_OPTION', option: 'monitor' })
})

test('a last batch of fewer examples than parts still makes its step, and more parts than a batch has are refused', async () => {
  const run = async (accumulate: number) => {
    manualSeed(0)
    const net = models.lstmEeg({ nChans: channels, nTimes: samples, nOutputs: 2, hiddenSize: 8, dropProb: 0 })
    const start = bytes(net)
    const optimizer = optim.sgd({ lr: 0.05 })
    // 8 and 2 windows
    await train(net, makeWindows(10), { epochs: 2, batchSize: 8, accumulate, optimizer })
    return { start, end: bytes(net) }
  }
  const [whole, parts] = [await run(1), await run(8)]
  const apart = (a: typeof whole.end, b: typeof whole.end) =>
    Math.max(...Object.entries(a).flatMap(([name, values]) => values.map((value, i) => Math.abs(value - b[name]![i]!))))
  expect(apart(whole.start, whole.end)).toBeGreaterThan(1e-3)
  expect(apart(parts.end, whole.end)).toBeLessThan(1e-6)
  await expect(run(9)).rejects.toMatchObject({ code: 'INVALID_OPTION', option: 'accumulate', received: '9' })
})

test('a snapshot continues bit for bit, with dropout, moments and step counts', async () => {
  const make = () =>
    makeNet().trainStep({ loss: loss.crossEntropy(), optimizer: optim.adamW({ amsgrad: true }), seed: 3 })
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
  const values = (tensors: Map<string, Tensor>) =>
    [...tensors].map(([name, t]) => [name, Array.from(t.toTypedArray() as Float32Array, Number)])
  expect(values((await other.snapshot()).training)).toEqual(values((await one.snapshot()).training))
  const sgd = makeNet().trainStep({ loss: loss.crossEntropy(), optimizer: optim.sgd({ momentum: 0.9 }), seed: 3 })
  const before = values((await sgd.snapshot()).model)
  await expect(sgd.restore(saved!)).rejects.toMatchObject({ code: 'CHECKPOINT_MISMATCH' })
  expect(values((await sgd.snapshot()).model)).toEqual(before)
})

test('float16 skips a step whose gradients overflow, and halves its scale', async () => {
  const step = makeNet().trainStep({ loss: loss.crossEntropy(), optimizer: optim.adam(), autocast: 'float16' })
  const loader = new DataLoader(makeWindows(8), { batchSize: 8 })
  const results: StepResult[] = []
  for (let epoch = 0; epoch < 3; epoch++) for await (const batch of loader) results.push(await step(batch))
  expect(results.every(({ loss }) => Number.isFinite(loss))).toBe(true)
  const large = {
    inputs: fromTypedArray(new Float32Array(8 * channels * samples).fill(Number.POSITIVE_INFINITY), {
      shape: [8, channels, samples],
    }) as Tensor,
    targets: fromTypedArray(new BigInt64Array(8)) as Tensor,
  }
  const before = await step.snapshot()
  expect((await step(large)).skipped).toBe(true)
  const after = await step.snapshot()
  const scale = (state: typeof before) => (state.training.get('scaler.scale')!.toTypedArray() as Float32Array)[0]
  expect(scale(after)).toBe(scale(before)! / 2)
  const weight = (state: typeof before) =>
    Array.from(state.model.get('final_layer.conv_classifier.weight')!.toTypedArray() as Float32Array)
  expect(weight(after)).toEqual(weight(before))
})

test('hundreds of steps hold no more tensors than the first', async () => {
  const net = makeNet()
  const step = net.trainStep({ loss: loss.crossEntropy(), optimizer: optim.adam() })
  const loader = new DataLoader(makeWindows(64), { batchSize: 8 })
  const epoch = async () => {
    for await (const batch of loader) await step(batch)
  }
  await epoch()
  const before = memory()
  for (let i = 0; i < 40; i++) await epoch()
  expect(memory()).toEqual(before)
})

test('the event loop is free while a network trains', async () => {
  const threads = numThreads()
  // With every core taken by arithmetic, the delay measured would be the operating system's.
  await setNumThreads(1)
  const net = models.eegnet({ nChans: 22, nOutputs: 2, nTimes: 250 })
  const step = net.trainStep({ loss: loss.crossEntropy(), optimizer: optim.adam() })
  const inputs = fromTypedArray(new Float32Array(32 * 22 * 250), { shape: [32, 22, 250] }) as Tensor
  const targets = fromTypedArray(new BigInt64Array(32)) as Tensor
  await step({ inputs, targets })
  const delays: number[] = []
  // Other processes on the cores spoil a window now and then; a loop that waits for each step spoils all.
  while (delays.length < 8 && !delays.some((delay) => delay < 5)) {
    const delay = monitorEventLoopDelay({ resolution: 1 })
    delay.enable()
    const end = Date.now() + 1000
    while (Date.now() < end) await step({ inputs, targets })
    delay.disable()
    delays.push(delay.percentile(99) / 1e6 - 1)
  }
  await setNumThreads(threads)
  expect(Math.min(...delays)).toBeLessThan(5)
})

test('an aborted signal, a loss that is no number and a wrong batch are clear errors', async () => {
  const controller = new AbortController()
  const cancelled = train(makeNet(), makeWindows(16), {
    epochs: 9,
    signal: controller.signal,
    onEpoch: () => controller.abort(),
  })
  await expect(cancelled).rejects.toMatchObject({ code: 'CANCELLED' })
  const broken = makeWindows(16)
  broken.data.fill(Number.NaN)
  await expect(train(makeNet(), broken, { epochs: 1 })).rejects.toMatchObject({ code: 'DIVERGED' })
  const step = makeNet().trainStep({ loss: loss.crossEntropy(), optimizer: optim.adam() })
  const inputs = fromTypedArray(new Float32Array(2 * channels * samples), { shape: [2, channels, samples] }) as Tensor
  const targets = fromTypedArray(new BigInt64Array(3)) as Tensor
  await expect(step({ inputs, targets })).rejects.toMatchObject({ code: 'SHAPE_MISMATCH' })
  const optimizer = { name: 'adamx' }
  expect(() => makeNet().trainStep({ loss: loss.crossEntropy(), optimizer })).toThrow(/adam, adamw, sgd, rmsprop/)
  expect(() => makeNet().trainStep({ loss: loss.crossEntropy(), optimizer: optim.adam({ lr: -1 }) })).toThrow(
    /lr is out of range/,
  )
})

test.each([
  [optim.sgd({ momentum: -0.1 }), 'momentum', '-0.1'],
  [optim.sgd({ nesterov: true }), 'momentum', '0'],
  [optim.sgd({ momentum: 0.9, dampening: 0.5, nesterov: true }), 'dampening', '0.5'],
  [optim.rmsprop({ alpha: -1 }), 'alpha', '-1'],
  [optim.rmsprop({ eps: Infinity }), 'eps', 'inf'],
  [optim.adam({ beta2: 1 }), 'beta2', '1'],
  [optim.adam({ weightDecay: -2 }), 'weight_decay', '-2'],
])('a wrong option of an optimiser is named alone: %j', (optimizer, option, received) => {
  const build = () => makeNet().trainStep({ loss: loss.crossEntropy(), optimizer })
  expect(build).toThrow(expect.objectContaining({ code: 'INVALID_OPTION', option, received }))
})

test('progress counts a weighted mean over the batches of an epoch', () => {
  const progress = new TrainingProgress({
    epoch: 0,
    batch: 0,
    step: 0,
    sums: { loss: 0, mass: 0, correct: 0, count: 0 },
    epochs: [],
    stopped: false,
  })
  const common = { gradNorm: 0, skipped: false }
  progress.add({ loss: 1, correct: 1, count: 2, mass: 3, ...common })
  progress.add({ loss: 2, correct: 1, count: 2, mass: 1, ...common })
  expect(progress.epochFigures()).toEqual({ epoch: 1, trainLoss: 1.25, trainAccuracy: 0.5 })
})
