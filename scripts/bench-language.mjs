import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { findPython } from './bench/machine.mjs'
import { interleave, Peer } from './bench/peer.mjs'
import { compare, median } from './bench/table.mjs'
import { main, root } from './steps.mjs'

const ACTIONS = { prefill: 'prefill of 128 tokens', decode: 'one new token' }

// node scripts/bench-language.mjs [--repeats 5 --layers 22 --weights dense,nf4]: TinyLlama's sizes with random weights beside transformers, and
// in four bits beside bitsandbytes, in turns. The Python needs transformers and bitsandbytes: EEGTORCH_BENCH_PYTHON.
await main(async () => {
  const options = {
    repeats: { type: 'string', default: '5' },
    layers: { type: 'string', default: '22' },
    weights: { type: 'string', default: 'dense,nf4' },
  }
  const { values } = parseArgs({ options })
  console.log('| weights | what | eegtorch, ms | PyTorch, ms | ratio (median of pairs) | peak, MB | theirs |')
  console.log('|---|---|---|---|---|---|---|')
  for (const weights of values.weights.split(',')) await measure(weights, values)
})

async function measure(weights, { repeats, layers }) {
  const script = (file) => join(root, 'scripts', 'bench', file)
  const about = JSON.stringify({ weights, layers: Number(layers) })
  const peers = [
    new Peer('eegtorch', process.execPath, [script('language-worker.mjs'), about]),
    new Peer('PyTorch', findPython(), [script('language-worker.py'), about]),
  ]
  try {
    for (const peer of peers) await peer.ready()
    for (const [action, title] of Object.entries(ACTIONS)) {
      const [ours, theirs] = await interleave(peers, { action }, { warmup: 1, repeats: Number(repeats) })
      const { median: ratio } = compare(ours.times, theirs.times)
      const figures = [median(ours.times).toFixed(1), median(theirs.times).toFixed(1), ratio.toFixed(2)]
      const peaks = [ours, theirs].map(({ peak }) => Math.round(peak / 1024))
      console.log(`| ${[weights, title, ...figures, ...peaks].join(' | ')} |`)
    }
  } finally {
    for (const peer of peers) peer.close()
  }
}
