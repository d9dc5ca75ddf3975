import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { logGamma, normalQuantile, regularisedBeta } from '../../lib/evaluation/special-functions.ts'
import {
  binomialTest,
  chanceLevel,
  clopperPearson,
  mean,
  standardDeviation,
  wilsonInterval,
} from '../../lib/evaluation/statistics.ts'

type Row = number[]
const fixture = JSON.parse(readFileSync('test/fixtures/evaluation/statistics.json', 'utf8')) as Record<
  'gammas' | 'betaIncs' | 'tests' | 'intervals' | 'wilsons' | 'normals',
  Row[]
>

describe('agreement with SciPy', () => {
  test.each(fixture.gammas)('log Gamma(%d)', (x, expected) => near(logGamma(x!), expected!))
  test.each(fixture.betaIncs)('I_%d(%d, %d)', (x, a, b, expected) => near(regularisedBeta(x!, a!, b!), expected!))
  test.each(fixture.normals)('normal quantile of %d', (q, expected) => near(normalQuantile(q!), expected!))
  test.each(fixture.tests)('%d of %d against %d', (k, n, p, expected) => near(binomialTest(k!, n!, p!), expected!))
  test.each(fixture.intervals)('exact interval of %d of %d at %d', (k, n, confidence, low, high) => {
    const found = clopperPearson(k!, n!, confidence)
    near(found.low, low!)
    near(found.high, high!)
  })
  test.each(fixture.wilsons)('Wilson interval of %d of %d at %d', (k, n, confidence, low, high) => {
    const found = wilsonInterval(k!, n!, confidence)
    near(found.low, low!, 1e-13)
    near(found.high, high!)
  })
})

test('the binomial tail is the sum of its terms', () => {
  const cases = fc
    .integer({ min: 1, max: 60 })
    .chain((n) => fc.tuple(fc.constant(n), fc.nat(n), fc.double({ min: 0.01, max: 0.99, noNaN: true })))
  fc.assert(
    fc.property(cases, ([n, k, p]) => {
      let [term, tail] = [(1 - p) ** n, k === 0 ? (1 - p) ** n : 0]
      for (let i = 1; i <= n; i++) {
        term *= ((n - i + 1) / i) * (p / (1 - p))
        if (i >= k) tail += term
      }
      expect(Math.abs(binomialTest(k, n, p) - tail)).toBeLessThanOrEqual(1e-10 * tail + 1e-300)
    }),
  )
})

test('the ends of an exact interval are where the test gives half of what is left', () => {
  const cases = fc.integer({ min: 1, max: 3000 }).chain((n) => fc.tuple(fc.constant(n), fc.nat(n)))
  fc.assert(
    fc.property(cases, ([n, k]) => {
      const { low, high } = clopperPearson(k, n)
      if (k > 0) near(binomialTest(k, n, low), 0.025)
      if (k < n) near(binomialTest(n - k, n, 1 - high), 0.025, 1e-9)
      expect(low).toBeLessThanOrEqual(k / n)
      expect(high).toBeGreaterThanOrEqual(k / n)
    }),
    { numRuns: 50 },
  )
})

test('chance is the share of the most frequent class', () => {
  expect(chanceLevel([42, 48])).toBe(48 / 90)
  expect(chanceLevel([10, 10, 10, 10])).toBe(0.25)
  expect(chanceLevel([0, 0])).toBeNaN()
})

test('mean and deviation', () => {
  expect(mean([1, 2, 6])).toBe(3)
  expect(standardDeviation([1, 2, 6])).toBeCloseTo(Math.sqrt(7), 14)
  expect(standardDeviation([4])).toBe(0)
})

test('of one class a constant answer is always right, and nothing beats it', () => {
  expect([binomialTest(0, 3, 1), binomialTest(3, 3, 1)]).toEqual([1, 1])
  expect(() => binomialTest(1, 3, 1.01)).toThrow('chance is no proportion')
})

test('impossible counts are refused', () => {
  expect(() => binomialTest(5, 4, 0.5)).toThrow('received correct 5, trials 4')
  expect(() => clopperPearson(1.5, 4)).toThrow('whole numbers')
  expect(() => clopperPearson(1, 4, 95)).toThrow('confidence is no proportion')
  expect(() => wilsonInterval(1, 0)).toThrow('trials 0')
})

function near(found: number, expected: number, absolute = 0): void {
  expect(Math.abs(found - expected)).toBeLessThanOrEqual(1e-10 * Math.abs(expected) + absolute)
}
