// The eegtorch side of the benchmark: reads one JSON command a line, answers one line. Times are milliseconds.
// argv: case, its options as JSON.
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import * as eegtorch from '../../dist/index.js'

const { loss, manualSeed, models, noGrad, optim, Sequential, ones, rand, randint, randn, setNumThreads } = eegtorch
const [name, json] = process.argv.slice(2)
const options = JSON.parse(json)

/** `lstm_eeg`, the registry's name, as the function that makes one: `lstmEeg`. */
const camelCase = (text) => text.replace(/_(.)/g, (_, letter) => letter.toUpperCase())

const preparers = { operators: prepareOperators, aae: prepareAae }

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

function prepareClassifier() {
  const net = models[camelCase(name)](options)
  const step = net.trainStep({ loss: loss.crossEntropy(), optimizer: optim.adam() })
  const inputs = randn([64, options.nChans, options.nTimes])
  const targets = randint(0, 4, [64])
  return {
    ...inference(inputs, [net]),
    'training step': async () => {
      net.train()
      await step({ inputs, targets })
    },
  }
}

/** Encoder and decoder as one network, which learns to give its input back. */
function prepareAae() {
  const nets = [models.aaeEncoder(), models.aaeDecoder()]
  const whole = new Sequential(...nets)
  const step = whole.trainStep({ loss: loss.mse(), optimizer: optim.adam() })
  const inputs = rand([64, 1, 64, 64])
  return {
    ...inference(inputs, nets),
    'training step': async () => {
      whole.train()
      await step({ inputs, targets: inputs })
    },
  }
}

function inference(inputs, nets) {
  const one = inputs.narrow(0, 0, 1)
  const infer = async (batch, forward) => {
    for (const net of nets) net.eval()
    let value = batch
    for (const net of nets) {
      const next = await noGrad(() => forward(net, value))
      if (value !== batch) value.dispose()
      value = next
    }
    value.dispose()
  }
  return {
    // One window is decoded where it arrives, as PyTorch does it; a batch on the compute thread, so that the event loop is free.
    'inference, batch 1': () => infer(one, (net, value) => net.forward(value)),
    'inference, batch 64': () => infer(inputs, (net, value) => net.forwardAsync(value)),
  }
}

function peak() {
  return Number(/^VmHWM:\s+(\d+)/m.exec(readFileSync('/proc/self/status', 'utf8'))[1])
}

await setNumThreads(2)
manualSeed(0)
const actions = await (preparers[name] ?? prepareClassifier)()
console.log(JSON.stringify({ libtorch: eegtorch.libtorchVersion(), node: process.version }))
for await (const line of createInterface({ input: process.stdin })) {
  const { action } = JSON.parse(line)
  const begin = performance.now()
  await actions[action]()
  const ms = performance.now() - begin
  console.log(JSON.stringify({ ms, peak: peak() }))
}
