import type { FilterSection } from './butterworth.ts'

/**
 * Runs sections over samples in place (transposed direct form II).
 *
 * @param state two numbers per section, used and updated
 */
export function filterInPlace(sections: readonly FilterSection[], samples: Float64Array, state: Float64Array): void {
  for (const [s, [b0, b1, b2, , a1, a2]] of sections.entries()) {
    let first = state[2 * s]!
    let second = state[2 * s + 1]!
    for (let i = 0; i < samples.length; i++) {
      const x = samples[i]!
      const y = b0 * x + first
      first = b1 * x - a1 * y + second
      second = b2 * x - a2 * y
      samples[i] = y
    }
    state[2 * s] = first
    state[2 * s + 1] = second
  }
}

/**
 * Filters forward and backward, so that nothing is delayed: SciPy's `sosfiltfilt` with its default odd padding. Pieces shorter than
 * the padding, which SciPy refuses, are padded by what they have.
 *
 * @returns a new array as long as `samples`
 */
export function filterBothWays(sections: readonly FilterSection[], samples: Float64Array): Float64Array {
  if (samples.length === 0) return new Float64Array(0)
  const padding = Math.min(defaultPadding(sections), samples.length - 1)
  const extended = extendOddly(samples, padding)
  const steady = steadyState(sections)
  filterInPlace(sections, extended, scaled(steady, extended[0]!))
  extended.reverse()
  filterInPlace(sections, extended, scaled(steady, extended[0]!))
  extended.reverse()
  return extended.slice(padding, padding + samples.length)
}

/** Three times the length of the filter as a ratio of polynomials, cancelled ends not counted. */
export function defaultPadding(sections: readonly FilterSection[]): number {
  const ends = (index: 2 | 5) => sections.filter((section) => section[index] === 0).length
  return 3 * (2 * sections.length + 1 - Math.min(ends(2), ends(5)))
}

/** State of every section after an endless input of ones. */
export function steadyState(sections: readonly FilterSection[]): Float64Array {
  const state = new Float64Array(2 * sections.length)
  let input = 1
  for (const [s, [b0, b1, b2, , a1, a2]] of sections.entries()) {
    const gain = (b0 + b1 + b2) / (1 + a1 + a2)
    state[2 * s + 1] = input * (b2 - a2 * gain)
    state[2 * s] = input * (b1 - a1 * gain) + state[2 * s + 1]!
    input *= gain
  }
  return state
}

/** Turns the signal about its end points, `n` samples on each side. */
function extendOddly(samples: Float64Array, n: number): Float64Array {
  const out = new Float64Array(samples.length + 2 * n)
  const last = samples.length - 1
  out.set(samples, n)
  for (let i = 1; i <= n; i++) {
    out[n - i] = 2 * samples[0]! - samples[i]!
    out[n + last + i] = 2 * samples[last]! - samples[last - i]!
  }
  return out
}

const scaled = (state: Float64Array, factor: number) => state.map((value) => value * factor)
