import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { cases } from './bench/cases.mjs'
import { host } from './bench/host.mjs'
import { describeMachine, findPython, findTcmalloc } from './bench/machine.mjs'
import { interleave, Peer } from './bench/peer.mjs'
import { best, formatSummary, formatTable, formatThroughput } from './bench/table.mjs'
import { main, root, StepError } from './steps.mjs'

/** Comparisons that have options of their own. */
const comparisons = ['signals', 'loader', 'epochs', 'sizes', 'weights']
const operators = ['new, collected', 'new, disposed', 'in place']
/**
 * Times in a row that a turn runs an action, as it is run in earnest, no longer than 0.3 s: a first run behind another process measures
 * how its threads and caches wake. One window has a 99th percentile of all.
 */
const inARow = 20

// npm run bench [-- cases --repeats 15 --batches 1,4,16,64,256 --json FILE --markdown FILE --summary --no-compile --device cuda --dtype float16]:
// eegtorch and PyTorch side by side. npm run bench -- signals | loader | epochs | sizes | weights [...]: what those scripts compare, with their options.
const other = comparisons.find((name) => name === process.argv[2])
if (other === undefined) await main(benchNetworks)
else {
  process.argv.splice(2, 1)
  await import(`./bench-${other}.mjs`)
}

async function benchNetworks() {
  const { values, positionals } = readArguments()
  const place = { device: values.device, dtype: values.dtype }
  if (place.device === 'cuda') await requireGpu()
  const tools = { python: findPython(), tcmalloc: findTcmalloc(), compile: !values['no-compile'], place }
  const header = describeHeader(tools)
  console.log(header)
  const results = []
  for (const name of positionals.length > 0 ? positionals : everything(values)) {
    results.push(...(await measure(name, tools, values)))
    // after each case, so that a long run that is cut off leaves what it measured
    save(values, header, results)
  }
  console.log(`\n${format(values, results)}\n\n- ${host.describe()}`)
}

function everything({ batches, device }) {
  const all = Object.keys(cases)
  if (device === 'cuda') return all.filter((name) => cases[name].program === 'network')
  return batches ? all.filter((name) => !cases[name].actions) : [...all, 'operators', 'start']
}

function format({ batches, summary }, results) {
  if (batches) return formatThroughput(results, batches)
  return summary ? formatSummary(results) : formatTable(results)
}

function save(values, header, results) {
  if (values.json)
    writeFileSync(values.json, `${JSON.stringify({ header, host: host.describe(), results }, null, 2)}\n`)
  if (values.markdown)
    writeFileSync(values.markdown, formatPage(`${header}\n- ${host.describe()}`, format(values, results)))
}

function readArguments() {
  const options = {
    repeats: { type: 'string', default: '15' },
    batches: { type: 'string' },
    device: { type: 'string', default: 'cpu' },
    dtype: { type: 'string', default: 'float32' },
    json: { type: 'string' },
    markdown: { type: 'string' },
    'no-compile': { type: 'boolean', default: false },
    summary: { type: 'boolean', default: false },
  }
  let parsed
  try {
    parsed = parseArgs({ options, allowPositionals: true })
  } catch (cause) {
    throw new StepError(cause.message)
  }
  const { values, positionals } = parsed
  const known = [...Object.keys(cases), 'operators', 'start']
  const unknown = positionals.find((name) => !known.includes(name))
  if (unknown) throw new StepError(`no case is called ${unknown}; there are ${known.join(', ')}`)
  if (!/^[1-9]\d*$/.test(values.repeats)) throw new StepError('--repeats: expected a whole number, 1 or more')
  if (values.batches && !/^[1-9]\d*(,[1-9]\d*)*$/.test(values.batches))
    throw new StepError('--batches: expected whole numbers with commas between, such as 1,4,16,64,256')
  requireOneOf('device', values.device, ['cpu', 'cuda'])
  requireOneOf('dtype', values.dtype, ['float32', 'float16', 'bfloat16'])
  if (values.device === 'cpu' && values.dtype !== 'float32')
    throw new StepError('--dtype: half precision is compared on a GPU; add --device cuda')
  const onCpu = values.device === 'cuda' && positionals.find((name) => cases[name]?.program !== 'network')
  if (onCpu) throw new StepError(`--device cuda: ${onCpu} is compared on the CPU alone`)
  const other = values.batches && positionals.find((name) => !cases[name] || cases[name].actions)
  if (other) throw new StepError(`--batches: ${other} has no batches`)
  return {
    values: { ...values, repeats: Number(values.repeats), batches: values.batches?.split(',').map(Number) },
    positionals,
  }
}

