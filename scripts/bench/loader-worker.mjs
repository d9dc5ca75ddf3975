// One epoch over a store on each line of input. argv: the store and its shape as JSON.
import { createInterface } from 'node:readline'
import { DataLoader, openStore } from '../../dist/index.js'

const { store, batchSize, windows } = JSON.parse(process.argv[2])
const loader = new DataLoader(openStore(store).windows, { batchSize, shuffle: true })
console.log(JSON.stringify({ node: process.versions.node }))
for await (const _ of createInterface({ input: process.stdin })) {
  const begin = performance.now()
  let seen = 0
  for await (const { inputs } of loader) seen += inputs.shape[0]
  if (seen !== windows) throw new Error(`${seen} windows of ${windows}`)
  console.log(JSON.stringify({ times: [performance.now() - begin] }))
}
