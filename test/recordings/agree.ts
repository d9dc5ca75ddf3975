import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import type { FileOptions, Recording } from 'eegtorch'

const folder = resolve(import.meta.dirname, '../fixtures/recordings')

/** What MNE-Python (or SciPy, pyxdf, wfdb) reads from a file, as the scripts in the folder of fixtures wrote it down. */
export interface Expected {
  /** What the reader must be told. */
  options?: FileOptions
  /** Seconds to which times agree, where both come from a fit; else they are equal. */
  within?: number
  /** Stretches that were not recorded. */
  gaps?: number
  sfreq: number
  names: string[]
  types?: string[]
  bads?: string[]
  /** Metres. */
  positions?: Record<string, [number, number, number]>
  n_samples: number
  /** Samples that are no numbers; they count as 0 in what follows. */
  nans?: number[]
  /** Where channels differ in length. */
  lengths?: number[]
  at: number[]
  values: number[][]
  sums: number[]
  ramps: number[]
  squares: number[]
  events: [onset: number, duration: number, label: string][]
}

/** Expected values by path: files of our own beside the scripts, and files of the shared folder. */
export interface Cases {
  own: Record<string, Expected>
  shared: Record<string, Expected>
}

/** Path of a fixture. */
export const fixturePath = (name: string) => resolve(folder, name)

export function casesOf(format: string): Cases {
  return JSON.parse(readFileSync(fixturePath(`${format}.json`), 'utf8'))
}

/** Samples to 1e-9 of full scale; names, rate, length, events and times exactly. */
export function expectAgreement(recording: Recording, expected: Expected): void {
  const { channels } = recording
  expect(channels.map(({ label }) => label)).toEqual(expected.names)
  expect(recording.nSamples).toBe(expected.n_samples)
  const { within = 0 } = expected
  expect(Math.abs(recording.samplingRate - expected.sfreq)).toBeLessThanOrEqual(within * expected.sfreq)
  const events = recording.events.map(({ onset, duration, label }, i) => {
    const wanted = expected.events[i]?.[0] ?? Number.NaN
    return [Math.abs(onset - wanted) <= within ? wanted : onset, duration, label]
  })
  expect(events).toEqual(expected.events)
  expect(channels.filter(({ isBad }) => isBad).map(({ label }) => label)).toEqual(expected.bads ?? [])
  if (expected.positions !== undefined) expectPositions(recording, expected.positions)
  if (expected.gaps !== undefined) expect(recording.segments.length).toBe(expected.gaps + 1)
  const data = recording.read()
  const nans = data.map((samples) => samples.reduce((count, x) => count + (isNoNumber(x) ? 1 : 0), 0))
  expect(nans).toEqual(expected.nans ?? channels.map(() => 0))
  expect(data.map(({ length }) => length)).toEqual(expected.lengths ?? channels.map(() => expected.n_samples))
  expect(worstDifference(data, expected)).toBeLessThan(1e-9)
}

function expectPositions({ channels }: Recording, expected: NonNullable<Expected['positions']>): void {
  const placed = channels.filter(({ position }) => position !== undefined)
  expect(placed.map(({ label }) => label).sort()).toEqual(Object.keys(expected).sort())
  for (const { label, position } of placed) {
    for (const axis of [0, 1, 2] as const) expect(Math.abs(position![axis] - expected[label]![axis])).toBeLessThan(1e-7)
  }
}

// Taken once: a look-up of a global is slow inside a vm context.
const { abs, max } = Math
const isNoNumber = Number.isNaN

/** Relative to the largest sample of each channel: single samples, sums, sums weighted by time, and squares. */
export function worstDifference(data: readonly Float64Array[], expected: Expected): number {
  let worst = 0
  for (const [i, samples] of data.entries()) {
    const n = samples.length
    let [scale, sum, ramp, square] = [Number.MIN_VALUE, 0, 0, 0]
    for (let k = 0; k < n; k++) {
      const x = isNoNumber(samples[k]!) ? 0 : samples[k]!
      scale = max(scale, abs(x))
      sum += x
      ramp += (x * k) / n
      square += x * x
    }
    const off = (actual: number, wanted: number, full: number) => {
      // A difference that is no number must count.
      const difference = Math.abs(actual - wanted) / full
      if (!(difference <= worst)) worst = difference
    }
    off(sum, expected.sums[i]!, scale * n)
    off(ramp, expected.ramps[i]!, scale * n)
    off(square, expected.squares[i]!, scale * scale * n)
    for (const [k, at] of expected.at.entries())
      off(isNoNumber(samples[at]!) ? 0 : samples[at]!, expected.values[i]![k]!, scale)
  }
  return worst
}
