import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { simulateMotorImagery, writeEdf } from 'eegtorch'

/** Runs in which subjects of EEGMMIDB moved both fists (T1) or both feet (T2), or imagined to. */
const RUNS = ['06', '10', '14']

/** Writes simulated EDF files under EEGMMIDB's names and labels: one subject, three runs of `trials` trials of each class. */
export async function writeSimulatedFiles(folder: string, trials = 4, seed = 2): Promise<void> {
  mkdirSync(folder, { recursive: true })
  const options = { subjects: 1, runs: RUNS.length, trials, seed }
  const recordings = simulateMotorImagery({ ...options, classes: ['left hand', 'feet'] })
  for (const [i, recording] of [...recordings].entries()) {
    const events = recording.events.map((event) => ({ ...event, label: event.label === 'feet' ? 'T2' : 'T1' }))
    await writeEdf(join(folder, `S001R${RUNS[i]}.edf`), recording.withEvents(events))
  }
}