function requireOneOf(option, value, known) {
  if (!known.includes(value))
    throw new StepError(`--${option}: expected ${known.join(' or ')}, received ${JSON.stringify(value)}`)
}

async function requireGpu() {
  const { libtorchVersion } = await import('../dist/index.js')
  if (libtorchVersion().devices === 0)
    throw new StepError('--device cuda: LibTorch sees no GPU; npx eegtorch doctor says why')
}

/** What is asked of a case: what the table calls it, and the command. */
function actionsOf(name, batches) {
  if (name === 'operators') return operators.map((action) => [action, { action }])
  const infer = (batch) => [`inference, batch ${batch}`, { action: 'inference', batch, count: inARow }]
  if (batches) return batches.map(infer)
  const { batch, loss, actions, onlyTraining } = cases[name]
  if (actions) return Object.entries(actions)
  const training = [`training step, batch ${batch}`, { action: 'training', count: inARow }]
  if (onlyTraining) return [training]
  return [infer(1), ...(batch > 1 ? [infer(batch)] : []), ...(loss ? [training] : [])]
}

async function measure(name, tools, { repeats, batches }) {
  if (name === 'start') return [measureStart(tools, repeats)]
  const peers = startPeers(name, tools)
  try {
    for (const peer of peers) await peer.ready()
    const results = []
    for (const [action, command] of actionsOf(name, batches)) {
      console.error(`${name}: ${action}`)
      const [ours, defaults, ...tuned] = await interleave(peers, command, { warmup: 2, repeats })
      const result = { name, action, ours, peers: tuned.length > 0 ? [defaults, best(tuned)] : [defaults] }
      results.push(name === 'operators' ? result : { ...result, ...(await measureWork(peers, command)) })
    }
    return results
  } finally {
    for (const peer of peers) peer.close()
  }
}

/** Floating-point operations of an action as the reference computes it, and how many a second the best product reaches now. */
async function measureWork([ours, reference], { action, batch }) {
  const { flops } = await reference.run({ action: 'flops', of: action, ...(batch && { batch }) })
  const { times } = await ours.run({ action: 'product', count: 10 })
  return { flops, flopsPerMs: (2 * 1024 ** 3) / Math.min(...times) }
}

function startPeers(name, { python, tcmalloc, compile, place }) {
  const given = cases[name]
  const describe = (options, other) => (given ? JSON.stringify({ ...given, ...place, ...other, options }) : name)
  const script = (file) => join(root, 'scripts', 'bench', file)
  const references = join(root, 'test', 'oracle', 'models')
  const torch = (label, variant, env, other) => {
    const about = describe(snakeCase(given?.options ?? {}), other)
    return new Peer(label, python, [script('worker.py'), about, variant, references], env)
  }
  const preload = tcmalloc ? { LD_PRELOAD: tcmalloc } : {}
  const peers = [new Peer('eegtorch', process.execPath, [script('worker.mjs'), describe(given?.options)])]
  peers.push(torch('PyTorch, defaults', 'defaults'))
  if (given?.beside) peers.push(torch(`PyTorch, ${Object.values(given.beside)} weights`, 'defaults', {}, given.beside))
  if (name === 'operators' || (given.large && !given.tuned && place.device === 'cpu')) return peers
  if (place.device === 'cpu') peers.push(torch('PyTorch, tuned', 'tuned', preload))
  // kept from run to run: compiling takes longer than measuring
  const cache = { TORCHINDUCTOR_CACHE_DIR: join(root, '.cache', 'bench-inductor') }
  const label = place.device === 'cpu' ? 'PyTorch, tuned and compiled' : 'PyTorch, compiled'
  if (compile) peers.push(torch(label, 'compiled', { ...preload, ...cache }))
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
  const [first, second] = series.map(({ label, times }) => ({ label, times, all: times }))
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

Written by \`${command}\`. The processes take turns, ${inARow} runs in a row each but no longer than 0.3 s, and of a turn the median counts. Ratios are
PyTorch's time over eegtorch's, turn by turn: above 1, eegtorch is faster. The share is that of the best matrix product of
1024 x 1024 measured beside it, counting the operations of the reference: a network that reaches its numbers with fewer can pass
100 %. Rows of \`operators\` time 20,000 adds of 8 floats. Peaks (VmHWM) grow from row to row of a case. The training step of \`aae\`
is encoder and decoder in a row (\`Sequential\`), one native step. One window runs where it is called, as in PyTorch; all else on the
compute thread.

${header}

${table}
`
}
