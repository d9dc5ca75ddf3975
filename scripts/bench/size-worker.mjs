// One network of a published size with random weights: argv[2] names it, the answer is one line of JSON.
import { readFileSync, writeFileSync } from 'node:fs'
import * as library from '../../dist/index.js'
import { decode } from '../../dist/language/generate.js'
import { Model } from '../../dist/models/model.js'
import { cases } from './size-cases.mjs'

const { manualSeed, noGrad, randn, releaseMemory, scope, setNumThreads } = library
const { network, method, options, inputs } = cases[process.argv[2]]
const NEW_TOKENS = 24

const status = (name) =>
  1024 * Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(readFileSync('/proc/self/status', 'utf8'))[1])

/** Weights as trained ones are large: 0.02, and 1 in norms. */
function fill(net) {
  let numbers = 0
  for (const [name, tensor] of Object.entries(net.stateDict())) {
    numbers += tensor.length
    if (!tensor.dtype.startsWith('float')) continue
    if (tensor.shape.length === 1 && name.endsWith('weight')) tensor.fill_(1)
    else tensor.normal_(0, 0.02)
    tensor.dispose()
  }
  return numbers
}

/** One row of numbers in every matrix: dense weights become four bits as they are loaded. Gives how many numbers there were. */
function fillLlama(net) {
  const dense = new Model('llama_lora', { ...net.referenceConfig, weights: 'dense' }, undefined, false)
  const state = dense.stateDict()
  const row = (shape) => scope(() => randn([1, shape[1]]).mul(0.02).expand(shape))
  const rows = Object.entries(state).map(([name, { shape }]) => [
    name,
    shape.length === 1 ? library.ones(shape) : row(shape),
  ])
  net.loadStateDict(new Map(rows))
  const numbers = rows.reduce((sum, [, tensor]) => sum + tensor.length, 0)
  for (const tensor of [...Object.values(state), ...rows.map(([, tensor]) => tensor), dense]) tensor.dispose()
  return numbers
}

/** Bytes of the weights as they are, and with what is dense in 16 bits. */
function weigh(net) {
  const bytes = { stored: 0, half: 0 }
  for (const [name, tensor] of Object.entries(net.stateDict())) {
    const isCode = /\.weight\.|quant/.test(name) || !tensor.dtype.startsWith('float')
    const size = { float32: 4, float16: 2, bfloat16: 2, float64: 8, int64: 8, uint8: 1 }[tensor.dtype]
    bytes.stored += size * tensor.length
    bytes.half += (isCode ? size : 2) * tensor.length
    tensor.dispose()
  }
  return bytes
}

async function step(net, given) {
  if (network === 'llama_lora') {
    let count = 0
    const told = { maxNewTokens: NEW_TOKENS, stopTokens: [], padToken: 0 }
    for await (const _ of decode(net, { prefix: given[0] }, told)) count++
    return count
  }
  if (method !== undefined) return noGrad(() => net.callAsync(method, given))
  const named = Array.isArray(given)
    ? Object.fromEntries(net.inputs.slice(0, given.length).map((name, i) => [name, given[i]]))
    : given
  return noGrad(() => net.runAsync(named))
}

await setNumThreads(2)
manualSeed(0)
const net = new Model(network, options(library), undefined, false).eval()
const numbers = network === 'llama_lora' ? fillLlama(net) : fill(net)
const loaded = status('VmHWM')
const given = inputs(library)
releaseMemory()
writeFileSync('/proc/self/clear_refs', '5') // VmHWM counts from here
const before = status('VmRSS')
const cpu = () => Object.values(process.cpuUsage()).reduce((a, b) => a + b) / 1e6
const [begin, cpuBegin] = [performance.now(), cpu()]
const result = await step(net, given)
const seconds = (performance.now() - begin) / 1000
const cpuSeconds = cpu() - cpuBegin
const [first] = typeof result === 'object' ? Object.values(result) : []
const finite = first === undefined ? result === NEW_TOKENS : noGrad(() => first.isfinite().all().item())
const peak = status('VmHWM')
console.log(
  JSON.stringify({ ...weigh(net), numbers, loaded, peak, activations: peak - before, seconds, cpuSeconds, finite }),
)
