import { models } from 'eegtorch'
// @ts-expect-error: a script, without types
import { cases } from '../../scripts/bench/cases.mjs'
// @ts-expect-error: a script, without types
import * as table from '../../scripts/bench/table.mjs'

const { best, compare, formatSummary, formatTable, formatThroughput, median, percentile99 } = table

test('every registered network is measured', () => {
  const described = Object.values(cases as Record<string, { networks: string[] }>)
  const measured = new Set(described.flatMap(({ networks }) => networks))
  expect(models.list().filter(({ name }) => !measured.has(name))).toEqual([])
})

test('the median is the middle value, or the mean of the two in the middle', () => {
  expect(median([9, 1, 10])).toBe(9)
  expect(median([4, 1, 3, 100])).toBe(3.5)
  expect(() => median([])).toThrow('no values')
})

test('the 99th percentile leaves out one value in a hundred', () => {
  const values = Array.from({ length: 200 }, (_, i) => 200 - i)
  expect(percentile99(values)).toBe(198)
  expect(percentile99([3, 1, 2])).toBe(3)
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

const series = (label: string, times: number[], peak: number) => ({ label, times, all: times, peak })

test('the table has one row for each action and peer, and a percentile where there are values enough', () => {
  const ours = series('eegtorch', [1, 2, 4], 2048)
  const peers = [series('PyTorch', [3, 2, 20], 10240)]
  const training = { name: 'eegnet', action: 'training step', ours, peers, flops: 3e6, flopsPerMs: 2e6 }
  const many = { ...ours, all: Array.from({ length: 100 }, (_, i) => 1 + i / 100) }
  const rows = formatTable([training, { ...training, ours: many, flops: undefined }]).split('\n')
  expect(rows.slice(2)).toEqual([
    '| eegnet | training step | PyTorch | 1.00 / 2.00 | 2.00 / 3.00 | 1.00 | 3.00 | 2.00 | 75 % | 2 | 10 |',
    '| eegnet | training step | PyTorch | 1.00 / 2.00 / 1.98 | 2.00 / 3.00 | 1.00 | 3.00 | 2.00 |  | 2 | 10 |',
  ])
})

test('the summary has one row for each case, with what was measured of it', () => {
  const ours = series('eegtorch', [2], 1)
  const peers = [series('PyTorch, defaults', [10], 1), series('PyTorch, tuned', [5], 1)]
  const actions = ['inference, batch 1', 'inference, batch 64', 'training step, batch 64']
  const results = actions.map((action) => ({ name: 'eegnet', action, ours, peers, flops: 3e6, flopsPerMs: 2e6 }))
  const alone = { name: 'unet', action: 'training step, batch 1', ours, peers: peers.slice(0, 1) }
  expect(
    formatSummary([...results, alone])
      .split('\n')
      .slice(2),
  ).toEqual([
    '| eegnet | 64 | 2.00 | 5.00 | 2.50 | 75 % | 2.00 | 5.00 | 2.50 | 75 % | 2.00 | 5.00 | 2.50 | 75 % |',
    '| unet | 1 |  |  |  |  |  |  |  |  | 2.00 | 5.00 |  |  |',
  ])
})

test('throughput has one row for each side, in windows a second', () => {
  const peers = [series('PyTorch, defaults', [10], 1), series('PyTorch, tuned', [5], 1)]
  const results = [1, 8].map(() => ({ name: 'eegnet', action: '', ours: series('eegtorch', [2], 1), peers }))
  expect(formatThroughput(results, [1, 8]).split('\n').slice(2)).toEqual([
    '| eegnet | eegtorch | 500 | 4000 |',
    '| eegnet | PyTorch, defaults | 100 | 800 |',
    '| eegnet | PyTorch, the best tuned | 200 | 1600 |',
  ])
})
