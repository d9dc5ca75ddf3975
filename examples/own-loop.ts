// A training loop of one's own: each step is one native call, and the event loop stays free meanwhile.
import { DataLoader, loss, models, optim, simulateMotorImagery, standardiseEach } from 'eegtorch'

const volts = await simulateMotorImagery({ subjects: 1, runs: 2, trials: 8, seed: 3 })
  .filter({ band: [4, 38] })
  .windows({ events: ['left hand', 'right hand'], from: 0.5, to: 2.5 })

// Volts are far below the epsilon of batch norms: networks want numbers around 1. With a test set, fit a Standardiser on the training part.
const windows = standardiseEach(volts)

const net = models.eegnet({ nChans: windows.nChannels, nOutputs: 2, nTimes: windows.nSamples })
const step = net.trainStep({ loss: loss.crossEntropy({ labelSmoothing: 0.1 }), optimizer: optim.adamW({ lr: 1e-3 }) })
const loader = new DataLoader(windows, { batchSize: 8, shuffle: true, seed: 7 })

const losses: number[] = []
for (let epoch = 0; epoch < 8; epoch++) {
  let sum = 0
  for await (const batch of loader) sum += (await step(batch)).loss
  losses.push(sum)
}
console.log(`summed loss of an epoch: ${losses[0]!.toFixed(3)} -> ${losses.at(-1)!.toFixed(3)}`)
