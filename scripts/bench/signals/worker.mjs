// The eegtorch side of the benchmark of signals: one action on a recording of noise. argv: action, seconds, threads.
import { readFileSync, writeFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { setTimeout } from 'node:timers/promises'
import * as eegtorch from '../../../dist/index.js'
import { decompositions } from './decompositions.mjs'
import { filters } from './filters.mjs'
import { spectraAndSpace } from './spectra-and-space.mjs'

const SAMPLING_RATE = 1000
const WARM_UP = 10
const CALLS = 3
const SETTLED = 1000
const RESET_PEAK = '5'
const [action, seconds, threads] = process.argv.slice(2)

function kibibytes(name) {
  return Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(readFileSync('/proc/self/status', 'utf8'))[1])
}

function actionOn(recording) {
  const families = [filters, spectraAndSpace, decompositions]
  return Object.assign({}, ...families.map((family) => family(eegtorch, recording, SAMPLING_RATE)))[action]
}

eegtorch.manualSeed(0)
await eegtorch.setNumThreads(Number(threads))
const x = eegtorch.randn([64, seconds * SAMPLING_RATE], { dtype: 'float64' })
const run = actionOn(x)
const some = x.narrow(1, 0, WARM_UP * SAMPLING_RATE).clone()
const warmUp = actionOn(some)
for (let i = 0; i < CALLS; i++) (await warmUp()).dispose?.() // loads the code, which is not the recording's memory
some.dispose()
eegtorch.releaseMemory()
globalThis.gc()
await setTimeout(SETTLED) // pages that the collector gives back go one by one
console.log(JSON.stringify({ ready: true }))
let before // counted when the first request has come, so that what reads requests is no memory of the action's either
for await (const _ of createInterface({ input: process.stdin })) {
  if (before === undefined) {
    before = kibibytes('VmRSS')
    writeFileSync('/proc/self/clear_refs', RESET_PEAK)
  }
  const begin = performance.now()
  const result = await run()
  const times = [performance.now() - begin]
  result.dispose?.()
  console.log(JSON.stringify({ times, peak: kibibytes('VmHWM') - before }))
}
