import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { host } from './bench/host.mjs'
import { findPython, findTcmalloc } from './bench/machine.mjs'
import { interleave, Peer } from './bench/peer.mjs'
import { compare, median } from './bench/table.mjs'
import { main, root, StepError } from './steps.mjs'

const DEFAULTS = ['eegnet', 'deep4net', 'cnn_rnn', 'shallow_fbcsp_net', 'eeg_conformer', 'lstm_eeg', 'resnet1d']
const BATCH_SIZE = 16

// npm run bench -- epochs --data FILE... --task NAME [--repeats 5] [NETWORK ...]: an epoch of training on recordings, eegtorch and PyTorch in
// turns, one thread each. Times are processor time, which what else the machine does disturbs least.
await main(async () => {
  const { values, positionals } = parseArgs({
    options: {
      data: { type: 'string', multiple: true },
      task: { type: 'string', default: 'fists-feet' },
      repeats: { type: 'string', default: '5' },
    },
    allowPositionals: true,
  })
  if (!values.data) throw new StepError('--data: expected recordings, found none')
  const folder = mkdtempSync(join(tmpdir(), 'eegtorch-epochs-'))
  try {
    const sizes = await writeWindows(folder, values)
    const tools = { python: findPython(), tcmalloc: findTcmalloc() }
    console.log(
      '| network | eegtorch ms an epoch (median) | PyTorch ms (median) | ratio (median of pairs) |\n|---|---|---|---|',
    )
    for (const name of positionals.length > 0 ? positionals : DEFAULTS) {
      console.log(row(name, await measure(name, sizes, folder, tools, Number(values.repeats))))
    }
    console.log(`\n${host.describe()}`)
  } finally {
    rmSync(folder, { recursive: true })
  }
})

/** The windows of a fold's training part: all but those of the last run, standardised. */
async function writeWindows(folder, { data, task }) {
  const { leaveOneOut, readAll, Standardiser } = await import('../dist/index.js')
  const recordings = (await readAll(data)).filter({ band: [4, 38] })
  const windows = await recordings.windows({ task, from: 0.5, to: 3.5 })
  const { train } = leaveOneOut(windows, 'run').at(-1)
  const part = Standardiser.fit(windows, train).apply(windows.subset(train))
  const shape = [part.length, part.nChannels, part.nSamples]
  const about = { shape, labels: [...part.labels], batchSize: BATCH_SIZE }
  writeFileSync(join(folder, 'windows.f32'), new Uint8Array(part.data.buffer))
  writeFileSync(join(folder, 'windows.json'), JSON.stringify(about))
  console.error(`${shape[0]} windows of ${shape[1]} channels and ${shape[2]} samples, batches of ${BATCH_SIZE}`)
  return { nChans: part.nChannels, nTimes: part.nSamples, nOutputs: part.classNames.length }
}

async function measure(name, sizes, folder, { python, tcmalloc }, repeats) {
  const config = { n_chans: sizes.nChans, n_times: sizes.nTimes, n_outputs: sizes.nOutputs }
  const script = (file) => join(root, 'scripts', 'bench', file)
  const references = join(root, 'test', 'oracle', 'models', 'eeg')
  const single = { OMP_NUM_THREADS: '1' }
  const preload = tcmalloc ? { LD_PRELOAD: tcmalloc } : {}
  const theirs = [script('epoch-worker.py'), name, JSON.stringify(config), folder, references]
  const peers = [
    new Peer('eegtorch', process.execPath, [script('epoch-worker.mjs'), name, JSON.stringify(sizes), folder], single),
    new Peer('PyTorch', python, theirs, { ...single, ...preload }),
  ]
  try {
    for (const peer of peers) await peer.ready()
    return await interleave(peers, 'epoch', { warmup: 1, repeats })
  } finally {
    for (const peer of peers) peer.close()
  }
}

function row(name, [ours, theirs]) {
  const { median: ratio } = compare(ours.times, theirs.times)
  return `| \`${name}\` | ${median(ours.times).toFixed(0)} | ${median(theirs.times).toFixed(0)} | ${ratio.toFixed(2)} |`
}
