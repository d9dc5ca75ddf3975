import { roundHalfToEven } from '../../lib/signal/round.ts'

test('halves go to the even neighbour on both sides of zero, as in Python', () => {
  const halves = [-4.5, -3.5, -2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 3.5, 4.5]
  expect(halves.map(roundHalfToEven)).toEqual([-4, -4, -2, -2, -0, 0, 2, 2, 4, 4])
  const others = [-2.51, -2.49, -0.51, -0.2, 0.49999999999999994, 2.4999999, 7, -7, 2 ** 52 + 1]
  expect(others.map(roundHalfToEven)).toEqual([-3, -2, -1, -0, 0, 2, 7, -7, 2 ** 52 + 1])
})
