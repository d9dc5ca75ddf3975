import type { Tensor } from 'eegtorch'

/** The largest difference, as a share of the largest number expected. */
export function worstDifference(found: Tensor, expected: Tensor): number {
  expect(found.shape).toEqual(expected.shape)
  return found.sub(expected).abs().max().div(expected.abs().max()).item() as number
}
