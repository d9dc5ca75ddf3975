// @ts-expect-error: a script, without types
import { best, compare, formatTable, median } from '../../scripts/bench/table.mjs'

test('the median is the middle value, or the mean of the two in the middle', () => {
  expect(median([9, 1, 10])).toBe(9)
  expect(median([4, 1, 3, 100])).toBe(3.5)
  expect(() => median([])).toThrow('no values')
})

test('ratios are taken pair by pair, and above 1 means that ours is faster', () => {
  expect(compare([1, 2, 4], [3, 2, 20])).toEqual({ minimum: 1, median: 3, ofMinima: 2 })
  expect(() => compare([1], [1, 2])).toThrow('series of 1 and 2')
})

test('the best variant has the lowest median, not the luckiest run', () => {
  const lucky = { label: 'lucky', times: [1, 9, 9] }
  const steady = { label: 'steady', times: [5, 5, 5] }
  expect(best([lucky, steady])).toBe(steady)
})

test('the table has one row for each action and peer', () => {
  const ours = { times: [1, 2, 4], peak: 2048 }
  const peers = [{ label: 'PyTorch', times: [3, 2, 20], peak: 10240 }]
  const rows = formatTable([{ name: 'eegnet', action: 'training step', ours, peers }]).split('\n')
  expect(rows).toHaveLength(3)
  expect(rows[2]).toBe('| eegnet | training step | PyTorch | 1.00 / 2.00 | 2.00 / 3.00 | 1.00 | 3.00 | 2.00 | 2 | 10 |')
})
