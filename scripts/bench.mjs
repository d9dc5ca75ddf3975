import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { describeMachine, findPython, findTcmalloc } from './bench/machine.mjs'
import { interleave, Peer } from './bench/peer.mjs'
import { best, formatTable } from './bench/table.mjs'
import { main, root, StepError } from './steps.mjs'

/** What is measured: the network's options in our spelling; the reference's are made from them. */
const cases = {
  eegnet: { nChans: 22, nTimes: 1000, nOutputs: 4 },
  conv_net: { nChans: 22, nTimes: 1000, nOutputs: 4 },
  lstm_eeg: { nChans: 22, nTimes: 250, nOutputs: 4, hiddenSize: 128, nLayers: 2 },
  aae: {},
  operators: {},
}
const steps = ['inference, batch 1', 'inference, batch 64', 'training step']
const operators = ['new, collected', 'new, disposed', 'in place']

// npm run bench [-- cases --repeats 15 --json FILE --markdown FILE --no-compile]: eegtorch and PyTorch side by side
await main(async () => {
  const { values, positionals } = readArguments()
  const tools = { python: findPython(), tcmalloc: findTcmalloc(), compile: !values['no-compile'] }
  const header = describeHeader(tools)
  console.log(header)
  const results = []
  for (const name of positionals.length > 0 ? positionals : [...Object.keys(cases), 'start']) {
    results.push(...(await measure(name, tools, Number(values.repeats))))
    // after each case, so that a long run that is cut off leaves what it measured
    save(values, header, results)
  }
  console.log(`\n${formatTable(results)}`)
})

function save({ json, markdown }, header, results) {
  if (json) writeFileSync(json, `${JSON.stringify({ header, results }, null, 2)}\n`)
  if (markdown) writeFileSync(markdown, formatPage(header, formatTable(results)))
}

function readArguments() {
  const options = {
    repeats: { type: 'string', default: '15' },
    json: { type: 'string' },
    markdown: { type: 'string' },
    'no-compile': { type: 'boolean', default: false },
  }
  let parsed
  try {
    parsed = parseArgs({ options, allowPositionals: true })
  } catch (cause) {
    throw new StepError(cause.message)
  }
  const known = [...Object.keys(cases), 'start']
  const unknown = parsed.positionals.find((name) => !known.includes(name))
  if (unknown) throw new StepError(`no case is called ${unknown}; there are ${known.join(', ')}`)
  if (!/^[1-9]\d*$/.test(parsed.values.repeats)) throw new StepError('--repeats: expected a whole number, 1 or more')
  return parsed
}

async function measure(name, tools, repeats) {
  if (name === 'start') return [measureStart(tools, repeats)]
  const peers = startPeers(name, tools)
  try {
    for (const peer of peers) await peer.ready()
    const results = []
    for (const action of name === 'operators' ? operators : steps) {
      console.error(`${name}: ${action}`)
      const [ours, defaults, ...tuned] = await interleave(peers, action, { warmup: 3, repeats })
      results.push({ name, action, ours, peers: tuned.length > 0 ? [defaults, best(tuned)] : [defaults] })
    }
    return results
  } finally {
    for (const peer of peers) peer.close()
  }
}

function startPeers(name, { python, tcmalloc, compile }) {
  const config = cases[name]
  const script = (file) => join(root, 'scripts', 'bench', file)
  const references = join(root, 'test', 'oracle', 'models', 'eeg')
  const torch = (label, variant, env) =>
    new Peer(label, python, [script('worker.py'), name, JSON.stringify(snakeCase(config)), variant, references], env)
  const preload = tcmalloc ? { LD_PRELOAD: tcmalloc } : {}
  const peers = [new Peer('eegtorch', process.execPath, [script('worker.mjs'), name, JSON.stringify(config)])]
  peers.push(torch('PyTorch, defaults', 'defaults'))
  if (name === 'operators') return peers
  peers.push(torch('PyTorch, tuned', 'tuned', preload))
  if (compile) peers.push(torch('PyTorch, tuned and compiled', 'compiled', preload))
  return peers
}

function snakeCase(config) {
  const snake = (key) => key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
  return Object.fromEntries(Object.entries(config).map(([key, value]) => [snake(key), value]))
}

/** From the start of a process to its end, with one tensor made. */
function measureStart({ python }, repeats) {
  const entry = JSON.stringify(new URL('../dist/index.js', import.meta.url).href)
  const ours = ['--input-type=module', '-e', `import { ones } from ${entry}; ones([1])`]
  const series = [
    { label: 'eegtorch', command: [process.execPath, ours], times: [] },
    { label: 'PyTorch, defaults', command: [python, ['-c', 'import torch; torch.ones(1)']], times: [] },
  ]
  console.error('start')
  for (let turn = -1; turn < repeats; turn++)
    for (const { command, times } of series) {
      const begin = performance.now()
      execFileSync(...command)
      if (turn >= 0) times.push(performance.now() - begin)
    }
  const [first, second] = series.map(({ label, times }) => ({ label, times }))
  return { name: 'start', action: 'process to first tensor', ours: first, peers: [second] }
}

function describeHeader({ python, tcmalloc, compile }) {
  const versions = 'import sys, torch; print(f"PyTorch {torch.__version__}, Python {sys.version.split()[0]}")'
  const lines = [
    ...describeMachine(),
    `Versions: Node ${process.versions.node}, ${execFileSync(python, ['-c', versions], { encoding: 'utf8' }).trim()}`,
    `tcmalloc for tuned PyTorch: ${tcmalloc ?? 'not found, so tuned PyTorch ran without it'}`,
    `torch.compile: ${compile ? 'tried, and the better of compiled and not is shown' : 'skipped (--no-compile)'}`,
    'Threads: 2 for each',
  ]
  return lines.map((line) => `- ${line}`).join('\n')
}

function formatPage(header, table) {
  const command = ['npm run bench', ...process.argv.slice(2)].join(' ').replace('bench ', 'bench -- ')
  return `# Speed beside PyTorch

Written by \`${command}\`. The processes take turns, one step each. Ratios are PyTorch's time over eegtorch's, pair by
pair: above 1, eegtorch is faster. Rows of \`operators\` time 20,000 adds of 8 floats. Peaks (VmHWM) grow from row to row of a case.
The training step of \`aae\` is encoder and decoder in a row (\`Sequential\`), one native step. One window (batch 1) runs where it is
called, as in PyTorch; all else on the compute thread.

${header}

${table}
`
}
