import { angleBetween, electrodePosition, type Position, spherical } from '../electrodes.ts'
import { EegTorchError } from '../errors.ts'
import { Random } from '../random.ts'
import { Recording, type RecordingEvent } from '../recordings/recording.ts'
import { Recordings } from './recordings.ts'
import { blinks, pinkNoise, rhythm, smoothStep } from './simulator-signals.ts'

// Taken once: a look-up of a global is slow inside a vm context.
const { PI, sin } = Math

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
/** Microvolts at the electrode nearest to a source. */
const BACKGROUND = 6
const SENSOR_NOISE = 1
const BLINK = 140
const BACKGROUND_SOURCES = 16
/** Spread of a source over the scalp, radians at which its gain has fallen to exp(-1/2). */
const CORTEX_SPREAD = 0.5
const EYE_SPREAD = 0.62

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
  background: { gains: Float64Array }[]
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
  requireRateAndClasses(samplingRate, classes)
  return new Recordings(
    Array.from({ length: subjects }, (_, i) => {
      const subject = drawSubject(i + 1, new Random(seed, 1000 * (i + 1)))
      return Array.from({ length: runs }, (_, run) =>
        simulateRun(subject, run + 1, new Random(seed, 1000 * (i + 1) + run + 1), { trials, classes, samplingRate }),
      )
    }).flat(),
  )
}

function drawSubject(number: number, random: Random): Subject {
  const between = (low: number, high: number) => low + (high - low) * random.uniform()
  return {
    name: `SIM${String(number).padStart(2, '0')}`,
    muFrequency: between(9.5, 12.5),
    muAmplitude: between(4, 6.5),
    alphaAmplitude: between(3, 8),
    depth: between(0.4, 0.65),
    blinkRate: between(6, 18),
    background: Array.from({ length: BACKGROUND_SOURCES }, () => ({
      gains: scalpGains(spherical(360 * random.uniform(), 100 * Math.sqrt(random.uniform())), 2 * CORTEX_SPREAD),
    })),
  }
}

interface RunOptions {
  trials: number
  classes: readonly SimulatedClass[]
  samplingRate: number
}

function simulateRun(subject: Subject, run: number, random: Random, options: RunOptions): Recording {
  const { samplingRate, classes, trials } = options
  const order = random.shuffle(classes.flatMap((name) => new Array<SimulatedClass>(trials).fill(name)))
  let time = LEAD
  const events = order.map((label) => {
    const onset = Math.round(time * samplingRate) / samplingRate
    time += TRIAL + random.uniform()
    return { onset, duration: IMAGERY, label }
  })
  const nSamples = Math.ceil(time * samplingRate)
  let data: Float64Array[] | undefined
  const name = `${subject.name}R${String(run).padStart(2, '0')}`
  // The state of the generator is spent once, so the samples are made once.
  const samples = () => {
    data ??= makeSamples(subject, events, nSamples, samplingRate, random)
    return data
  }
  return new Recording({
    name,
    format: 'simulated',
    simulated: true,
    subject: subject.name,
    run: String(run),
    channels: SIMULATED_CHANNELS.map((channel) => ({
      name: channel,
      label: channel,
      type: 'eeg',
      unit: 'V',
      samplingRate,
    })),
    samplingRate,
    nSamples,
    events,
    source: {
      readsWhole: false,
      read: (ranges) => ranges.map(({ channel, start, stop }) => samples()[channel]!.slice(start, stop)),
    },
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
  const mix = (gains: Float64Array, microvolts: number, signal: Float64Array) => {
    for (const [c, samples] of channels.entries()) {
      const gain = gains[c]! * microvolts * 1e-6
      for (let i = 0; i < n; i++) samples[i]! += gain * signal[i]!
    }
  }
  const perSource = BACKGROUND / Math.sqrt(averagePower(subject.background))
  for (const { gains } of subject.background) mix(gains, perSource, pinkNoise(random, n, rate))
  mix(
    scalpGains(electrodePosition('POz')!, CORTEX_SPREAD),
    subject.alphaAmplitude,
    rhythm(random, n, rate, subject.muFrequency - 0.7, 1.2),
  )

  const effort = events.map(() => drawEffort(random))
  for (const area of Object.keys(AREAS) as Area[]) {
    const gains = scalpGains(electrodePosition(AREAS[area])!, CORTEX_SPREAD)
    const remaining = desynchronise(events, effort, area, subject.depth, n, rate)
    const modulated = (signal: Float64Array) => signal.map((value, i) => value * remaining[i]!)
    mix(gains, subject.muAmplitude, modulated(rhythm(random, n, rate, subject.muFrequency, 1.5)))
    mix(gains, subject.muAmplitude / 3, modulated(rhythm(random, n, rate, 2 * subject.muFrequency, 3)))
  }
  mix(scalpGains(spherical(0, 100), EYE_SPREAD), BLINK, blinks(random, n, rate, subject.blinkRate))
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

function addSensorNoise(channels: readonly Float64Array[], rate: number, random: Random): void {
  const phase = 2 * Math.PI * random.uniform()
  // Mains hum that half of the sampling rate cannot hold would alias, as no amplifier lets it.
  const hum = rate > 100 ? 0.5e-6 : 0
  for (const samples of channels) {
    const level = hum * (0.5 + random.uniform())
    for (let i = 0; i < samples.length; i++) {
      samples[i]! += SENSOR_NOISE * 1e-6 * random.normal() + level * sin((2 * PI * 50 * i) / rate + phase)
    }
  }
}

/** How strongly each electrode sees a source: a bell curve of the angle between them. */
function scalpGains(source: Position, spread: number): Float64Array {
  return Float64Array.from(SIMULATED_CHANNELS, (name) => {
    const angle = angleBetween(source, electrodePosition(name)!)
    return Math.exp(-(angle * angle) / (2 * spread * spread))
  })
}

/** Power that sources of size 1 add up to, averaged over electrodes. */
function averagePower(sources: readonly { gains: Float64Array }[]): number {
  const total = sources.reduce((sum, { gains }) => sum + gains.reduce((power, gain) => power + gain * gain, 0), 0)
  return total / SIMULATED_CHANNELS.length
}

function requireCounts(counts: Record<string, number>): void {
  for (const [option, count] of Object.entries(counts)) {
    if (Number.isInteger(count) && count >= 1 && count <= 999) continue
    throw new EegTorchError('INVALID_OPTION', `the number of ${option} to simulate is not usable`, {
      option,
      expected: 'a whole number from 1 to 999',
      received: String(count),
    })
  }
}

function requireRateAndClasses(samplingRate: number, classes: readonly SimulatedClass[]): void {
  if (!(samplingRate >= 64 && samplingRate <= 10_000)) {
    throw new EegTorchError('INVALID_OPTION', 'the sampling rate of the simulation is not usable', {
      option: 'samplingRate',
      expected: '64 to 10000 Hz',
      received: String(samplingRate),
    })
  }
  const isKnown = classes.every((name) => Object.hasOwn(PATTERNS, name))
  if (isKnown && classes.length > 0 && new Set(classes).size === classes.length) return
  throw new EegTorchError('INVALID_OPTION', 'the classes to simulate are not usable', {
    option: 'classes',
    expected: `different ones of ${Object.keys(PATTERNS).join(', ')}`,
    received: classes.join(', ') || 'none',
  })
}
