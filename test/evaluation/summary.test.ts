import fc from 'fast-check'
import type { Prediction } from '../../lib/evaluation/predictions.ts'
import { binomialTest, clopperPearson } from '../../lib/evaluation/statistics.ts'
import { summarisePredictions } from '../../lib/evaluation/summary.ts'
import { formatAccuracy, formatFigures, formatP } from '../../lib/evaluation/text.ts'

/** `right[seed][trial]` says which answers were right; classes alternate. */
function predictionsOf(right: boolean[][], subject = 'S1'): Prediction[] {
  return right.flatMap((trials, seed) =>
    trials.map((ok, i) => ({
      subject,
      trial: `t${i}`,
      fold: i % 3,
      seed,
      truth: i % 2,
      predicted: ok ? i % 2 : 1 - (i % 2),
    })),
  )
}

test('one seed: the interval is that of the trials', () => {
  const right = Array.from({ length: 40 }, (_, i) => i >= 6)
  const { accuracy } = summarisePredictions(predictionsOf([right]), { classes: 2 })
  expect(accuracy).toEqual({
    mean: 34 / 40,
    ...clopperPearson(34, 40),
    chance: 0.5,
    uniformChance: 0.5,
    p: binomialTest(34, 40, 0.5),
    n: 40,
    deviation: 0,
    seeds: 1,
    confidence: 0.95,
  })
})

test('more seeds on the same trials do not narrow the interval', () => {
  const right = Array.from({ length: 40 }, (_, i) => i >= 6)
  const one = summarisePredictions(predictionsOf([right]), { classes: 2 }).accuracy
  const ten = summarisePredictions(predictionsOf(Array(10).fill(right)), { classes: 2 }).accuracy
  expect(ten).toEqual({ ...one, seeds: 10, deviation: expect.closeTo(0, 12) })
})

test('a count that is not whole is rounded to the safe side', () => {
  const worse = Array.from({ length: 40 }, (_, i) => i >= 7)
  const better = Array.from({ length: 40 }, (_, i) => i >= 6)
  const { accuracy } = summarisePredictions(predictionsOf([worse, better]), { classes: 2 })
  expect(accuracy.mean).toBeCloseTo(33.5 / 40, 12)
  expect(accuracy.low).toBe(clopperPearson(33, 40).low)
  expect(accuracy.high).toBe(clopperPearson(34, 40).high)
  expect(accuracy.p).toBe(binomialTest(33, 40, 0.5))
  expect(accuracy.deviation).toBeCloseTo(0.025 / Math.SQRT2, 12)
})

test('windows of one trial share its weight', () => {
  const window = (trial: string, truth: number, predicted: number): Prediction => ({
    subject: 'S1',
    trial,
    fold: 0,
    seed: 0,
    truth,
    predicted,
  })
  const summary = summarisePredictions(
    [window('a', 0, 0), window('a', 0, 0), window('a', 0, 1), window('a', 0, 1), window('b', 1, 1)],
    { classes: 2 },
  )
  expect(summary.accuracy).toMatchObject({ mean: 0.75, n: 2 })
  expect(summary.confusion).toEqual([
    [0.5, 0.5],
    [0, 1],
  ])
})

test('subjects with trials of the same name are kept apart, and folds are listed in order', () => {
  const all = [...predictionsOf([[true, true, true]], 'A'), ...predictionsOf([[false, false, true]], 'B')]
  const summary = summarisePredictions(all, { classes: 2 })
  expect(summary.accuracy.n).toBe(6)
  expect(summary.bySubject.map((s) => [s.subject, s.accuracy.n, s.accuracy.mean])).toEqual([
    ['A', 3, 1],
    ['B', 3, 1 / 3],
  ])
  expect(summary.byFold.map((f) => f.fold)).toEqual([0, 1, 2])
})

test('the interval holds the mean and n counts trials, whatever the answers', () => {
  const answers = fc.tuple(fc.integer({ min: 1, max: 6 }), fc.integer({ min: 2, max: 30 })).chain(([seeds, trials]) =>
    fc.array(fc.array(fc.boolean(), { minLength: trials, maxLength: trials }), {
      minLength: seeds,
      maxLength: seeds,
    }),
  )
  fc.assert(
    fc.property(answers, (right) => {
      const { accuracy, confusion } = summarisePredictions(predictionsOf(right), { classes: 2 })
      expect(accuracy.n).toBe(right[0]!.length)
      expect(accuracy.low).toBeLessThanOrEqual(accuracy.mean)
      expect(accuracy.high).toBeGreaterThanOrEqual(accuracy.mean)
      expect(confusion.flat().reduce((a, b) => a + b, 0)).toBeCloseTo(accuracy.n, 9)
    }),
    { numRuns: 60 },
  )
})

test('the ROC area is the mean over folds, and absent without probabilities', () => {
  const scored = (fold: number, truth: number, score: number): Prediction => ({
    subject: 'S1',
    trial: `${fold} ${truth} ${score}`,
    fold,
    seed: 0,
    truth,
    predicted: score > 0.5 ? 1 : 0,
    probabilities: [1 - score, score],
  })
  // Each fold ranks perfectly, the pooled scores would not.
  const folds = [scored(0, 0, 0.1), scored(0, 1, 0.2), scored(1, 0, 0.8), scored(1, 1, 0.9)]
  expect(summarisePredictions(folds, { classes: 2 }).rocAuc).toMatchObject({ mean: 1, deviation: 0, high: 1 })
  expect(summarisePredictions(predictionsOf([[true, false]]), { classes: 2 }).rocAuc).toBeUndefined()
})

test('one class only: nothing beats chance', () => {
  const summary = summarisePredictions(predictionsOf([[true]]), { classes: 2 })
  expect(summary.accuracy).toMatchObject({ chance: 1, p: 1, n: 1 })
})

test('no predictions, or a trial of two classes, is refused', () => {
  expect(() => summarisePredictions([], { classes: 2 })).toThrow('no prediction')
  const [a] = predictionsOf([[true]])
  expect(() => summarisePredictions([a!, { ...a!, seed: 1, truth: 1 }], { classes: 2 })).toThrow(
    'trial t0 of S1 has two true classes',
  )
})

test('the printed lines', () => {
  const accuracy = {
    mean: 0.9511,
    low: 0.884,
    high: 0.981,
    uniformChance: 0.5,
    chance: 48 / 90,
    p: 1e-17,
    n: 90,
    deviation: 0.0083,
    seeds: 5,
    confidence: 0.95,
  }
  expect(formatAccuracy(accuracy)).toBe(
    'accuracy 0.951 ± 0.008 over 5 seeds   n = 90 trials, 95 % interval [0.88, 0.98]   chance 0.533 (p < 1e-15)',
  )
  expect(formatAccuracy({ ...accuracy, seeds: 1, p: 0.0412 })).toContain('accuracy 0.951   n = 90')
  expect([0.5, 0.0412, 0.00021, 3e-7, 0].map(formatP)).toEqual([
    'p = 0.50',
    'p = 0.041',
    'p = 2e-4',
    'p = 3e-7',
    'p < 1e-15',
  ])
  expect(formatFigures(summarisePredictions(predictionsOf([[true, true]]), { classes: 2 }))).toBe(
    'balanced accuracy 1.000   kappa 1.000   macro F1 1.000',
  )
})
