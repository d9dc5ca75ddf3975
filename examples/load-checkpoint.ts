// Saves a network, opens the file without knowing what it holds, and computes with the loaded copy.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspectCheckpoint, models, openCheckpoint, randn, scope } from 'eegtorch'

const folder = mkdtempSync(join(tmpdir(), 'eegtorch-example-'))
const file = join(folder, 'eegnet.safetensors')
const net = models.eegnet({ nChans: 8, nOutputs: 3, nTimes: 256 }).eval()
await net.save(file, { classes: ['left', 'right', 'feet'] })

const { format, elements, metadata, fits } = inspectCheckpoint(openCheckpoint(file))
console.log(`${format}: ${metadata.model}, ${elements} numbers, fits ${fits.find(({ exact }) => exact)?.model}`)

const loaded = await models.load(file)
const difference = scope(() => {
  const eeg = randn([2, 8, 256])
  return loaded.forward(eeg).sub(net.forward(eeg)).abs().max().item()
})
console.log(`${loaded.name} of ${loaded.parameterCount()} parameters, largest difference ${difference}`)
rmSync(folder, { recursive: true })
