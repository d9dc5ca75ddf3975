// The eegtorch side of the benchmark: reads one JSON command a line, answers one line. Times are milliseconds.
// argv: case as JSON, or "operators".
import { readFileSync, writeFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import * as eegtorch from '../../dist/index.js'
import { prepareAdapter, prepareLanguage } from './language.mjs'

const { loss, manualSeed, models, noGrad, optim, record, Sequential, ones, randint, randn, setNumThreads, zeros } =
  eegtorch

const optimizers = { adam: optim.adam, adamw: optim.adamW }

/** Adds of 8 floats; each action is 20,000 of them. */
function prepareOperators() {
  const [a, b] = [ones([8]), ones([8])]
  const repeat = (body) => async () => {
    for (let i = 0; i < 20_000; i++) body()
  }
  return {
    'new, collected': repeat(() => a.add(b)),
    'new, disposed': repeat(() => a.add(b).dispose()),
    'in place': repeat(() => a.add_(b)),
  }
}

function prepareNetwork({ networks, options, inputs, integers, batch, loss: objective, optimizer, method, ...place }) {
  const { device, dtype } = place
  const nets = networks.map((name) => models.create(name, options).to({ device, dtype }))
  const whole = nets.length > 1 ? new Sequential(...nets) : nets[0]
  const draw = (size) =>
    Object.entries(inputs).map(([name, shape]) =>
      integers.includes(name)
        ? zeros([size, ...shape], { dtype: 'int64', device })
        : randn([size, ...shape], { dtype, device }),
    )
  const prepared = { inference: inferenceOf(nets, whole, method, draw, device) }
  if (objective) prepared.training = prepareTraining(whole, objective, optimizer, draw(batch))
  return prepared
}

function prepareTraining(net, objective, optimizer, inputs) {
  const classes = objective === 'cross_entropy'
  const step = net.trainStep({ loss: classes ? loss.crossEntropy() : loss.mse(), optimizer: optimizers[optimizer]() })
  let targets
  return async () => {
    if (!targets) {
      const { shape } = noGrad(() => net.eval().forward(...inputs))
      targets = (classes ? randint(0, 4, [shape[0]]) : randn(shape)).to(inputs[0].device)
    }
    net.train()
    await step({ inputs, targets })
  }
}

function inferenceOf(nets, whole, method, draw, device) {
  if (method) return part(whole, method, draw)
  return device === 'cuda' ? graph(whole, draw) : inference(nets, draw)
}

/** On a GPU: as one CUDA graph, until it has finished. */
function graph(net, draw) {
  const run = record((...values) => net.eval().forward(...values), { cudaGraph: true })
  const drawn = new Map()
  return async ({ batch }) => {
    if (!drawn.has(batch)) drawn.set(batch, draw(batch))
    const output = await noGrad(() => run.async(...drawn.get(batch)))
    output.flatten().narrow(0, 0, 1).item()
    output.dispose()
  }
}

/**
 * One window is decoded where it arrives, as PyTorch does it, and so is a batch that takes less than a millisecond; others on the compute
 * thread, so that the event loop is free.
 */
function inference(nets, draw) {
  const drawn = new Map()
  const prepare = async (batch) => {
    const prepared = { inputs: draw(batch), here: true }
    const times = []
    for (let i = 0; i < 3; i++) {
      const begin = performance.now()
      await infer(nets, prepared)
      times.push(performance.now() - begin)
    }
    prepared.here = batch === 1 || Math.min(...times) < 1
    return prepared
  }
  return async ({ batch }) => {
    if (!drawn.has(batch)) drawn.set(batch, await prepare(batch))
    await infer(nets, drawn.get(batch))
  }
}

async function infer(nets, { inputs, here }) {
  let values = inputs
  for (const net of nets) {
    net.eval()
    const next = await noGrad(() => (here ? net.forward(...values) : net.forwardAsync(...values)))
    if (values !== inputs) values[0].dispose()
    values = [next]
  }
  values[0].dispose()
}

/** A part of a network, on the compute thread. */
function part(net, method, draw) {
  net.eval()
  const drawn = new Map()
  return async ({ batch }) => {
    if (!drawn.has(batch)) drawn.set(batch, draw(batch))
    for (const output of await noGrad(() => net.callAsync(method, drawn.get(batch)))) output.dispose()
  }
}

/** A product of square matrices, 2 * 1024^3 operations: what the machine can do at this moment. */
function prepareProduct() {
  const [a, b] = [randn([1024, 1024]), randn([1024, 1024])]
  return () => a.matmul(b).dispose()
}

function peak() {
  return Number(/^VmHWM:\s+(\d+)/m.exec(readFileSync('/proc/self/status', 'utf8'))[1])
}

/** Runs an action `count` times in a row, but no longer than a turn should take. */
async function time(command) {
  const times = []
  const start = performance.now()
  do {
    const begin = performance.now()
    await actions[command.action](command)
    times.push(performance.now() - begin)
  } while (times.length < (command.count ?? 1) && performance.now() - start < 300)
  return times
}

await setNumThreads(2)
manualSeed(0)
const programs = { network: prepareNetwork, language: prepareLanguage, adapter: prepareAdapter }
const prepare = async (given) => ({ ...(await programs[given.program](given)), product: prepareProduct() })
const actions = process.argv[2] === 'operators' ? prepareOperators() : await prepare(JSON.parse(process.argv[2]))
// where weights were made in several steps, the peak is that of what follows
if (actions.prefill) writeFileSync('/proc/self/clear_refs', '5')
console.log(JSON.stringify({ libtorch: eegtorch.libtorchVersion(), node: process.version }))
for await (const line of createInterface({ input: process.stdin }))
  console.log(JSON.stringify({ times: await time(JSON.parse(line)), peak: peak() }))
