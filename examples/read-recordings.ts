// Writes a recording as EDF, reads it back, looks at it, and decodes it with a classical decoder, leaving one run out.
// With recordings of your own, start at readAll.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  cspLda,
  decodeFolds,
  formatSummary,
  inspectRecording,
  leaveOneOut,
  readAll,
  simulateMotorImagery,
  summarisePredictions,
  writeEdf,
} from 'eegtorch'

const folder = mkdtempSync(join(tmpdir(), 'eegtorch-example-'))
for (const recording of simulateMotorImagery({ subjects: 1, runs: 3, trials: 8, seed: 2 })) {
  await writeEdf(join(folder, `S001R0${recording.run}.edf`), recording)
}

const recordings = await readAll(`${folder}/*.edf`)
console.log(formatSummary(inspectRecording(recordings.at(0)!)))

const windows = await recordings
  .filter({ band: [8, 30] })
  .windows({ events: ['left hand', 'right hand'], from: 0.5, to: 3.5 })
const { predictions } = await decodeFolds(windows, leaveOneOut(windows, 'run'), cspLda({ band: null }))
const { accuracy } = summarisePredictions(predictions, { classes: windows.classNames.length })
console.log(
  `accuracy ${accuracy.mean.toFixed(2)} of ${accuracy.n} trials, chance ${accuracy.chance.toFixed(2)}, p ${accuracy.p.toExponential(0)}`,
)
rmSync(folder, { recursive: true })
