import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { cases } from './bench/size-cases.mjs'
import { main, root, StepError } from './steps.mjs'

/** What the driver, its libraries and kernels hold on a GPU before any tensor: an assumption, on the safe side. */
const CUDA_CONTEXT = 0.8 * 2 ** 30
const LIMIT = 8 * 2 ** 30
const STAGES = {
  encoder: 'CSBrain, token reducer and mapper',
  language: 'projection, TinyLlama in NF4 with LoRA',
  sd15: 'Stable Diffusion 1.5',
  sd21: 'Stable Diffusion 2.1',
  amused: 'aMUSEd-512',
}

// npm run bench -- sizes [NAMES --json FILE]: networks of published sizes with random weights, each in a process of its own: one step in float32 on the
// CPU, with its time and peak; and from these what each stage of --low-memory takes on a GPU in float16. What FILE holds is not measured again.
await main(async () => {
  const { values, positionals } = parseArgs({ options: { json: { type: 'string' } }, allowPositionals: true })
  const names = positionals.length > 0 ? positionals : Object.keys(cases)
  const results = values.json && existsSync(values.json) ? JSON.parse(readFileSync(values.json, 'utf8')) : {}
  console.log(
    '| network | step | numbers, M | float32, s | of processors, s | peak of the process, MiB | of it for activations |',
  )
  console.log('|---|---|---|---|---|---|---|')
  for (const name of names) {
    results[name] ??= measure(name)
    const { numbers, seconds, cpuSeconds, peak, activations } = results[name]
    const figures = [
      (numbers / 1e6).toFixed(1),
      seconds.toFixed(1),
      cpuSeconds.toFixed(1),
      mebi(peak),
      mebi(activations),
    ]
    console.log(`| ${[name, cases[name].what, ...figures].join(' | ')} |`)
    if (values.json) writeFileSync(values.json, `${JSON.stringify(results, null, 2)}\n`)
  }
  console.log(`\n${accountTable(results)}`)
})

function measure(name) {
  const worker = join(root, 'scripts', 'bench', 'size-worker.mjs')
  const measured = JSON.parse(execFileSync(process.execPath, [worker, name], { encoding: 'utf8' }))
  if (measured.finite) return measured
  throw new StepError(`${name} gave values that are no numbers`)
}

/** Stages whose networks were all measured. */
function accountTable(results) {
  const rows = Object.entries(STAGES).flatMap(([stage, title]) => {
    const parts = Object.keys(cases).filter((name) => cases[name].stage.split(' ').includes(stage))
    if (parts.some((name) => results[name] === undefined)) return []
    const { weights, activations, peak } = account(parts, results)
    return [`| ${title} | ${mebi(weights)} | ${mebi(activations)} | ${mebi(peak)} | ${peak <= LIMIT ? 'yes' : 'NO'} |`]
  })
  const head = '| in memory at a time | weights, MiB | largest activations | with the CUDA context | within 8 GiB |'
  return [head, '|---|---|---|---|---|', ...rows].join('\n')
}

/** Weights of all parts; activations of one part at a time, as float32 took them: twice what float16 needs, which leaves room for what kernels work in. */
function account(parts, results) {
  const weights = parts.reduce((sum, name) => sum + results[name][cases[name].wide ? 'stored' : 'half'], 0)
  const activations = Math.max(...parts.map((name) => results[name].activations))
  return { weights, activations, peak: weights + activations + CUDA_CONTEXT }
}

function mebi(bytes) {
  return Math.round(bytes / 2 ** 20).toLocaleString('en')
}
