import { Random } from '../random.ts'
import { type ChannelType, Recording, type RecordingEvent } from '../recordings/recording.ts'
import { butterworth } from '../signal/butterworth.ts'
import { filterBothWays } from '../signal/sos-filter.ts'
import { addBell } from './simulator-signals.ts'

// Taken once: a look-up of a global is slow inside a vm context.
const { PI, sin, sqrt } = Math

/** What to simulate. */
export interface BodySignalOptions {
  /** Seconds, default 60. */
  duration?: number
  /** Hertz. */
  samplingRate?: number
  /** Default 0. The same options give the same samples. */
  seed?: number
}

/** Waves of a heartbeat: seconds after the R peak, millivolts, width in seconds. */
const WAVES = [
  { at: -0.18, size: 0.15, width: 0.025 },
  { at: -0.033, size: -0.12, width: 0.009 },
  { at: 0, size: 1.1, width: 0.011 },
  { at: 0.033, size: -0.25, width: 0.009 },
] as const
const T_WAVE = { size: 0.32, width: 0.045 }
const LEAD_IN = 0.5

/**
 * An electrocardiogram that never was: waves P, Q, R, S and T as bell curves, a heart rate that follows the breath and drifts, baseline wander, mains
 * hum and noise. Events labelled `beat` tell where the R peaks truly are. Marked `simulated`.
 *
 * @param options.heartRate beats per minute, default 70; samplingRate default 250 Hz
 * @param options.noise standard deviation in volts, default 20e-6
 */
export function simulateEcg({
  duration = 60,
  samplingRate = 250,
  seed = 0,
  heartRate = 70,
  noise = 20e-6,
}: BodySignalOptions & { heartRate?: number; noise?: number } = {}): Recording {
  const random = new Random(seed, 1)
  const n = Math.round(duration * samplingRate)
  const millivolts = new Float64Array(n)
  const events: Omit<RecordingEvent, 'sample'>[] = []
  for (let time = LEAD_IN; time < duration - LEAD_IN; ) {
    const interval = (60 / heartRate) * (1 + 0.05 * sin(2 * PI * 0.25 * time) + 0.02 * random.normal())
    const onset = Math.round(time * samplingRate) / samplingRate
    events.push({ onset, duration: 0, label: 'beat' })
    // The T wave comes later where the heart beats more slowly.
    for (const wave of [...WAVES, { ...T_WAVE, at: 0.29 * sqrt(interval) }])
      addBell(millivolts, samplingRate, onset + wave.at, wave.width, wave.size)
    time += interval
  }
  const data = millivolts.map((value, i) => {
    const t = i / samplingRate
    const wander = 0.2 * sin(2 * PI * 0.22 * t) + 0.1 * sin(2 * PI * 0.07 * t + 1)
    return (value + wander + 0.03 * sin(2 * PI * 50 * t)) * 1e-3 + noise * random.normal()
  })
  return bodyRecording('ecg', data, samplingRate, events)
}

/**
 * A surface electromyogram that never was: noise of 20 to 450 Hz that grows fifteenfold while the muscle is tense, mains hum and a drifting baseline. Events
 * labelled `contraction` tell when that is. Marked `simulated`.
 *
 * @param options.samplingRate default 2000 Hz
 */
export function simulateEmg({ duration = 60, samplingRate = 2000, seed = 0 }: BodySignalOptions = {}): Recording {
  const random = new Random(seed, 2)
  const n = Math.round(duration * samplingRate)
  const events: Omit<RecordingEvent, 'sample'>[] = []
  const gain = new Float64Array(n).fill(10e-6)
  for (let time = 2; time + 2 < duration; time += 4 + random.uniform()) {
    const onset = Math.round(time * samplingRate) / samplingRate
    events.push({ onset, duration: 1.5, label: 'contraction' })
    gain.fill(150e-6, Math.round(onset * samplingRate), Math.round((onset + 1.5) * samplingRate))
  }
  const carrier = filterBothWays(
    butterworth(2, 20, 450, samplingRate),
    Float64Array.from({ length: n }, () => random.normal()),
  )
  const size = sqrt(carrier.reduce((sum, value) => sum + value * value, 0) / n)
  const data = carrier.map((value, i) => {
    const t = i / samplingRate
    return (gain[i]! * value) / size + 30e-6 * sin(2 * PI * 0.3 * t) + 5e-6 * sin(2 * PI * 50 * t)
  })
  return bodyRecording('emg', data, samplingRate, events)
}

function bodyRecording(
  type: ChannelType,
  data: Float64Array,
  samplingRate: number,
  events: readonly Omit<RecordingEvent, 'sample'>[],
): Recording {
  const name = type.toUpperCase()
  return new Recording({
    ...{ name, format: 'simulated', simulated: true, samplingRate, nSamples: data.length, events },
    channels: [{ name, label: name, type, unit: 'V', samplingRate }],
    source: { read: (ranges) => ranges.map(({ start, stop }) => data.slice(start, stop)) },
  })
}
