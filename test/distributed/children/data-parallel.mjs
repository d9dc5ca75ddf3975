// What several processes compute together, and one process alone on the whole batches, as JSON in FOLDER/WORLD_SIZE-RANK.json.
// node data-parallel.mjs ENTRY FOLDER
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'

const [, , entry, folder] = process.argv
const eegtorch = await import(entry)
const { initProcessGroup, loss, manualSeed, models, optim, readProcessPlace, setNumThreads, Sequential } = eegtorch

await setNumThreads(1)
const place = readProcessPlace()
const group = place === undefined ? undefined : await initProcessGroup({ timeout: 30 })
const rank = group?.rank ?? 0
const processes = group?.worldSize ?? 1
const shared = group === undefined ? {} : { group }
const found = {}

/** What an action is refused with. */
async function refusal(action) {
  try {
    await action()
  } catch ({ code, message }) {
    return { code, message }
  }
  return 'nothing'
}

function freePort() {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { address: host, port } = server.address()
      server.close(() => resolve({ host, port }))
    })
  })
}

/** Every number of a network's state, by name. */
function numbers(net) {
  return Object.fromEntries(
    Object.entries(net.stateDict()).map(([name, tensor]) => [name, Array.from(tensor.toTypedArray(), Number)]),
  )
}

/** Random examples: the whole batch in one process, this process's rows of it in several. */
function batch(seed, rows, shape, classes = 3) {
  manualSeed(seed)
  const inputs = eegtorch.randn([rows, ...shape])
  const targets = eegtorch.randint(0, classes, [rows])
  if (group === undefined) return { inputs, targets }
  const [from, to] = [rank, rank + 1].map((i) => Math.floor((rows * i) / processes))
  return { inputs: inputs.narrow(0, from, to - from), targets: targets.narrow(0, from, to - from) }
}

async function train(net, { rows, shape, steps = 20, ...options }) {
  const step = net.trainStep({
    loss: loss.crossEntropy(),
    optimizer: optim.sgd({ lr: 0.1 }),
    seed: 1,
    ...options,
    ...shared,
  })
  const results = []
  for (let i = 0; i < steps; i++) results.push(await step(batch(100 + i, rows, shape)))
  const figures = await step.reductionFigures()
  step.dispose()
  return { results, figures, weights: numbers(net) }
}

/** Three layers of a megabyte each, in two buckets; one parameter has no part in the loss. */
class Perceptron extends eegtorch.Module {
  constructor(seed) {
    super()
    manualSeed(seed)
    this.layers = new Sequential(...[0, 1, 2].flatMap(() => [new eegtorch.Linear(512, 512), (x) => x.tanh()]))
    this.head = new eegtorch.Linear(512, 3)
    this.unused = new eegtorch.Linear(4, 4)
  }

  forward(x) {
    return this.head.forward(this.layers.forward(x))
  }
}

function recurrent(seed, options = {}) {
  manualSeed(seed)
  return models.lstmEeg({ nChans: 4, nOutputs: 3, nTimes: 20, hiddenSize: 16, dropProb: 0, ...options })
}

// Weights are those of process 0: each process starts from others.
found.recurrent = await train(recurrent(rank), { rows: 16, shape: [4, 20] })
found.perceptron = await train(new Perceptron(rank), { rows: 16, shape: [512], steps: 5 })
// Large, and the others hang on them.
for (const layer of ['0', '2']) delete found.perceptron.weights[`layers.${layer}.weight`]

// Class weights, parts of four and five rows, micro-batches, momentum and clipping.
found.uneven = await train(recurrent(rank), {
  ...{ rows: 9, shape: [4, 20], steps: 6, accumulate: 3, clipNorm: 0.5 },
  ...{ loss: loss.crossEntropy({ weight: [1, 3, 0.5] }), optimizer: optim.sgd({ lr: 0.1, momentum: 0.9 }) },
})

// One batch in all processes: were their dropout the same, so would be the mean of their losses and that of one process.
{
  const any =
    group ?? (await initProcessGroup({ place: { rank: 0, worldSize: 1, localRank: 0, ...(await freePort()) } }))
  const net = recurrent(0, { dropProb: 0.5 })
  const step = net.trainStep({ loss: loss.crossEntropy(), optimizer: optim.sgd(), seed: 5, group: any })
  manualSeed(3)
  const same = { inputs: eegtorch.randn([8, 4, 20]), targets: eegtorch.randint(0, 3, [8]) }
  found.dropout = { loss: (await step(same)).loss }
  const { training } = await step.snapshot()
  const states = await any.allGather(training.get('random'))
  found.dropout.sameState = states.every((state) => state.equal(states[0]))
}

