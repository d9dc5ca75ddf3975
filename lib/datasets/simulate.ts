import { electrodePosition } from '../electrodes.ts'
import { EegTorchError } from '../errors.ts'
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
import { rhythm, smoothStep } from './simulator-signals.ts'

/** Classes that the simulator knows; each is a movement that its subjects imagine. */
export type SimulatedClass = 'left hand' | 'right hand' | 'feet' | 'tongue'

/** What to simulate. */
export interface SimulationOptions {
  /** Default 3. */
  subjects?: number
  /** Runs of each subject, default 3. */
  runs?: number
  /** Trials of each class in a run, default 10. */
  trials?: number
  /** Default left and right hand. */
  classes?: readonly SimulatedClass[]
  /** Hertz, default 128. */
  samplingRate?: number
  /** Default 0. Every recording depends on the seed, its subject and its run alone. */
  seed?: number
}

/** The 22 EEG channels of BCI Competition IV, data set 2a. */
const SIMULATED_CHANNELS = 'Fz FC3 FC1 FCz FC2 FC4 C5 C3 C1 Cz C2 C4 C6 CP3 CP1 CPz CP2 CP4 P1 Pz P2 POz'.split(' ')

/** Seconds: from one cue to the next (with up to a second more), before the first cue, and of imagining. */
const TRIAL = 7
const LEAD = 2
const IMAGERY = 4

/** Where the rhythms are that fall silent when a part of the body is moved in mind. */
const AREAS = { handLeft: 'C3', handRight: 'C4', foot: 'Cz', face: 'C6' } as const
type Area = keyof typeof AREAS

/** How much of the subject's desynchronisation each class shows in each area; negative: the rhythm grows. */
const PATTERNS: Readonly<Record<SimulatedClass, Readonly<Record<Area, number>>>> = {
  'left hand': { handLeft: 0.3, handRight: 1, foot: 0.1, face: 0 },
  'right hand': { handLeft: 1, handRight: 0.3, foot: 0.1, face: 0 },
  feet: { handLeft: -0.3, handRight: -0.3, foot: 1, face: 0 },
  tongue: { handLeft: -0.2, handRight: -0.2, foot: 0, face: 1 },
}

/** What makes a subject: drawn once from the seed. */
interface Subject {
  name: string
  muFrequency: number
  muAmplitude: number
  alphaAmplitude: number
  /** Part of the mu amplitude that goes when a movement is imagined well. */
  depth: number
  blinkRate: number
  background: Float64Array[]
}

/**
 * Motor-imagery EEG that never was: 1/f background from many sources, a parietal alpha rhythm, mu and beta rhythms over the motor
 * areas that weaken on the side opposite to the imagined hand (event-related desynchronisation), eye blinks, mains hum and sensor noise,
 * mixed onto 22 electrodes by distance. Subjects differ in frequency, amplitude and skill, and trials fail now and then.
 *
 * Recordings are marked `simulated`, and so is everything derived from them. Events carry the class as label, at the cue; imagery
 * lasts 4 s. The same options give the same samples. Samples are made when first read, and kept.
 *
 * @throws EegTorchError `INVALID_OPTION` for a count or a rate that is not usable
 */
export function simulateMotorImagery(options: SimulationOptions = {}): Recordings {
  const { subjects = 3, runs = 3, trials = 10, samplingRate = 128, seed = 0 } = options
  const classes = options.classes ?? ['left hand', 'right hand']
  requireCounts({ subjects, runs, trials })
  requireSamplingRate(samplingRate)
  requireClasses(classes)
  return simulateRuns({ subjects, runs, seed }, drawSubject, (subject, run, random) =>
    simulateRun(subject, run, random, { trials, classes, samplingRate }),
  )
}

function drawSubject(name: string, random: Random): Subject {
  const between = (low: number, high: number) => low + (high - low) * random.uniform()
  return {
    name,
    muFrequency: between(9.5, 12.5),
    muAmplitude: between(4, 6.5),
    alphaAmplitude: between(3, 8),
    depth: between(0.4, 0.65),
    blinkRate: between(6, 18),
    background: drawSources(SIMULATED_CHANNELS, random),
  }
}

