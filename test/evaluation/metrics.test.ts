import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { classificationMetrics, confusionMatrix, rocAuc } from '../../lib/evaluation/metrics.ts'

interface Case {
  classes: number
  truth: number[]
  predicted: number[]
  weights: number[] | null
  matrix: number[][]
  accuracy: number
  balancedAccuracy: number
  kappa: number | null
  macroF1: number
  precision: number[]
  recall: number[]
  f1: number[]
  support: number[]
}
const fixture = JSON.parse(readFileSync('test/fixtures/evaluation/metrics.json', 'utf8')) as {
  cases: Case[]
  aucs: { truth: number[]; scores: number[]; auc: number }[]
}

describe('figures of a confusion matrix', () => {
  test.each(fixture.cases.map((c, i) => [i, c] as const))('case %i agrees with scikit-learn', (_, expected) => {
    const matrix = confusionMatrix(expected.truth, expected.predicted, expected.classes, expected.weights ?? undefined)
    closeTo(matrix.flat(), expected.matrix.flat())
    const found = classificationMetrics(matrix)
    closeTo(
      [found.accuracy, found.balancedAccuracy, found.kappa, found.macroF1],
      [expected.accuracy, expected.balancedAccuracy, expected.kappa ?? Number.NaN, expected.macroF1],
    )
    for (const figure of ['precision', 'recall', 'f1', 'support'] as const) {
      closeTo(
        found.perClass.map((c) => c[figure]),
        expected[figure],
      )
    }
  })

  test('kappa is not defined where truth and prediction are one class', () => {
    expect(
      classificationMetrics([
        [4, 0],
        [0, 0],
      ]).kappa,
    ).toBeNaN()
    expect(
      classificationMetrics([
        [4, 0],
        [0, 0],
      ]).balancedAccuracy,
    ).toBe(1)
  })

  test('an empty matrix has no accuracy', () => {
    expect(
      classificationMetrics([
        [0, 0],
        [0, 0],
      ]).accuracy,
    ).toBeNaN()
  })

  test('classes may be renamed without changing a figure', () => {
    const labels = fc.array(fc.tuple(fc.nat(3), fc.nat(3)), { minLength: 1, maxLength: 60 })
    const renaming = fc.shuffledSubarray([0, 1, 2, 3], { minLength: 4 })
    fc.assert(
      fc.property(labels, renaming, (pairs, name) => {
        const figures = (map: (c: number) => number) => {
          const m = classificationMetrics(
            confusionMatrix(
              pairs.map(([t]) => map(t)),
              pairs.map(([, p]) => map(p)),
              4,
            ),
          )
          return [m.accuracy, m.balancedAccuracy, m.kappa, m.macroF1]
        }
        closeTo(
          figures((c) => name[c]!),
          figures((c) => c),
        )
      }),
    )
  })

  test('a class out of range or lengths that differ are refused', () => {
    expect(() => confusionMatrix([0, 2], [0, 1], 2)).toThrow(
      'a class is out of range: expected a whole number from 0 to 1, received 2',
    )
    expect(() => confusionMatrix([0], [0, 1], 2)).toThrow('expected 1, received 2')
    expect(() => confusionMatrix([0.5], [0], 2)).toThrow('received 0.5')
  })
})

describe('ROC area', () => {
  test.each(fixture.aucs.map((c, i) => [i, c] as const))(
    'case %i agrees with scikit-learn',
    (_, { truth, scores, auc }) => {
      closeTo([rocAuc(truth, scores)], [auc])
    },
  )

  test('is the share of pairs in the right order', () => {
    const trials = fc.array(fc.tuple(fc.nat(1), fc.integer({ min: -5, max: 5 })), { minLength: 2, maxLength: 40 })
    fc.assert(
      fc.property(trials, (list) => {
        const positive = list.filter(([t]) => t === 1)
        const negative = list.filter(([t]) => t === 0)
        const wins = positive.flatMap(([, p]) => negative.map(([, q]) => (p > q ? 1 : p === q ? 0.5 : 0)))
        const expected = wins.length === 0 ? Number.NaN : wins.reduce<number>((a, b) => a + b, 0) / wins.length
        closeTo(
          [
            rocAuc(
              list.map(([t]) => t),
              list.map(([, s]) => s),
            ),
          ],
          [expected],
        )
      }),
    )
  })

  test('is not defined with one class, and refuses NaN and other labels', () => {
    expect(rocAuc([1, 1], [0.2, 0.3])).toBeNaN()
    expect(() => rocAuc([0, 1], [0.2, Number.NaN])).toThrow('NaN')
    expect(() => rocAuc([0, 2], [0.2, 0.3])).toThrow('received 2')
  })
})

function closeTo(found: readonly number[], expected: readonly number[]): void {
  expect(found.length).toBe(expected.length)
  found.forEach((value, i) => {
    if (Number.isNaN(expected[i]!)) expect(value).toBeNaN()
    else expect(Math.abs(value - expected[i]!)).toBeLessThanOrEqual(1e-12)
  })
}
