// Cross-validates in several processes, with the shuffled control. Process 0 fits a decoder, which ends when every other process has left.
// node late-work.mjs ENTRY FOLDER
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

const [, , entry, folder] = process.argv
const { crossValidate, initProcessGroup, logVarianceLda, models, simulateMotorImagery } = await import(entry)

const group = await initProcessGroup({ timeout: 60 })
const fileOf = (rank) => join(folder, `left-${rank}`)
const usual = logVarianceLda()
const patient = {
  ...usual,
  extract: async (windows) => {
    while (!Array.from({ length: group.worldSize - 1 }, (_, i) => fileOf(i + 1)).every(existsSync)) await sleep(20)
    return usual.extract(windows)
  },
}
const windows = await simulateMotorImagery({ subjects: 1, runs: 2, trials: 4 }).windows({ from: 0, to: 0.5 })
const options = { leaveOut: 'run', epochs: 1, batchSize: 2, controls: ['shuffled'], group }
const baselines = group.rank === 0 ? [patient] : false
const { run } = await crossValidate(models.eegnet, windows, { ...options, baselines })
group.dispose()
if (group.rank > 0) process.on('exit', () => writeFileSync(fileOf(group.rank), ''))
else console.log(JSON.stringify({ baselines: run.baselines.length, controls: run.controls.length }))
