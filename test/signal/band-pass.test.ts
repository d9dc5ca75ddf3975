import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { BandPass, EegTorchError } from 'eegtorch'
import { filterInPlace } from '../../lib/signal/sos-filter.ts'

interface Case {
  order: number
  band: [number | null, number | null]
  rate: number
  sos: number[][]
  x: number[]
  y: number[]
  once: number[]
}

const file = resolve(import.meta.dirname, '../fixtures/signal/filters.json')
const cases: Case[] = JSON.parse(readFileSync(file, 'utf8'))

/** Largest difference, relative to the largest value expected. */
function distance(actual: ArrayLike<number>, expected: readonly number[]): number {
  expect(actual.length).toBe(expected.length)
  const scale = Math.max(...expected.map(Math.abs))
  return Math.max(...expected.map((value, i) => Math.abs(actual[i]! - value))) / scale
}

describe.each(cases)('order $order, $band Hz at $rate Hz, against SciPy', ({ order, band, rate, sos, x, y, once }) => {
  const filter = new BandPass({ band, order }, rate)

  test('has the same sections', () => {
    expect(filter.sections.length).toBe(sos.length)
    // The gain is the first section's numerator and may be tiny, so it is compared by its own size.
    for (const [i, section] of filter.sections.entries()) {
      expect(distance(section.slice(0, 3), sos[i]!.slice(0, 3))).toBeLessThan(1e-9)
      expect(distance(section.slice(3), sos[i]!.slice(3))).toBeLessThan(1e-9)
    }
  })

  test('filters both ways to the same numbers', () => {
    expect(distance(filter.apply(Float64Array.from(x)), y)).toBeLessThan(1e-9)
  })

  test('filters one way to the same numbers', () => {
    const samples = Float64Array.from(x)
    filterInPlace(filter.sections, samples, new Float64Array(2 * filter.sections.length))
    expect(distance(samples, once)).toBeLessThan(1e-9)
  })
})

test('a piece shorter than the padding is filtered all the same', () => {
  const filter = new BandPass({ band: [4, 38] }, 160)
  for (const n of [0, 1, 2, 5]) {
    const result = filter.apply(new Float64Array(n).fill(1))
    expect(result.length).toBe(n)
    expect(result.every(Number.isFinite)).toBe(true)
  }
})

test.each([
  [{ band: [4, 80] as const }, 'between 0 and 80 Hz'],
  [{ band: [38, 4] as const }, '38..4 Hz'],
  [{ band: [null, null] as const }, 'none..none'],
  [{ band: [0, 10] as const }, '0..10 Hz'],
  [{ band: [Number.NaN, 10] as const }, 'NaN..10 Hz'],
  [{ band: [4, 38] as const, order: 0 }, 'order'],
  [{} as never, 'two frequencies'],
])('refuses %j', (options, message) => {
  const make = () => new BandPass(options, 160)
  expect(make).toThrow(EegTorchError)
  expect(make).toThrow(message)
})
