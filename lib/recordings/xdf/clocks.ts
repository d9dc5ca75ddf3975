import { median } from '../median.ts'

/** First and last index of a stretch, both included. */
export type Stretch = readonly [first: number, last: number]

interface Offset {
  readonly time: number
  readonly value: number
}

/** Seconds below which differences of clocks count fully in the fit, beyond which only linearly. */
const WINSOR = 1e-4
/** A clock was reset where both jump: the times of measurement by 5 s, the offsets by 1 s, and many deviations. */
const RESET = { time: { deviations: 5, seconds: 5 }, value: { deviations: 10, seconds: 1 } }
const ITERATIONS = 1000

/**
 * Time stamps on the recorder's clock: a robust line through the measured offsets is added to them, for each stretch between two
 * resets of the sender's clock. Done as pyxdf does it, to its numbers.
 */
export function synchronise(times: readonly number[], offsets: readonly Offset[]): Float64Array {
  const out = Float64Array.from(times)
  if (offsets.length === 0 || out.length === 0) return out
  const ranges = offsets.length > 1 ? resetRanges(offsets) : [[0, 0] as const]
  let start = 0
  for (const [first, last] of ranges) {
    const line = first === last ? [offsets[first]!.value, 0] : fitLine(offsets.slice(first, last + 1))
    const next = offsets[last + 1]
    let stop = start
    // Samples up to the one that is nearer to the next stretch.
    if (next === undefined) stop = out.length
    else
      while (stop < out.length && Math.abs(times[stop]! - offsets[last]!.time) < Math.abs(times[stop]! - next.time))
        stop++
    for (let i = start; i < stop; i++) out[i] = times[i]! + (line[0]! + line[1]! * times[i]!)
    start = stop
  }
  return out
}

function resetRanges(offsets: readonly Offset[]): Stretch[] {
  const steps = (key: keyof Offset) => offsets.slice(1).map((offset, i) => offset[key] - offsets[i]![key])
  const times = steps('time')
  const odd = { time: outliers(times, RESET.time), value: outliers(steps('value'), RESET.value) }
  return stretches(times.map((step, i) => step < 0 || (odd.time[i]! && odd.value[i]!)))
}

function outliers(
  values: readonly number[],
  { deviations, seconds }: { deviations: number; seconds: number },
): boolean[] {
  const middle = median(values)
  const typical = median(values.map((value) => Math.abs(value - middle))) + Number.EPSILON
  return values.map((value) => Math.abs((value - middle) / typical) > deviations && Math.abs(value - middle) > seconds)
}

/** Stretches between breaks; break `i` lies between items `i` and `i + 1`. */
export function stretches(breaks: readonly boolean[]): Stretch[] {
  const ends = breaks.flatMap((isBreak, i) => (isBreak ? [i] : []))
  return [...ends, breaks.length].map((last, i) => [i === 0 ? 0 : ends[i - 1]! + 1, last])
}

/** Intercept and slope that minimise Huber's loss, by the alternating direction method of multipliers (Boyd and others 2011). */
function fitLine(offsets: readonly Offset[]): [number, number] {
  const y = offsets.map(({ value }) => value / WINSOR)
  const scaled = offsets.map(({ time }) => time / WINSOR)
  const shift = Math.min(...scaled)
  const x = scaled.map((value) => value - shift)
  // The normal equations' Cholesky factor.
  const l11 = Math.sqrt(x.length)
  const l21 = x.reduce((sum, value) => sum + value, 0) / l11
  const l22 = Math.sqrt(x.reduce((sum, value) => sum + value * value, 0) - l21 * l21)
  if (!(l22 > 0)) return [0, 0]
  let [intercept, slope] = [0, 0]
  const [z, u] = [new Float64Array(x.length), new Float64Array(x.length)]
  for (let iteration = 0; iteration < ITERATIONS; iteration++) {
    let [b0, b1] = [0, 0]
    for (let i = 0; i < x.length; i++) {
      const target = y[i]! + z[i]! - u[i]!
      b0 += target
      b1 += x[i]! * target
    }
    const forward0 = b0 / l11
    const forward1 = (b1 - l21 * forward0) / l22
    slope = forward1 / l22
    intercept = (forward0 - l21 * slope) / l11
    for (let i = 0; i < x.length; i++) {
      const d = intercept + slope * x[i]! - y[i]! + u[i]!
      const shrink = d === 0 ? 1 : Math.max(0, 1 - 2 * Math.abs(1 / d))
      z[i] = 0.5 * d + 0.5 * shrink * d
      u[i] = d - z[i]!
    }
  }
  return [(intercept - slope * shift) * WINSOR, slope]
}

/** A regular stream breaks where time stamps are a second and 500 samples apart. */
const BREAK = { seconds: 1, samples: 500 }

/** Stretches without breaks, and the time stamps on a straight line within each; the rate is that of all stretches together. */
export function dejitter(
  times: Float64Array,
  nominal: number,
): { times: Float64Array; parts: Stretch[]; rate: number } {
  const limit = Math.max(BREAK.seconds, BREAK.samples / nominal)
  const parts = stretches(
    Array.from({ length: times.length - 1 }, (_, i) => Math.abs(times[i + 1]! - times[i]!) > limit),
  )
  const out = new Float64Array(times.length)
  let [samples, seconds] = [0, 0]
  for (const [first, last] of parts) {
    straighten(times.subarray(first, last + 1), out.subarray(first, last + 1))
    samples += last - first
    seconds += out[last]! - out[first]!
  }
  return { times: out, parts, rate: seconds > 0 ? samples / seconds : nominal }
}

function straighten(times: Float64Array, out: Float64Array): void {
  const n = times.length
  const middle = (n - 1) / 2
  let [mean, product, square] = [0, 0, 0]
  for (const time of times) mean += time / n
  for (let i = 0; i < n; i++) {
    product += (i - middle) * (times[i]! - mean)
    square += (i - middle) ** 2
  }
  const slope = square > 0 ? product / square : 0
  for (let i = 0; i < n; i++) out[i] = mean + slope * (i - middle)
}