if (group !== undefined) {
  const tensor = (values) => eegtorch.tensor(values, { dtype: 'float32' })
  found.collectives = {}
  for (const reduction of ['sum', 'mean', 'min', 'max']) {
    const values = tensor([rank + 1, -rank])
    await group.allReduce(values, reduction)
    found.collectives[reduction] = [...values.toTypedArray()]
  }
  // A transposed view, whose memory is not in order.
  const view = eegtorch
    .arange(0, 6)
    .reshape([2, 3])
    .add(10 * rank)
    .t()
  await group.broadcast(view, processes - 1)
  found.collectives.broadcast = Array.from(view.contiguous().toTypedArray(), Number)
  const flags = await group.allGather(eegtorch.tensor([rank === 0, true]))
  found.collectives.allGather = flags.map((flag) => [...flag.toTypedArray()].map(Number))
  found.collectives.value = await group.broadcastValue({ rank, text: 'ä' }, processes - 1)
  found.collectives.anyOf = [await group.anyOf(rank === 1), await group.anyOf(false)]
  await group.barrier()

  // What inference packed of weights is of no use once peers have written to them.
  const sizes = { nChans: 2, nTimes: 61, widths: [4], nBlocks: [1] }
  const [net, fresh] = [0, 1].map(() => models.resnet1d(sizes).eval())
  const window = eegtorch.randn([1, 2, 61])
  const infer = (from) => eegtorch.noGrad(() => from.forward(window))
  const before = infer(net)
  for (const weight of Object.values(net.parameters())) await group.allReduce(weight)
  fresh.loadStateDict(net.stateDict())
  const largest = (tensor) => Number(tensor.abs().max().item())
  found.summed = { change: largest(infer(net).sub(before)), error: largest(infer(net).sub(infer(fresh))) }

  found.refused = {
    shape: await refusal(() => group.allReduce(tensor(rank === 0 ? [1, 2] : [1]))),
    call: await refusal(() => (rank === 0 ? group.barrier() : group.allReduce(tensor([1])))),
    mean: await refusal(() => group.allReduce(eegtorch.tensor([1], { dtype: 'int64' }), 'mean')),
    root: await refusal(() => group.broadcast(tensor([1]), processes)),
    networks: await refusal(() =>
      recurrent(0, { hiddenSize: 8 + rank })
        .trainStep({ loss: loss.crossEntropy(), optimizer: optim.sgd(), group })
        .synchronise(),
    ),
  }
}

// The loop: validation, the best epoch, files of process 0, and going on after a stop that one process asks for.
{
  const windows = await eegtorch
    .simulateMotorImagery({ subjects: 1, runs: 2, trials: 13, samplingRate: 64, seed: 4 })
    .windows({ from: 0, to: 1 })
  const [train, validation] = [0, 1].map((part) =>
    windows.subset(Array.from({ length: windows.length }, (_, i) => i).filter((i) => (i % 4 === 0) === (part === 1))),
  )
  const make = () => {
    manualSeed(rank)
    const [nChans, nTimes] = [windows.nChannels, windows.nSamples]
    return models.lstmEeg({ nChans, nOutputs: 2, nTimes, hiddenSize: 8, dropProb: 0 })
  }
  const options = {
    ...{ epochs: 4, batchSize: 4 / processes, seed: 2, optimizer: optim.sgd({ lr: 0.05 }) },
    ...{ validation, earlyStopping: { patience: 3 }, ...shared },
  }
  const storeIn = (name) => new eegtorch.TrainingCheckpoints(join(folder, `${name}-${processes}`), { everySteps: 1 })
  const [whole, stopped] = [make(), make()]
  found.fit = {
    result: await eegtorch.fit(whole, train, { ...options, store: storeIn('whole') }),
    weights: numbers(whole),
  }

  const cancel = new AbortController()
  const onStep = (_, { step }) => step === 3 && rank === processes - 1 && cancel.abort()
  const store = storeIn('stopped')
  const interrupted = eegtorch.fit(stopped, train, { ...options, store, onStep, signal: cancel.signal })
  found.stopped = await refusal(() => interrupted)
  const resumed = make()
  await eegtorch.fit(resumed, train, { ...options, store })
  found.resumed = JSON.stringify(numbers(resumed)) === JSON.stringify(found.fit.weights)
}

writeFileSync(join(folder, `${processes}-${rank}.json`), JSON.stringify(found))
await group?.barrier()
group?.dispose()
