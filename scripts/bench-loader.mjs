import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { host } from './bench/host.mjs'
import { findPython } from './bench/machine.mjs'
import { interleave, Peer } from './bench/peer.mjs'
import { compare, median } from './bench/table.mjs'
import { main, root } from './steps.mjs'

const SHAPE = { windows: 1024, channels: 22, samples: 800, batchSize: 64 }

const script = (file) => join(root, 'scripts', 'bench', file)
const rate = ({ times }) => Math.round((1000 * SHAPE.windows) / median(times)).toLocaleString('en-US')

// npm run bench -- loader [--repeats 7]: shuffled epochs over one store, eegtorch's loader and PyTorch's DataLoader with four workers that read
// the same file by Python's lmdb, in turns; then epochs of the smallest network's training, from the store and from memory, in turns. The
// Python needs the package lmdb: EEGTORCH_BENCH_PYTHON.
await main(async () => {
  const { values } = parseArgs({ options: { repeats: { type: 'string', default: '7' } } })
  const turns = { warmup: 1, repeats: Number(values.repeats) }
  const folder = mkdtempSync(join(tmpdir(), 'eegtorch-loader-'))
  const about = { store: join(folder, 'store'), ...SHAPE }
  const node = (label, file, more) =>
    new Peer(label, process.execPath, [script(file), JSON.stringify({ ...about, ...more })])
  try {
    await writeWindows(about.store)
    const [ours, theirs] = await epochs(turns, [
      node('eegtorch', 'loader-worker.mjs'),
      new Peer('PyTorch', findPython(), [script('loader-worker.py'), JSON.stringify(about)]),
    ])
    const { median: ratio } = compare(ours.times, theirs.times)
    console.log('| eegtorch, windows a second | PyTorch, four workers | ratio (median of pairs) |\n|---|---|---|')
    console.log(`| ${rate(ours)} | ${rate(theirs)} | ${ratio.toFixed(2)} |\n`)
    const [stored, held] = await epochs(turns, [
      node('from the store', 'loader-training.mjs', { inMemory: false }),
      node('from memory', 'loader-training.mjs', { inMemory: true }),
    ])
    const { median: cost } = compare(stored.times, held.times)
    console.log(
      '| eegnet trains from the store, windows a second | from memory | ratio (median of pairs) |\n|---|---|---|',
    )
    console.log(`| ${rate(stored)} | ${rate(held)} | ${cost.toFixed(2)} |\n\n${host.describe()}`)
  } finally {
    rmSync(folder, { recursive: true })
  }
})

async function epochs(turns, peers) {
  try {
    for (const peer of peers) await peer.ready()
    return await interleave(peers, 'epoch', turns)
  } finally {
    for (const peer of peers) peer.close()
  }
}

async function writeWindows(store) {
  const { EegWindows, writeStore } = await import('../dist/index.js')
  const { windows, channels, samples } = SHAPE
  const origins = Array.from({ length: windows }, (_, i) => ({
    ...{ recording: 0, trial: i + 1, onset: i, start: i * samples, label: i % 4 },
  }))
  const data = Float32Array.from({ length: windows * channels * samples }, (_, i) => 1e-7 * (i % 101))
  const channelNames = Array.from({ length: channels }, (_, i) => `E${i}`)
  const recordings = [{ name: 'bench', identity: 'bench' }]
  const classNames = ['a', 'b', 'c', 'd']
  const shape = { nSamples: samples, samplingRate: 200 }
  await writeStore(store, new EegWindows({ data, origins, recordings, classNames, channelNames, ...shape }))
}
