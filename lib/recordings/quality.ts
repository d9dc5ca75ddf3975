import { median } from './median.ts'
import type { Recording } from './recording.ts'

// Taken once: a look-up of a global is slow inside a vm context.
const { PI, abs, cos, sqrt } = Math

/** What the signal looks like, judged by numbers alone. */
export interface SignalQuality {
  /** Names of EEG channels whose typical deviation within a second is what EEG shows: 0.5 to 200 microvolts. */
  readonly plausible: readonly string[]
  /** Name of each other EEG channel, and its typical deviation in volts. */
  readonly implausible: readonly { readonly name: string; readonly deviation: number }[]
  /** The stronger mains line, 50 or 60 Hz: how far it stands above its surroundings, median of channels. Absent below 130 Hz. */
  readonly line?: { readonly frequency: 50 | 60; readonly decibels: number }
}

const LOWEST = 0.5e-6
const HIGHEST = 200e-6
/** Seconds examined, from the middle of the recording. */
const EXAMINED = 60
/** Hertz. */
const LINES = [50, 60] as const
/** Hertz from a line to where little of it is seen. */
const BESIDE = [-4, -3, -2, 2, 3, 4]
/** Each line, followed by what is beside it. */
const FREQUENCIES = LINES.flatMap((line) => [line, ...BESIDE.map((offset) => line + offset)])

/** Examines the middle minute of each EEG channel (all of it, where the recording is shorter). */
export function examineSignal(recording: Recording): SignalQuality {
  const names = recording.channels.filter(
    ({ type, samplingRate }) => type === 'eeg' && samplingRate === recording.samplingRate,
  )
  const rate = recording.samplingRate
  const n = Math.min(recording.nSamples, Math.ceil(EXAMINED * rate))
  const start = Math.floor((recording.nSamples - n) / 2)
  const indices = names.map(({ name }) => recording.channelIndex(name))
  const data = recording.readSamples(start, start + n, indices)
  const judged = names.map(({ name }, i) => ({ name, deviation: typicalDeviation(data[i]!, rate) }))
  const isPlausible = ({ deviation }: { deviation: number }) => deviation >= LOWEST && deviation <= HIGHEST
  const line = strongerLine(data, rate)
  return {
    plausible: judged.filter(isPlausible).map(({ name }) => name),
    implausible: judged.filter((channel) => !isPlausible(channel)),
    ...(line === undefined ? {} : { line }),
  }
}

/** Median over seconds of the standard deviation within a second, so that a few artefacts or a drift do not count. */
function typicalDeviation(samples: Float64Array, rate: number): number {
  const length = Math.max(1, Math.min(samples.length, Math.round(rate)))
  const deviations: number[] = []
  for (let start = 0; start + length <= samples.length; start += length) {
    let mean = 0
    for (let i = 0; i < length; i++) mean += samples[start + i]! / length
    let square = 0
    for (let i = 0; i < length; i++) square += (samples[start + i]! - mean) ** 2 / length
    deviations.push(sqrt(square))
  }
  // A second that holds what is no number says nothing.
  return median(deviations.filter(Number.isFinite))
}

function strongerLine(data: readonly Float64Array[], rate: number): SignalQuality['line'] | undefined {
  if (rate < 130 || data.length === 0 || data[0]!.length < 2 * rate) return undefined
  const powers = data.map((samples) => powersAt(samples, rate, FREQUENCIES))
  const [fifty, sixty] = LINES.map((frequency, i) => ({
    frequency,
    decibels: median(powers.map((power) => prominence(power, i * (BESIDE.length + 1))).filter(Number.isFinite)),
  }))
  const line = sixty!.decibels > fifty!.decibels ? sixty! : fifty!
  return Number.isFinite(line.decibels) ? line : undefined
}

/** Power at a line, which has this place, over the mean power 2 to 4 Hz beside it, in decibels. */
function prominence(powers: Float64Array, place: number): number {
  const beside = powers.subarray(place + 1, place + 1 + BESIDE.length)
  return 10 * Math.log10(powers[place]! / (beside.reduce((a, b) => a + b) / beside.length))
}

/**
 * Power at some frequencies (Goertzel's algorithm) averaged over Hann windows of two seconds. One sample after the other: the processor
 * works at all frequencies at once, where one alone would wait for itself.
 */
function powersAt(samples: Float64Array, rate: number, frequencies: readonly number[]): Float64Array {
  const length = Math.round(2 * rate)
  const hann = Float64Array.from({ length }, (_, i) => 0.5 - 0.5 * cos((2 * PI * i) / length))
  const twice = Float64Array.from(frequencies, (frequency) => 2 * cos((2 * PI * frequency) / rate))
  const [powers, one, two] = [0, 1, 2].map(() => new Float64Array(twice.length)) as [
    Float64Array,
    Float64Array,
    Float64Array,
  ]
  for (let start = 0; start + length <= samples.length; start += length) {
    one.fill(0)
    two.fill(0)
    for (let i = 0; i < length; i++) {
      const sample = samples[start + i]! * hann[i]!
      for (let k = 0; k < twice.length; k++) {
        const next = sample + twice[k]! * one[k]! - two[k]!
        two[k] = one[k]!
        one[k] = next
      }
    }
    for (let k = 0; k < twice.length; k++)
      powers[k]! += abs(one[k]! * one[k]! + two[k]! * two[k]! - twice[k]! * one[k]! * two[k]!)
  }
  return powers
}
