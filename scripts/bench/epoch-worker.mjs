// The eegtorch side of bench-epochs.mjs: trains one network, an epoch at each command. Times are milliseconds of processor time.
// argv: network, its options as JSON, folder of the windows.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fromTypedArray, loss, manualSeed, models, optim, setNumThreads } from '../../dist/index.js'

const [name, json, folder] = process.argv.slice(2)
const { shape, labels, batchSize } = JSON.parse(readFileSync(join(folder, 'windows.json'), 'utf8'))
const file = readFileSync(join(folder, 'windows.f32'))
const samples = new Float32Array(file.buffer.slice(file.byteOffset, file.byteOffset + file.byteLength))

await setNumThreads(1)
manualSeed(0)
const net = models.create(name, JSON.parse(json))
const step = net.trainStep({ loss: loss.crossEntropy(), optimizer: optim.adam({ lr: 1e-3 }) })
const windows = fromTypedArray(samples, { shape })
const classes = fromTypedArray(BigInt64Array.from(labels, BigInt))

async function epoch() {
  for (let at = 0; at < labels.length; at += batchSize) {
    const n = Math.min(batchSize, labels.length - at)
    const inputs = windows.narrow(0, at, n)
    const targets = classes.narrow(0, at, n)
    await step({ inputs, targets })
    inputs.dispose()
    targets.dispose()
  }
}

net.train()
console.log(JSON.stringify({ node: process.versions.node }))
for await (const _ of createInterface({ input: process.stdin })) {
  const before = process.cpuUsage()
  await epoch()
  const { user, system } = process.cpuUsage(before)
  console.log(JSON.stringify({ times: [(user + system) / 1e3] }))
}
