// How fast does a heart beat? A simulated electrocardiogram through the recipe `ecg`: band-pass, and an event for each heartbeat.
// With a recording of your own, start at readRecording.
import { Pipeline, type Recording, simulateEcg } from 'eegtorch'

const recording = simulateEcg({ duration: 60, heartRate: 64, seed: 5 })
const filtered = (await Pipeline.recipe('ecg').apply(recording)) as Recording
const times = (label: string) => filtered.events.filter((event) => event.label === label).map(({ onset }) => onset)
const [found, simulated] = [times('R'), times('beat')]
const apart = Math.max(...found.map((time, i) => Math.abs(time - simulated[i]!)))
console.log(
  `${found.length} of ${simulated.length} beats found, at most ${(apart * 1000).toFixed(0)} ms beside the truth`,
)

const intervals = found.slice(1).map((time, i) => time - found[i]!)
const mean = intervals.reduce((sum, interval) => sum + interval, 0) / intervals.length
const variability = Math.sqrt(intervals.reduce((sum, interval) => sum + (interval - mean) ** 2, 0) / intervals.length)
console.log(
  `${(60 / mean).toFixed(1)} beats per minute, deviation of the interval ${(variability * 1000).toFixed(0)} ms`,
)