interface RunOptions {
  trials: number
  classes: readonly SimulatedClass[]
  samplingRate: number
}

function simulateRun(subject: Subject, run: number, random: Random, options: RunOptions): Recording {
  const { samplingRate, classes, trials } = options
  const labels = classes.flatMap((name) => new Array<SimulatedClass>(trials).fill(name))
  const pace = { lead: LEAD, duration: IMAGERY, pause: () => TRIAL + random.uniform() }
  const { events, end } = simulateEvents(labels, pace, samplingRate, random)
  const nSamples = Math.ceil(end * samplingRate)
  return simulatedRecording({
    ...{ subject: subject.name, run, channels: SIMULATED_CHANNELS, samplingRate, nSamples, events },
    makeSamples: () => makeSamples(subject, events, nSamples, samplingRate, random),
  })
}

/** Samples of all channels in volts. */
function makeSamples(
  subject: Subject,
  events: readonly Omit<RecordingEvent, 'sample'>[],
  n: number,
  rate: number,
  random: Random,
): Float64Array[] {
  const channels = SIMULATED_CHANNELS.map(() => new Float64Array(n))
  const gainsOf = (electrode: string) => scalpGains(SIMULATED_CHANNELS, electrodePosition(electrode)!, CORTEX_SPREAD)
  addBackground(channels, subject.background, rate, random)
  const alpha = rhythm(random, n, rate, subject.muFrequency - 0.7, 1.2)
  mixInto(channels, gainsOf('POz'), subject.alphaAmplitude, alpha)

  const effort = events.map(() => drawEffort(random))
  for (const area of Object.keys(AREAS) as Area[]) {
    const gains = gainsOf(AREAS[area])
    const remaining = desynchronise(events, effort, area, subject.depth, n, rate)
    const modulated = (signal: Float64Array) => signal.map((value, i) => value * remaining[i]!)
    mixInto(channels, gains, subject.muAmplitude, modulated(rhythm(random, n, rate, subject.muFrequency, 1.5)))
    mixInto(channels, gains, subject.muAmplitude / 3, modulated(rhythm(random, n, rate, 2 * subject.muFrequency, 3)))
  }
  addBlinks(channels, SIMULATED_CHANNELS, subject.blinkRate, rate, random)
  addSensorNoise(channels, rate, random)
  return channels
}

/** How well a subject does in a trial: mostly well, sometimes hardly at all. */
function drawEffort(random: Random): number {
  return random.uniform() < 0.12 ? 0.2 * random.uniform() : 0.7 + 0.5 * random.uniform()
}

/** What is left of an area's amplitude at each sample, 1 at rest. It falls within half a second after the cue and comes back at the end. */
function desynchronise(
  events: readonly Omit<RecordingEvent, 'sample'>[],
  effort: readonly number[],
  area: Area,
  depth: number,
  n: number,
  rate: number,
): Float64Array {
  const out = new Float64Array(n).fill(1)
  for (const [trial, { onset, label }] of events.entries()) {
    const loss = PATTERNS[label as SimulatedClass][area] * depth * effort[trial]!
    const last = Math.min(n, Math.ceil((onset + IMAGERY + 1) * rate))
    for (let i = Math.ceil(onset * rate); i < last; i++) {
      const t = i / rate - onset
      out[i]! -= loss * (smoothStep(t, 0.2, 0.7) - smoothStep(t, IMAGERY, IMAGERY + 0.8))
    }
  }
  return out
}

function requireClasses(classes: readonly SimulatedClass[]): void {
  const isKnown = classes.every((name) => Object.hasOwn(PATTERNS, name))
  if (isKnown && classes.length > 0 && new Set(classes).size === classes.length) return
  throw new EegTorchError('INVALID_OPTION', 'the classes to simulate are not usable', {
    option: 'classes',
    expected: `different ones of ${Object.keys(PATTERNS).join(', ')}`,
    received: classes.join(', ') || 'none',
  })
}
