import type { FilterSection } from './butterworth.ts'
import { filterInPlace } from './sos-filter.ts'

const CHUNK = 1000
const MOST_CHUNKS = 100
/** Of the largest value that an impulse has left so far. */
const LEFT = 0.001

/** Samples that the filter rings, as MNE-Python estimates them (`mne.filter.estimate_ringing_samples`). */
export function ringingSamples(sections: readonly FilterSection[]): number {
  const state = new Float64Array(2 * sections.length)
  let last = CHUNK
  let threshold = 0
  for (let chunk = 0; chunk < MOST_CHUNKS; chunk++) {
    const response = new Float64Array(CHUNK)
    if (chunk === 0) response[0] = 1
    filterInPlace(sections, response, state)
    const sizes = response.map(Math.abs)
    threshold = Math.max(LEFT * Math.max(...sizes), threshold)
    const above = sizes.findLastIndex((size) => size > threshold)
    if (above < 0) return (chunk - 1) * CHUNK + last
    last = above
  }
  return MOST_CHUNKS * CHUNK
}
