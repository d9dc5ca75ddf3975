// When is a muscle tense? A simulated electromyogram through the recipe `emg`: band-pass, rectified, envelope; then live, chunk by chunk.
// With a recording of your own, start at readRecording.
import { Pipeline, type Recording, simulateEmg } from 'eegtorch'

const recording = simulateEmg({ duration: 40, seed: 2 })
const pipeline = Pipeline.recipe('emg')
const envelope = (await pipeline.apply(recording)) as Recording
const [samples] = envelope.read() as [Float64Array]
const mean = (from: number, to: number) => {
  const part = samples.subarray(Math.round(from * envelope.samplingRate), Math.round(to * envelope.samplingRate))
  return part.reduce((sum, value) => sum + value, 0) / part.length
}
const [first] = recording.events
const [tense, relaxed] = [mean(first!.onset, first!.onset + first!.duration), mean(0, first!.onset)]
console.log(`envelope ${(tense * 1e6).toFixed(0)} uV tense, ${(relaxed * 1e6).toFixed(0)} uV relaxed`)

// The same, forward: a decision every 20 ms, from what has been recorded so far.
const live = Pipeline.parse([
  { filter: { band: [20, 450], phase: 'forward' } },
  { envelope: { lowpass: 6, phase: 'forward' } },
]).stream({ channels: ['EMG'], samplingRate: recording.samplingRate })
const [raw] = recording.read() as [Float64Array]
let [onsets, wasTense] = [0, false]
for (let at = 0; at < raw.length; at += 40) {
  const { samples: chunk } = await live.push([raw.subarray(at, at + 40)])
  const isTense = chunk[0]!.at(-1)! > (tense + relaxed) / 2
  if (isTense && !wasTense) onsets++
  wasTense = isTense
}
console.log(`${onsets} contractions begin, ${recording.events.length} were simulated`)
