import { readFileSync } from 'node:fs'
import { comparePairs, holmCorrection, signFlipTest, wilcoxonSignedRank } from 'eegtorch'
import fc from 'fast-check'

interface Case {
  name: string
  differences: number[]
  wilcoxon: number
  signFlip?: number
}
const cases = JSON.parse(readFileSync('test/fixtures/evaluation/paired.json', 'utf8')) as Case[]

test.each(cases)('Wilcoxon’s test as SciPy has it: $name', ({ differences, wilcoxon }) => {
  expect(wilcoxonSignedRank(differences) / wilcoxon).toBeCloseTo(1, 9)
})

test.each(cases.filter(({ signFlip }) => signFlip))('sign flips as SciPy has them: $name', (one) => {
  expect(signFlipTest(one.differences)).toBeCloseTo(one.signFlip!, 12)
})

test('many pairs: random flips come near the exact share, and the seed repeats them', () => {
  const differences = cases[2]!.differences
  // Pairs without weight bring the count over what is gone through exactly.
  const padded = [...differences, ...Array.from({ length: 12 }, () => 1e-9)]
  const exact = signFlipTest(differences)
  expect(Math.abs(signFlipTest(padded) - exact)).toBeLessThan(0.03)
  expect(signFlipTest(padded, { seed: 3 })).toBe(signFlipTest(padded, { seed: 3 }))
  expect(signFlipTest(Array(40).fill(1), { flips: 999 })).toBe(0.001)
})

const differences = fc.array(fc.integer({ min: -5, max: 5 }), { minLength: 1, maxLength: 14 })

test('p-values do not depend on order, sign or scale, and lie above 0', () => {
  fc.assert(
    fc.property(differences, fc.nat(1000), (list, shift) => {
      const turned = [...list.slice(shift % list.length), ...list.slice(0, shift % list.length)].map((d) => -d / 10)
      for (const p of [wilcoxonSignedRank, signFlipTest]) {
        expect(p(list)).toBeGreaterThan(0)
        expect(p(list)).toBeLessThanOrEqual(1)
        expect(p(turned)).toBeCloseTo(p(list), 12)
      }
    }),
    { numRuns: 200 },
  )
})

test('under the null hypothesis p-values are no smaller than they say', () => {
  // All 2^9 signs of one set of sizes: the share of them with p <= alpha may not pass alpha.
  const sizes = [1, 2, 2, 3, 4, 5, 5, 6, 9]
  const ways = Array.from({ length: 512 }, (_, way) => sizes.map((size, i) => ((way >> i) & 1 ? -size : size)))
  for (const test of [wilcoxonSignedRank, signFlipTest]) {
    const p = ways.map((way) => test(way))
    for (const alpha of [0.01, 0.05, 0.1, 0.5]) {
      expect(p.filter((value) => value <= alpha).length / 512).toBeLessThanOrEqual(alpha)
    }
  }
})

test('no difference at all is no evidence', () => {
  expect([wilcoxonSignedRank([0, 0]), signFlipTest([0, 0])]).toEqual([1, 1])
})

test('Holm’s correction: the worked example, and order kept', () => {
  expect(holmCorrection([0.01, 0.04, 0.03, 0.005]).map((p) => Number(p.toFixed(12)))).toEqual([0.03, 0.06, 0.06, 0.02])
  expect(holmCorrection([0.9, 0.8])).toEqual([1, 1])
  expect(holmCorrection([])).toEqual([])
})

test('pairs of methods, corrected over all of them', () => {
  const scores = new Map([
    ['good', [1, 1, 1, 1, 1, 1, 1]],
    ['fair', [0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3]],
    ['poor', [0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1]],
  ])
  const pairs = comparePairs(scores)
  expect(pairs.map(({ a, b }) => `${a}-${b}`)).toEqual(['good-fair', 'good-poor', 'fair-poor'])
  for (const { wilcoxon, signFlip } of pairs) {
    expect(wilcoxon).toEqual({ p: 2 / 128, holm: 6 / 128 })
    expect(signFlip).toEqual({ p: 2 / 128, holm: 6 / 128 })
  }
})

test('what cannot be compared is one clear error', () => {
  expect(() => wilcoxonSignedRank([1, Number.NaN])).toThrow('expected finite numbers, received NaN')
  expect(() =>
    comparePairs(
      new Map([
        ['a', [1, 2]],
        ['b', [1]],
      ]),
    ),
  ).toThrow('expected 2 scores, received 1')
})
