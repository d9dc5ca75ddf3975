import { setImmediate as nextTurn } from 'node:timers/promises'
import { EegTorchError } from '../errors.ts'
import { butterworth } from './butterworth.ts'
import { filterRowsBothWays } from './compute-thread.ts'

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
/** Samples that are worked on in one turn of the event loop. */
const PIECE = 1 << 18

/** What each step of the method makes of a signal. */
interface Features {
  /** Slope of the band-passed signal. */
  slope: Float64Array
  /** Its square, averaged over the width of a QRS complex. */
  energy: Float64Array
}

// Taken once: a look-up of a global is slow inside a vm context.
const { max, min } = Math

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
 * signal is farthest from its neighbourhood within 50 ms. The filter runs on the compute thread, and the event loop goes on between pieces of the rest.
 *
 * @param samples any unit
 * @param samplingRate hertz, at least 50
 * @returns samples of the R peaks, rising
 * @throws EegTorchError `INVALID_OPTION` for a slower rate, or samples that are not finite
 */
export async function findHeartbeats(samples: Float64Array, samplingRate: number): Promise<number[]> {
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
  const [filtered] = (await filterRowsBothWays(butterworth(2, ...BAND, samplingRate), [samples])) as [Float64Array]
  const features = await featuresOf(filtered, samplingRate)
  const peaks = peaksOf(features, samplingRate)
  const beats = new BeatDetector(features.energy, samplingRate).run(peaks)
  const reach = Math.round(0.05 * samplingRate)
  return [...new Set(beats.map(({ at }) => extremeNear(samples, extremeNear(filtered, at, 2 * reach), reach)))]
}

async function featuresOf(x: Float64Array, rate: number): Promise<Features> {
  const { length } = x
  const [slope, sums, energy] = [new Float64Array(length), new Float64Array(length + 1), new Float64Array(length)]
  await inTurns(length, (i) => {
    const before = 2 * x[max(0, i - 1)]! + x[max(0, i - 2)]!
    const after = 2 * x[min(length - 1, i + 1)]! + x[min(length - 1, i + 2)]!
    slope[i] = ((after - before) * rate) / 8
    sums[i + 1] = sums[i]! + slope[i]! ** 2
  })
  const half = max(1, Math.round((INTEGRATION * rate) / 2))
  await inTurns(length, (i) => {
    const [from, to] = [max(0, i - half), min(length, i + half + 1)]
    energy[i] = (sums[to]! - sums[from]!) / (to - from)
  })
  return { slope, energy }
}

async function inTurns(length: number, work: (i: number) => void): Promise<void> {
  for (let start = 0; start < length; start += PIECE) {
    for (let i = start; i < min(length, start + PIECE); i++) work(i)
    await nextTurn()
  }
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
      let best: Peak | undefined
      for (let i = before - 1; i >= 0 && peaks[i]!.at - last.at >= REFRACTORY * this.#rate; i--) {
        const peak = peaks[i]!
        if (peak.energy > this.#threshold / 2 && peak.energy >= (best?.energy ?? 0) && !this.#isTWave(peak)) best = peak
      }
      if (best === undefined) return
      this.#accept(best, 1 / 4)
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
