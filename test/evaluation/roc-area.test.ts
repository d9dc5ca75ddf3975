import fc from 'fast-check'
import { windowMeansLda } from '../../lib/decoders/baselines.ts'
import { rocAuc } from '../../lib/evaluation/metrics.ts'
import type { Prediction } from '../../lib/evaluation/predictions.ts'
import { rocArea } from '../../lib/evaluation/roc-area.ts'

/** One answer for each score: positives, then negatives. */
function answers(positives: readonly number[], negatives: readonly number[], fold = 0, seed = 0): Prediction[] {
  return [...positives, ...negatives].map((score, i) => ({
    subject: 'S1',
    trial: `${fold}-${i}`,
    fold,
    seed,
    truth: i < positives.length ? 1 : 0,
    predicted: score > 0.5 ? 1 : 0,
    probabilities: [1 - score, score],
  }))
}

const FIRST = [
  [0.9, 0.8, 0.7, 0.55, 0.55, 0.3],
  [0.6, 0.55, 0.4, 0.35, 0.2, 0.1, 0.05],
] as const
const SECOND = [
  [0.2, 0.9, 0.4],
  [0.3, 0.1, 0.5, 0.05],
] as const

// Expected numbers: DeLong's variance by mid-ranks (Sun and Xu 2014) in NumPy, an interval on the logit scale.
test('the interval of one fold, with ties, is that of DeLong', () => {
  const { mean, low, high, deviation } = rocArea(answers(...FIRST))!
  expect([mean, low, high]).toEqual([0.8333333333333334, 0.4897127239372762, 0.9630318849978325].map(near))
  expect(deviation).toBe(0)
})

test('folds are averaged, their variances too', () => {
  const { mean, low, high } = rocArea([...answers(...FIRST), ...answers(...SECOND, 1)])!
  expect([mean, low, high]).toEqual([0.7916666666666667, 0.46999655079255787, 0.9421417829624958].map(near))
})

test('seeds and windows that repeat the same answers change nothing', () => {
  const once = rocArea(answers(...FIRST))!
  const seeds = [0, 1, 2].flatMap((seed) => answers(...FIRST, 0, seed))
  const windows = answers(...FIRST).flatMap((answer) => [answer, answer])
  for (const repeated of [rocArea(seeds)!, rocArea(windows)!]) {
    expect(repeated.mean).toEqual(near(once.mean))
    expect([repeated.low, repeated.high]).toEqual([near(once.low), near(once.high)])
  }
})

test('perfect ranking still has a lower end, which more trials raise', () => {
  const perfect = (m: number, n: number) =>
    rocArea(
      answers(
        Array.from({ length: m }, (_, i) => 0.6 + i / 100),
        Array.from({ length: n }, (_, i) => 0.4 - i / 100),
      ),
    )!
  // Newcombe's equation solved by SciPy.
  expect(perfect(10, 8)).toEqual({ mean: 1, deviation: 0, low: expect.closeTo(0.7776377854254031, 10), high: 1 })
  expect(perfect(30, 24).low).toBeGreaterThan(perfect(10, 8).low)
})

test('without probabilities, or without a second class, there is no area', () => {
  expect(rocArea(answers([0.4, 0.6], []))).toBeUndefined()
  expect(rocArea(answers(...FIRST).map(({ probabilities: _, ...answer }) => answer))).toBeUndefined()
})

test('the area is the Mann-Whitney statistic, inside its interval', () => {
  const scores = fc.array(fc.integer({ min: 0, max: 8 }), { minLength: 2, maxLength: 12 })
  fc.assert(
    fc.property(scores, scores, (a, b) => {
      const [positives, negatives] = [a, b].map((list) => list.map((score) => score / 8))
      const { mean, low, high } = rocArea(answers(positives!, negatives!))!
      const truth = [...positives!.map(() => 1), ...negatives!.map(() => 0)]
      expect(mean).toBeCloseTo(rocAuc(truth, [...positives!, ...negatives!]), 12)
      expect(low).toBeGreaterThanOrEqual(0)
      expect(low).toBeLessThanOrEqual(mean + 1e-12)
      expect(high).toBeGreaterThanOrEqual(mean - 1e-12)
      expect(high).toBeLessThanOrEqual(1)
    }),
  )
})

test('means of stretches and LDA answer as scikit-learn on the same means', async () => {
  const labels = Array.from({ length: 24 }, (_, i) => i % 2)
  const data = Float32Array.from({ length: 480 }, (_, i) => Math.sin(i * i * 0.37))
  for (let i = 0; i < 480; i++) if (Math.floor(i / 20) % 2 === 1 && i % 20 >= 5 && i % 20 < 10) data[i]! += 0.6
  const decoder = windowMeansLda({ means: 0.5 })
  const { values, width } = await decoder.extract({ data, nChannels: 2, nSamples: 10, samplingRate: 10 })
  expect(width).toBe(4)
  const fitted = await decoder.fit({ values: values.slice(0, 64), width }, labels.slice(0, 16), 2)
  const { probabilities } = await fitted.predict({ values: values.slice(64), width })
  const expected = [0.011688508347361475, 0.711973807168492, 0.6293928853902034, 0.9931643974425899]
  expect(probabilities.slice(0, 4).map(([, p]) => p)).toEqual(expected.map((p) => expect.closeTo(p, 5)))
})

const near = (value: number) => expect.closeTo(value, 10)
