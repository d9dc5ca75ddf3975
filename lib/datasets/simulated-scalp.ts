import { angleBetween, electrodePosition, type Position, spherical } from '../electrodes.ts'
import { EegTorchError } from '../errors.ts'
import { Random } from '../random.ts'
import { Recording, type RecordingEvent } from '../recordings/recording.ts'
import { Recordings } from './recordings.ts'
import { blinks, pinkNoise } from './simulator-signals.ts'

// Taken once: a look-up of a global is slow inside a vm context.
const { PI, sin } = Math

/** Spread of a source over the scalp, radians at which its gain has fallen to exp(-1/2). */
export const CORTEX_SPREAD = 0.5
const EYE_SPREAD = 0.62
/** Microvolts at the electrode nearest to a source. */
const BACKGROUND = 6
const SENSOR_NOISE = 1
const BLINK = 140
const BACKGROUND_SOURCES = 16

/** Simulates each run of each subject. A recording depends on the seed, its subject and its run alone. */
export function simulateRuns<Subject>(
  { subjects, runs, seed }: Readonly<Record<'subjects' | 'runs' | 'seed', number>>,
  draw: (name: string, random: Random) => Subject,
  simulate: (subject: Subject, run: number, random: Random) => Recording,
): Recordings {
  const count = (n: number) => Array.from({ length: n }, (_, i) => i + 1)
  return new Recordings(
    count(subjects).flatMap((number) => {
      const subject = draw(`SIM${String(number).padStart(2, '0')}`, new Random(seed, 1000 * number))
      return count(runs).map((run) => simulate(subject, run, new Random(seed, 1000 * number + run)))
    }),
  )
}

/** Trials of a run in random order, on whole samples. */
export function simulateEvents<Label extends string>(
  labels: readonly Label[],
  { lead, duration, pause }: { lead: number; duration: number; pause: () => number },
  samplingRate: number,
  random: Random,
): { events: (Omit<RecordingEvent, 'sample'> & { label: Label })[]; end: number } {
  let end = lead
  const events = random.shuffle([...labels]).map((label) => {
    const onset = Math.round(end * samplingRate) / samplingRate
    end += pause()
    return { onset, duration, label }
  })
  return { events, end }
}

/** How strongly each electrode sees a source: a bell curve of the angle between them. */
export function scalpGains(electrodes: readonly string[], source: Position, spread: number): Float64Array {
  return Float64Array.from(electrodes, (name) => {
    const angle = angleBetween(source, electrodePosition(name)!)
    return Math.exp(-(angle * angle) / (2 * spread * spread))
  })
}

/** Adds a source's signal to the channels, in volts. */
export function mixInto(
  channels: readonly Float64Array[],
  gains: Float64Array,
  microvolts: number,
  signal: Float64Array,
): void {
  for (const [c, samples] of channels.entries()) {
    const gain = gains[c]! * microvolts * 1e-6
    for (let i = 0; i < samples.length; i++) samples[i]! += gain * signal[i]!
  }
}

/** Where the background of a subject comes from: the gains of each source. */
export function drawSources(electrodes: readonly string[], random: Random): Float64Array[] {
  return Array.from({ length: BACKGROUND_SOURCES }, () =>
    scalpGains(electrodes, spherical(360 * random.uniform(), 100 * Math.sqrt(random.uniform())), 2 * CORTEX_SPREAD),
  )
}

/** Adds 1/f noise of many sources. */
export function addBackground(
  channels: readonly Float64Array[],
  sources: readonly Float64Array[],
  rate: number,
  random: Random,
): void {
  const power = sources.reduce((sum, gains) => sum + gains.reduce((all, gain) => all + gain * gain, 0), 0)
  const perSource = BACKGROUND / Math.sqrt(power / channels.length)
  for (const gains of sources) mixInto(channels, gains, perSource, pinkNoise(random, channels[0]!.length, rate))
}

/** Adds eye blinks, so many in a minute on average. */
export function addBlinks(
  channels: readonly Float64Array[],
  electrodes: readonly string[],
  perMinute: number,
  rate: number,
  random: Random,
): void {
  const gains = scalpGains(electrodes, spherical(0, 100), EYE_SPREAD)
  mixInto(channels, gains, BLINK, blinks(random, channels[0]!.length, rate, perMinute))
}

/** Adds mains hum and the noise of the sensors. */
export function addSensorNoise(channels: readonly Float64Array[], rate: number, random: Random): void {
  const phase = 2 * PI * random.uniform()
  // Mains hum that half of the sampling rate cannot hold would alias, as no amplifier lets it.
  const hum = rate > 100 ? 0.5e-6 : 0
  for (const samples of channels) {
    const level = hum * (0.5 + random.uniform())
    for (let i = 0; i < samples.length; i++) {
      samples[i]! += SENSOR_NOISE * 1e-6 * random.normal() + level * sin((2 * PI * 50 * i) / rate + phase)
    }
  }
}

/** A run of simulated EEG, whose samples are made when first read, and kept. */
export function simulatedRecording(parts: {
  subject: string
  run: number
  channels: readonly string[]
  samplingRate: number
  nSamples: number
  events: readonly Omit<RecordingEvent, 'sample'>[]
  makeSamples: () => Float64Array[]
}): Recording {
  const { subject, run, channels, samplingRate, makeSamples, ...rest } = parts
  let data: Float64Array[] | undefined
  // The state of the generator is spent once, so the samples are made once.
  const samples = () => {
    data ??= makeSamples()
    return data
  }
  return new Recording({
    ...{ name: `${subject}R${String(run).padStart(2, '0')}`, subject, run: String(run), samplingRate, ...rest },
    ...{ format: 'simulated', simulated: true },
    channels: channels.map((name) => ({ name, label: name, type: 'eeg', unit: 'V', samplingRate })),
    source: {
      read: (ranges) => ranges.map(({ channel, start, stop }) => samples()[channel]!.slice(start, stop)),
    },
  })
}

/** @throws EegTorchError `INVALID_OPTION` for numbers of things to simulate that are not usable */
export function requireCounts(counts: Record<string, number>): void {
  for (const [option, count] of Object.entries(counts)) {
    if (Number.isInteger(count) && count >= 1 && count <= 999) continue
    throw new EegTorchError('INVALID_OPTION', `the number of ${option} to simulate is not usable`, {
      option,
      expected: 'a whole number from 1 to 999',
      received: String(count),
    })
  }
}

/** @throws EegTorchError `INVALID_OPTION` */
export function requireSamplingRate(samplingRate: number): void {
  if (samplingRate >= 64 && samplingRate <= 10_000) return
  throw new EegTorchError('INVALID_OPTION', 'the sampling rate of the simulation is not usable', {
    option: 'samplingRate',
    expected: '64 to 10000 Hz',
    received: String(samplingRate),
  })
}
