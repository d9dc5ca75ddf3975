// Trains an adversarial autoencoder to remove noise from images of simulated EEG, and measures by how much the signal-to-noise ratio
// rises on the run that was left out. With recordings of your own: `await readAll('eegmmidb/*.edf')` in place of the simulation.
import { denoise, simulateMotorImagery } from 'eegtorch'

const windows = await simulateMotorImagery({ subjects: 1, runs: 2, trials: 4, seed: 1 })
  .pick(['C3', 'Cz', 'C4'])
  .windows({ from: 0, to: 2 })

const { scores } = await denoise(windows, {
  models: ['aae'],
  snr: 0,
  size: [32, 32],
  width: 8,
  lr: 1e-3,
  epochs: Number(process.env.EPOCHS ?? 60),
})

for (const { name, images } of scores) {
  console.log(`${name}: ${images.mean.toFixed(1)} ± ${images.deviation.toFixed(1)} dB gained`)
}
