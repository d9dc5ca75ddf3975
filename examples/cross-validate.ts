// Cross-validates EEGNet on simulated motor imagery, leaving one run out, and writes a report.
// With recordings of your own: `await readAll('eegmmidb/*.edf')` in place of the simulation.
import { crossValidate, models, simulateMotorImagery } from 'eegtorch'

const recordings = simulateMotorImagery({ subjects: 1, runs: 3, trials: 6, seed: 1 })
const windows = await recordings
  .filter({ band: [4, 38] })
  .windows({ events: ['left hand', 'right hand'], from: 0.5, to: 2.5 })
const result = await crossValidate(models.eegnet, windows, {
  leaveOut: 'run',
  seeds: 1,
  epochs: Number(process.env.EPOCHS ?? 40),
})

const { mean, low, high, chance, n } = result.accuracy
console.log(
  `accuracy ${mean.toFixed(2)} [${low.toFixed(2)}, ${high.toFixed(2)}], chance ${chance.toFixed(2)}, ${n} trials`,
)
await result.report(process.env.REPORT ?? 'report.html')
