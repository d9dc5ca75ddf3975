import type { Random } from '../random.ts'

// Taken once: a look-up of a global is slow inside a vm context.
const { exp, max, min } = Math

/**
 * Noise whose power falls as 1/f from `lowest` hertz to half of the sampling rate, with standard deviation 1. White noise through
 * first-order low-passes an octave apart, each weighted by the root of its corner: their sum falls as 1/sqrt(f) in amplitude.
 */
export function pinkNoise(random: Random, n: number, samplingRate: number, lowest = 0.1): Float64Array {
  const corners: number[] = []
  for (let corner = lowest; corner < samplingRate; corner *= 2) corners.push(corner)
  const decay = Float64Array.from(corners, (corner) => Math.exp((-2 * Math.PI * corner) / samplingRate))
  const gain = Float64Array.from(corners, (corner, k) => (1 - decay[k]!) / Math.sqrt(corner))
  const scale = 1 / Math.sqrt(variance(decay, gain))
  const state = new Float64Array(corners.length)
  const out = new Float64Array(n)
  // The slowest part needs its time constant several times over to reach its full size.
  const warmUp = Math.ceil((3 * samplingRate) / (2 * Math.PI * lowest))
  for (let i = -warmUp; i < n; i++) {
    const white = random.normal()
    let sum = 0
    for (let k = 0; k < state.length; k++) {
      state[k] = state[k]! * decay[k]! + white * gain[k]!
      sum += state[k]!
    }
    if (i >= 0) out[i] = sum * scale
  }
  return out
}

/** Variance of the sum of first-order low-passes that share one white input. */
function variance(decay: Float64Array, gain: Float64Array): number {
  let sum = 0
  for (const [j, a] of decay.entries()) {
    for (const [k, b] of decay.entries()) sum += (gain[j]! * gain[k]!) / (1 - a * b)
  }
  return sum
}

/**
 * A brain rhythm: noise around a frequency, whose amplitude and phase wander as real ones do; standard deviation 1. A complex
 * first-order process, so the spectrum is a Lorentz curve `bandwidth` hertz wide at half of its height.
 */
export function rhythm(
  random: Random,
  n: number,
  samplingRate: number,
  frequency: number,
  bandwidth: number,
): Float64Array {
  const decay = Math.exp((-Math.PI * bandwidth) / samplingRate)
  const turn = (2 * Math.PI * frequency) / samplingRate
  const [c, s] = [decay * Math.cos(turn), decay * Math.sin(turn)]
  const kick = Math.sqrt(1 - decay * decay)
  const out = new Float64Array(n)
  let re = random.normal()
  let im = random.normal()
  for (let i = 0; i < n; i++) {
    out[i] = re
    const next = c * re - s * im + kick * random.normal()
    im = s * re + c * im + kick * random.normal()
    re = next
  }
  return out
}

/** Eye blinks at random times, `perMinute` on average: rounded pulses of 0.25 to 0.45 s and height about 1. */
export function blinks(random: Random, n: number, samplingRate: number, perMinute: number): Float64Array {
  const out = new Float64Array(n)
  let at = 0
  for (;;) {
    // Nobody blinks twice within half a second.
    at += Math.round(samplingRate * (0.5 + (60 / perMinute - 0.5) * -Math.log(1 - random.uniform())))
    if (at >= n) return out
    const length = Math.round(samplingRate * (0.25 + 0.2 * random.uniform()))
    const height = 0.7 + 0.6 * random.uniform()
    for (let i = 0; i < length && at + i < n; i++) {
      out[at + i]! += height * Math.sin((Math.PI * (i + 0.5)) / length) ** 2
    }
  }
}

/** 0 up to `start`, 1 from `stop` on, and a smooth step between; any unit. */
export function smoothStep(x: number, start: number, stop: number): number {
  const place = min(1, max(0, (x - start) / (stop - start)))
  return place * place * (3 - 2 * place)
}

/** Adds a bell curve around the second `at`; `width` is its standard deviation in seconds. */
export function addBell(samples: Float64Array, samplingRate: number, at: number, width: number, size: number): void {
  const centre = at * samplingRate
  const deviation = width * samplingRate
  const last = min(samples.length, centre + 5 * deviation)
  for (let i = max(0, Math.ceil(centre - 5 * deviation)); i < last; i++) {
    samples[i]! += size * exp(-(((i - centre) / deviation) ** 2) / 2)
  }
}
