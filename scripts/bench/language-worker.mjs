// The eegtorch side of the language benchmark: one JSON command a line, one answer a line. argv: {weights, layers}.
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { decode } from '../../dist/generation/language/generate.js'
import { manualSeed, models, randn, setNumThreads } from '../../dist/index.js'

const NEW_TOKENS = 8
const { weights, layers } = JSON.parse(process.argv[2])
await setNumThreads(2)
manualSeed(0)
const model = models.llama({ numHiddenLayers: layers, weights, newTokens: 0 }).eval()
const embeds = randn([1, 128, model.config.hiddenSize]).mul(0.02)

/** Time of the first token, which comes with reading what stands before it, and of each further one. */
async function time(action) {
  const times = []
  let begin = performance.now()
  for await (const _ of decode(model, { embeds }, { maxNewTokens: 1 + NEW_TOKENS, stopTokens: [], padToken: 0 })) {
    times.push(performance.now() - begin)
    if (action === 'prefill') break
    begin = performance.now()
  }
  return action === 'prefill' ? times : times.slice(1)
}

const peak = () => Number(/^VmHWM:\s+(\d+)/m.exec(readFileSync('/proc/self/status', 'utf8'))[1])

console.log(JSON.stringify({ node: process.versions.node }))
for await (const line of createInterface({ input: process.stdin }))
  console.log(JSON.stringify({ times: await time(JSON.parse(line).action), peak: peak() }))
