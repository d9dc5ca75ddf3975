// How many threads there are, beside those of an idle process: while JavaScript's thread has computed with four, after it has handed
// work over, and when nothing was asked for a while.
import { readdirSync } from 'node:fs'
import { setTimeout } from 'node:timers/promises'

const { noGrad, ones, models, randn, setNumThreads } = await import(process.argv[2])
const count = () => readdirSync('/proc/self/task').length

await setNumThreads(4)
const net = models.convNet({ nChans: 22, nOutputs: 4, nTimes: 1000 }).eval()
const x = randn([8, 22, 1000])
const idle = count()
ones([1 << 22]).add(1)
const own = count() - idle
await noGrad(() => net.forwardAsync(x))
const handedOver = count() - idle
await setTimeout(500)
const rested = count() - idle
console.log(JSON.stringify({ own, handedOver, rested }))
