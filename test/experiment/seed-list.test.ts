import { seedList } from '../../lib/experiment/cross-validate-options.ts'

test('a count of seeds, or the seeds', () => {
  expect(seedList(3)).toEqual([0, 1, 2])
  expect(seedList([7, 5])).toEqual([7, 5])
})

test.each([2.7, 0, -1, Number.NaN, [], [1.5], [-1], [1, 1]])('%p is neither', (seeds) => {
  expect(() => seedList(seeds as number | number[])).toThrow(
    'expected a count, 1 or more, or a list of different whole numbers',
  )
})
