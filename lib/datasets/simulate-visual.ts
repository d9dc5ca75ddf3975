import { electrodePosition } from '../electrodes.ts'
import type { Random } from '../random.ts'
import type { Recording, RecordingEvent } from '../recordings/recording.ts'
import type { Recordings } from './recordings.ts'
import {
  addBackground,
  addBlinks,
  addSensorNoise,
  CORTEX_SPREAD,
  drawSources,
  mixInto,
  requireCounts,
  requireSamplingRate,
  scalpGains,
  simulatedRecording,
  simulateEvents,
  simulateRuns,
} from './simulated-scalp.ts'
import { addBell, rhythm } from './simulator-signals.ts'

/** What to simulate. */
export interface VisualSimulationOptions {
  /** Default 1. */
  subjects?: number
  /** Runs of each subject, default 4. */
  runs?: number
  /** Pictures of each class in a run, default 60. */
  trials?: number
  /** Hertz, default 128. */
  samplingRate?: number
  /** Default 0. Every recording depends on the seed, its subject and its run alone. */
  seed?: number
}

const CHANNELS = 'Fz C3 Cz C4 P7 P3 Pz P4 P8 PO7 POz PO8 O1 Oz O2'.split(' ')
/** Seconds from one picture to the next, with up to a third more, and before the first. */
const TRIAL = 0.9
const LEAD = 2
/** How long a picture is seen, in seconds. */
const SHOWN = 0.3

/** A wave of the response: seconds after the picture, width in seconds, microvolts at the electrodes it is largest at. */
interface Wave {
  at: number
  width: number
  face: number
  house: number
  electrodes: readonly string[]
}

/** P1, N170 (larger for faces, more so on the right: Bentin et al. 1996, J. Cogn. Neurosci. 8, 551), P2 and a late positivity. */
const WAVES: readonly Wave[] = [
  { at: 0.105, width: 0.018, face: 4, house: 4.5, electrodes: ['O1', 'O2'] },
  { at: 0.17, width: 0.02, face: -9, house: -3, electrodes: ['PO8'] },
  { at: 0.17, width: 0.02, face: -6.5, house: -2.5, electrodes: ['PO7'] },
  { at: 0.24, width: 0.035, face: 3, house: 4.5, electrodes: ['POz'] },
  { at: 0.4, width: 0.08, face: 4, house: 3, electrodes: ['Pz'] },
]

/**
 * EEG of somebody who looks at faces and houses, that never was: responses to each picture (P1, N170, P2, late positivity) of which the N170 is larger
 * for faces, later and smaller in some trials than in others, in a 1/f background with an occipital alpha rhythm, blinks, mains hum and sensor noise,
 * on 15 electrodes. Recordings are marked `simulated`. Events are labelled `face` and `house`.
 *
 * @throws EegTorchError `INVALID_OPTION` for a count or a rate that is not usable
 */
export function simulateVisualResponses(options: VisualSimulationOptions = {}): Recordings {
  const { subjects = 1, runs = 4, trials = 60, samplingRate = 128, seed = 0 } = options
  requireCounts({ subjects, runs, trials })
  requireSamplingRate(samplingRate)
  return simulateRuns({ subjects, runs, seed }, drawSubject, (subject, run, random) =>
    simulateRun(subject, run, { trials, samplingRate }, random),
  )
}

interface Viewer {
  name: string
  background: Float64Array[]
  alphaFrequency: number
  alphaAmplitude: number
  /** How large the responses are, and by how many seconds they are late. */
  size: number
  delay: number
}

function drawSubject(name: string, random: Random): Viewer {
  const between = (low: number, high: number) => low + (high - low) * random.uniform()
  return {
    name,
    background: drawSources(CHANNELS, random),
    alphaFrequency: between(9, 11.5),
    alphaAmplitude: between(2, 4),
    size: between(0.9, 1.2),
    delay: between(-0.01, 0.02),
  }
}

function simulateRun(
  subject: Viewer,
  run: number,
  { trials, samplingRate }: { trials: number; samplingRate: number },
  random: Random,
): Recording {
  const labels = ['face', 'house'].flatMap((label) => new Array<string>(trials).fill(label))
  const pace = { lead: LEAD, duration: SHOWN, pause: () => TRIAL * (1 + random.uniform() / 3) }
  const { events, end } = simulateEvents(labels, pace, samplingRate, random)
  const nSamples = Math.ceil((end + 1) * samplingRate)
  return simulatedRecording({
    ...{ subject: subject.name, run, channels: CHANNELS, samplingRate, nSamples, events },
    makeSamples: () => makeSamples(subject, events, nSamples, samplingRate, random),
  })
}

function makeSamples(
  subject: Viewer,
  events: readonly Omit<RecordingEvent, 'sample'>[],
  n: number,
  rate: number,
  random: Random,
): Float64Array[] {
  const channels = CHANNELS.map(() => new Float64Array(n))
  const gainsAt = (electrode: string) => scalpGains(CHANNELS, electrodePosition(electrode)!, CORTEX_SPREAD)
  addBackground(channels, subject.background, rate, random)
  const alpha = rhythm(random, n, rate, subject.alphaFrequency, 1.5)
  mixInto(channels, gainsAt('Oz'), subject.alphaAmplitude, alpha)
  const responses = events.map(({ onset, label }) => ({
    label: label as 'face' | 'house',
    start: onset + subject.delay + 0.008 * random.normal(),
    size: subject.size * Math.max(0, 1 + 0.35 * random.normal()),
  }))
  for (const wave of WAVES) {
    const signal = new Float64Array(n)
    for (const { label, start, size } of responses)
      addBell(signal, rate, start + wave.at, wave.width, size * wave[label])
    for (const electrode of wave.electrodes) mixInto(channels, gainsAt(electrode), 1, signal)
  }
  addBlinks(channels, CHANNELS, 12, rate, random)
  addSensorNoise(channels, rate, random)
  return channels
}
