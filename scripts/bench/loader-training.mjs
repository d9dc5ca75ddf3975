// One epoch of eegnet's training on each line of input, with windows from a store or from memory. argv: the store, its shape and the source as JSON.
import { createInterface } from 'node:readline'
import { DataLoader, loss, manualSeed, models, openStore, optim, setNumThreads } from '../../dist/index.js'

const { store, batchSize, channels, samples, inMemory } = JSON.parse(process.argv[2])
manualSeed(0)
await setNumThreads(Number(process.env.OMP_NUM_THREADS))
const net = models.create('eegnet', { nChans: channels, nTimes: samples, nOutputs: 4 })
const step = net.trainStep({ loss: loss.crossEntropy(), optimizer: optim.adam({ lr: 1e-3 }) })
const loader = new DataLoader(openStore(store).windows, { batchSize, shuffle: true, resident: inMemory })
console.log(JSON.stringify({ node: process.versions.node }))
for await (const _ of createInterface({ input: process.stdin })) {
  const begin = performance.now()
  for await (const batch of loader) await step(batch)
  console.log(JSON.stringify({ times: [performance.now() - begin] }))
}
