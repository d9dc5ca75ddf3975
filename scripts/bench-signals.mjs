import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { host } from './bench/host.mjs'
import { findPython } from './bench/machine.mjs'
import { interleave, Peer } from './bench/peer.mjs'
import { actions as decompositions } from './bench/signals/decompositions.mjs'
import { actions as filters } from './bench/signals/filters.mjs'
import { actions as spectraAndSpace } from './bench/signals/spectra-and-space.mjs'
import { compare, median } from './bench/table.mjs'
import { main, root, StepError } from './steps.mjs'

const actions = [...filters, ...spectraAndSpace, ...decompositions]

// npm run bench -- signals [--repeats 5] [--seconds 600] [--threads 2] [ACTION ...]: 64 channels at 1 kHz, eegtorch beside MNE, SciPy, NumPy and
// braindecode in turns. The Python of EEGTORCH_BENCH_PYTHON needs mne. Memory is the peak of the process beyond what it held before the
// recording was worked on, plus the recording, over the recording.
await main(async () => {
  const { values, positionals } = parseArgs({
    options: {
      repeats: { type: 'string', default: '5' },
      seconds: { type: 'string', default: '600' },
      threads: { type: 'string', default: '2' },
    },
    allowPositionals: true,
  })
  for (const [name, value] of Object.entries(values))
    if (!/^[1-9]\d*$/.test(value)) throw new StepError(`--${name}: expected a whole number, 1 or more`)
  const unknown = positionals.find((name) => !actions.includes(name))
  if (unknown) throw new StepError(`no action is called ${unknown}; there are ${actions.join(', ')}`)
  const python = findPython()
  console.log('| action | eegtorch ms | peer ms | ratio | eegtorch memory | peer memory |\n|---|---|---|---|---|---|')
  for (const action of positionals.length > 0 ? positionals : actions)
    console.log(await measure(action, python, values))
  console.log(`\n${host.describe()}`)
})

async function measure(action, python, { seconds, threads, repeats }) {
  const script = (file) => join(root, 'scripts', 'bench', 'signals', file)
  const env = { OMP_NUM_THREADS: threads }
  const peers = [
    new Peer('eegtorch', process.execPath, ['--expose-gc', script('worker.mjs'), action, seconds, threads], env),
    new Peer('MNE, SciPy, NumPy', python, ['-B', '-W', 'ignore', script('worker.py'), action, seconds], env),
  ]
  try {
    for (const peer of peers) await peer.ready()
    const series = await interleave(peers, {}, { warmup: 1, repeats: Number(repeats) })
    const recording = (64 * Number(seconds) * 1000 * 8) / 1024
    const times = series.map((each) => median(each.times).toFixed(0))
    const memory = series.map(({ peak }) => `${(peak / recording + 1).toFixed(2)} x`)
    const ratio = compare(series[0].times, series[1].times).median.toFixed(2)
    return `| ${[action, ...times, ratio, ...memory].join(' | ')} |`
  } finally {
    for (const peer of peers) peer.close()
  }
}
