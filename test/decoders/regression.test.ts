import { fitShrunkRegression } from '../../lib/decoders/regression.ts'

const rowsAt = (level: number) => ({
  values: Float64Array.from({ length: 22 }, (_, i) => (i % 2 === 0 ? Math.sin(i) : level)),
  width: 2,
})

test('a feature that did not vary in training says nothing of what varies later', async () => {
  const target = Array.from({ length: 11 }, (_, i) => Math.sin(2 * i))
  const predict = await fitShrunkRegression(rowsAt(0.1), target)
  const known = predict(rowsAt(0.1))
  for (const [i, value] of predict(rowsAt(0.2)).entries()) expect(value).toBeCloseTo(known[i]!, 6)
})
