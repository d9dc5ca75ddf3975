import type { EegWindows } from '../datasets/windows.ts'
import { EegTorchError } from '../errors.ts'
import type { Split } from './split.ts'

type Part = 'train' | 'validation' | 'test'

interface Place {
  index: number
  part: Part
  identity: string
  name: string
  trial: number
  start: number
}

/**
 * Refuses a split that would let a network see what it is tested on: parts may not share a window, a trial, time of one
 * recording, or windows with equal samples (one recording under two names).
 *
 * @throws EegTorchError `SPLIT_LEAKS` naming trials and recording; `INVALID_OPTION` for numbers that are no windows, a window
 *   listed twice, or an empty training or test part
 */
export function assertNoLeak(windows: EegWindows, split: Split): void {
  const parts = (['train', 'validation', 'test'] as const).filter((part) => split[part] !== undefined)
  const places = parts.flatMap((part) => split[part]!.map((index) => placeOf(windows, index, part)))
  for (const part of parts) {
    if (split[part]!.length > 0 && new Set(split[part]).size === split[part]!.length) continue
    const received = split[part]!.length === 0 ? 'no window' : 'a window listed twice'
    throw invalidPart(part, 'different windows, at least one', received, split.name)
  }
  refuseSharedTrials(windows, places)
  refuseSharedTime(windows, places)
  refuseEqualSamples(windows, places)
}

function placeOf(windows: EegWindows, index: number, part: Part): Place {
  const origin = windows.origins[index]
  if (origin === undefined) throw invalidPart(part, `whole numbers from 0 to ${windows.length - 1}`, String(index))
  const { identity, name } = windows.recordings[origin.recording]!
  return { index, part, identity, name, trial: origin.trial, start: origin.start }
}

function refuseSharedTrials(windows: EegWindows, places: readonly Place[]): void {
  const owner = new Map<string, Place>()
  const shared: { place: Place; other: Place }[] = []
  for (const place of places) {
    const key = `${place.trial} ${place.identity}`
    const other = owner.get(key)
    if (other === undefined) owner.set(key, place)
    else if (other.part !== place.part) shared.push({ place, other })
  }
  const first = shared[0]
  if (first === undefined) return
  const trials = shared
    .filter(
      ({ place, other }) =>
        place.identity === first.place.identity && place.part === first.place.part && other.part === first.other.part,
    )
    .map(({ place }) => place.trial)
  const [length, step] = [windows.nSamples, windows.step].map((n) => seconds(n / windows.samplingRate))
  const reason =
    windows.step < windows.nSamples
      ? `windows of ${length} every ${step} overlap`
      : 'windows of one trial belong together'
  throw new EegTorchError(
    'SPLIT_LEAKS',
    `${listTrials(trials)} of ${first.place.name} ${new Set(trials).size > 1 ? 'are' : 'is'} in both ` +
      `${first.other.part} and ${first.place.part}: ${reason}. Split by trial, or cut one window per trial.`,
  )
}

function refuseSharedTime(windows: EegWindows, places: readonly Place[]): void {
  const ordered = [...places].sort((a, b) =>
    a.identity < b.identity ? -1 : a.identity > b.identity ? 1 : a.start - b.start,
  )
  // For each part, the window of the current recording that reaches furthest: it started no earlier than any other's latest.
  const latest = new Map<Part, Place>()
  for (const place of ordered) {
    for (const [part, other] of latest) {
      if (other.identity !== place.identity || part === place.part) continue
      if (place.start >= other.start + windows.nSamples) continue
      const [a, b] = other.trial < place.trial ? [other, place] : [place, other]
      throw new EegTorchError(
        'SPLIT_LEAKS',
        `trial ${a.trial} (${a.part}) and trial ${b.trial} (${b.part}) of ${place.name} overlap in time: windows of ` +
          `${seconds(windows.duration)} start ${seconds((place.start - other.start) / windows.samplingRate)} apart. ` +
          'Split by run, or cut shorter windows.',
      )
    }
    latest.set(place.part, place)
  }
}

function refuseEqualSamples(windows: EegWindows, places: readonly Place[]): void {
  const seen = new Map<number, Place[]>()
  for (const place of places) {
    const samples = windows.window(place.index)
    // A flat window equals every other flat window without being a copy.
    if (samples.every((value) => value === samples[0])) continue
    const key = fingerprint(samples, windows.nSamples)
    const alike = seen.get(key)
    if (alike === undefined) {
      seen.set(key, [place])
      continue
    }
    const copy = alike.find(({ part, index }) => part !== place.part && isEqual(windows.window(index), samples))
    if (copy !== undefined) {
      throw new EegTorchError(
        'SPLIT_LEAKS',
        `trial ${copy.trial} of ${copy.name} (${copy.part}) and trial ${place.trial} of ${place.name} (${place.part}) hold the same ` +
          'samples: one recording was read under two names. Leave one of them out.',
      )
    }
    alike.push(place)
  }
}

/** A hash (FNV-1a) of the first channel: enough to find candidates for comparison. */
function fingerprint(samples: Float32Array, n: number): number {
  const bits = new Uint32Array(samples.buffer, samples.byteOffset, n)
  let hash = 0x811c9dc5
  for (const word of bits) hash = Math.imul(hash ^ word ^ (word >>> 15), 0x01000193)
  return hash >>> 0
}

const isEqual = (a: Float32Array, b: Float32Array) => a.every((value, i) => value === b[i])

/** `trial 3`, `trials 3 and 7`, `trials 12-14`, `trials 1-3, 8 and 4 more`. */
function listTrials(numbers: readonly number[]): string {
  const unique = [...new Set(numbers)].sort((a, b) => a - b)
  const runs: [number, number][] = []
  for (const n of unique) {
    const last = runs.at(-1)
    if (last !== undefined && last[1] === n - 1) last[1] = n
    else runs.push([n, n])
  }
  const shown = runs.slice(0, 3).map(([a, b]) => (a === b ? `${a}` : `${a}-${b}`))
  const hidden = runs.slice(3).reduce((sum, [a, b]) => sum + b - a + 1, 0)
  return `trial${unique.length > 1 ? 's' : ''} ${shown.join(', ')}${hidden > 0 ? ` and ${hidden} more` : ''}`
}

const seconds = (value: number) => `${Number(value.toPrecision(6))} s`

function invalidPart(part: Part, expected: string, received: string, name?: string): EegTorchError {
  const of = name === undefined ? '' : ` of split '${name}'`
  return new EegTorchError('INVALID_OPTION', `the ${part} part${of} is not usable`, {
    option: part,
    expected,
    received,
  })
}
