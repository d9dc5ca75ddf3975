import { EegTorchError } from '../errors.ts'
import { butterworth } from './butterworth.ts'
import { filterBothWays } from './sos-filter.ts'

// Seconds, after Pan and Tompkins 1985: no two beats are nearer than the heart can beat; a wave that follows so soon and rises half as steeply is a T wave.
const REFRACTORY = 0.2
const T_WAVE = 0.36
const INTEGRATION = 0.15
const LEARNING = 2
/** Beats whose distances say when the next is due, and by how much of their mean it may be late. */
const REMEMBERED = 8
const LATE = 1.66
const BAND = [5, 15] as const
const SLOWEST_RATE = 50

/** What each step of the method makes of a signal. */
interface Features {
  /** Slope of the band-passed signal. */
  slope: Float64Array
  /** Its square, averaged over the width of a QRS complex. */
  energy: Float64Array
}

interface Peak {
  at: number
  energy: number
  /** Steepest slope around it. */
  slope: number
}

/**
 * R peaks of an electrocardiogram in the manner of Pan and Tompkins (1985, IEEE Transactions on Biomedical Engineering 32): band-pass of 5 to 15 Hz,
 * slope, square, average over 150 ms; peaks of it are told from noise by two thresholds that follow both, T waves by their slope, and beats
 * that are overdue are looked for again with half the threshold. The filter runs both ways, so nothing is delayed; a beat is put where the
 * signal is farthest from its neighbourhood within 50 ms.
 *
 * @param samples any unit
 * @param samplingRate hertz, at least 50
 * @returns samples of the R peaks, rising
 * @throws EegTorchError `INVALID_OPTION` for a slower rate, or samples that are not finite
 */
export function findHeartbeats(samples: Float64Array, samplingRate: number): number[] {
  if (!(samplingRate >= SLOWEST_RATE)) {
    throw new EegTorchError('INVALID_OPTION', 'heartbeats need a faster recording', {
      option: 'samplingRate',
      expected: `at least ${SLOWEST_RATE} Hz`,
      received: `${samplingRate} Hz`,
    })
  }
  if (!samples.every(Number.isFinite)) {
    throw new EegTorchError('INVALID_OPTION', 'heartbeats cannot be looked for among samples that are not finite')
  }
  if (samples.length < samplingRate * REFRACTORY) return []
  const filtered = filterBothWays(butterworth(2, ...BAND, samplingRate), samples)
  const features = featuresOf(filtered, samplingRate)
  const peaks = peaksOf(features, samplingRate)
  const beats = new BeatDetector(features.energy, samplingRate).run(peaks)
  const reach = Math.round(0.05 * samplingRate)
  return [...new Set(beats.map(({ at }) => extremeNear(samples, extremeNear(filtered, at, 2 * reach), reach)))]
}

function featuresOf(x: Float64Array, rate: number): Features {
  const slope = x.map((_, i) => {
    const before = 2 * x[Math.max(0, i - 1)]! + x[Math.max(0, i - 2)]!
    const after = 2 * x[Math.min(x.length - 1, i + 1)]! + x[Math.min(x.length - 1, i + 2)]!
    return ((after - before) * rate) / 8
  })
  const half = Math.max(1, Math.round((INTEGRATION * rate) / 2))
  const sums = new Float64Array(x.length + 1)
  for (let i = 0; i < x.length; i++) sums[i + 1] = sums[i]! + slope[i]! ** 2
  const energy = x.map((_, i) => {
    const [from, to] = [Math.max(0, i - half), Math.min(x.length, i + half + 1)]
    return (sums[to]! - sums[from]!) / (to - from)
  })
  return { slope, energy }
}

/** Local maxima; of those nearer than a heart can beat, the highest. */
function peaksOf({ slope, energy }: Features, rate: number): Peak[] {
  const apart = Math.round(REFRACTORY * rate)
  const found: Peak[] = []
  for (let i = 1; i < energy.length - 1; i++) {
    if (!(energy[i]! > energy[i - 1]! && energy[i]! >= energy[i + 1]!)) continue
    const last = found.at(-1)
    if (last !== undefined && i - last.at < apart) {
      if (energy[i]! <= last.energy) continue
      found.pop()
    }
    found.push({ at: i, energy: energy[i]!, slope: steepest(slope, i, Math.round(INTEGRATION * rate)) })
  }
  return found
}

function steepest(slope: Float64Array, at: number, reach: number): number {
  let largest = 0
  for (const value of slope.subarray(Math.max(0, at - reach), at + reach + 1))
    largest = Math.max(largest, Math.abs(value))
  return largest
}

/** Tells beats from noise by what it has seen of both. */
class BeatDetector {
  readonly #rate: number
  #signal: number
  #noise: number
  readonly #beats: Peak[] = []

  constructor(energy: Float64Array, rate: number) {
    this.#rate = rate
    const start = energy.subarray(0, Math.round(LEARNING * rate))
    this.#signal = start.reduce((a, b) => Math.max(a, b), 0) / 3
    this.#noise = start.reduce((a, b) => a + b, 0) / start.length / 2
  }

  run(peaks: readonly Peak[]): readonly Peak[] {
    for (const [i, peak] of peaks.entries()) {
      this.#searchBack(peaks, i)
      const isBeat = peak.energy > this.#threshold && !this.#isTWave(peak)
      if (isBeat) this.#accept(peak, 1 / 8)
      else this.#noise += (peak.energy - this.#noise) / 8
    }
    return this.#beats
  }

  get #threshold(): number {
    return this.#noise + (this.#signal - this.#noise) / 4
  }

  #accept(peak: Peak, weight: number): void {
    this.#signal += (peak.energy - this.#signal) * weight
    this.#beats.push(peak)
  }

  #isTWave(peak: Peak): boolean {
    const last = this.#beats.at(-1)
    return last !== undefined && peak.at - last.at < T_WAVE * this.#rate && peak.slope < last.slope / 2
  }

  /** Where a beat is overdue, the highest peak since the last that reaches half of the threshold is one. */
  #searchBack(peaks: readonly Peak[], before: number): void {
    const recent = this.#beats.slice(-REMEMBERED - 1)
    if (recent.length < 3) return
    const mean = (recent.at(-1)!.at - recent[0]!.at) / (recent.length - 1)
    for (;;) {
      const last = this.#beats.at(-1)!
      if (peaks[before]!.at - last.at <= LATE * mean) return
      const missed = peaks
        .slice(0, before)
        .filter((peak) => peak.at - last.at >= REFRACTORY * this.#rate && peak.energy > this.#threshold / 2)
        .filter((peak) => !this.#isTWave(peak))
      if (missed.length === 0) return
      this.#accept(
        missed.reduce((best, peak) => (peak.energy > best.energy ? peak : best)),
        1 / 4,
      )
    }
  }
}

/** Where the signal is farthest from the mean of its neighbourhood. */
function extremeNear(x: Float64Array, at: number, reach: number): number {
  const from = Math.max(0, at - reach)
  const part = x.subarray(from, Math.min(x.length, at + reach + 1))
  const mean = part.reduce((a, b) => a + b, 0) / part.length
  let best = 0
  for (let i = 1; i < part.length; i++) if (Math.abs(part[i]! - mean) > Math.abs(part[best]! - mean)) best = i
  return from + best
}
