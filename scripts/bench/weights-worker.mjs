import { readFileSync } from 'node:fs'
import { models, scope, zeros } from '../../dist/index.js'

const [folder, dtype] = process.argv.slice(2)
zeros([1]).dispose() // the addon is loaded at its first use
const peak = () => Number(/VmHWM:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))[1]) * 1024

const cpu = () => Object.values(process.cpuUsage()).reduce((a, b) => a + b) / 1e6
const cpuBefore = cpu()
const start = performance.now()
const net = await models.load(folder, { dtype })
const load = (performance.now() - start) / 1000
const loadPeak = peak()
const loadCpu = cpu() - cpuBefore
for (const tensor of Object.values(net.stateDict())) scope(() => tensor.sum().item())
const read = (performance.now() - start) / 1000
console.log(JSON.stringify({ load, read, loadCpu, readCpu: cpu() - cpuBefore, loadPeak, readPeak: peak() }))
