/**
 * A weight for each class so that all classes count alike however many examples they have: examples / (classes * examples of the class),
 * as scikit-learn's `balanced`. A class without examples gets 0.
 */
export function balancedWeights(counts: readonly number[]): number[] {
  const total = counts.reduce((sum, count) => sum + count, 0)
  const present = counts.filter((count) => count > 0).length
  return counts.map((count) => (count === 0 ? 0 : total / (present * count)))
}
