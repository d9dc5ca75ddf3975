import { brainRegion, models, montageOf, montages, randn } from 'eegtorch'
import { errorOf } from '../thrown.ts'

// Sorted by hand from the published tables: Fz, then parietal (region 1), then central (region 4).
test('BCIC IV 2a comes out region by region', () => {
  const { channels, sortedIndices, sortedRegions } = montages.bcicIv2a
  expect(channels).toHaveLength(22)
  expect(sortedIndices).toEqual([0, 18, 19, 20, 21, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17])
  expect(sortedIndices.slice(0, 5).map((i) => channels[i])).toEqual(['Fz', 'P1', 'Pz', 'P2', 'POz'])
  expect(sortedRegions).toEqual([0, 1, 1, 1, 1, ...Array(17).fill(4)])
})

test('Visual Imagery has five regions, anatomical or as eeg2image numbers them', () => {
  const { channels, sortedIndices, sortedRegions } = montages.visualImagery
  const byRegion = [0, 1, 2, 3, 4].map((r) =>
    sortedIndices.filter((_, place) => sortedRegions[place] === r).map((i) => channels[i]),
  )
  expect(byRegion).toEqual([
    ['Fpz', 'Fp1', 'Fp2', 'Fz', 'F3', 'F4', 'F7', 'F8'],
    ['Pz', 'P3', 'P4', 'P7', 'P8'],
    ['FT7', 'FT8', 'T7', 'T8', 'TP7', 'TP8'],
    ['PO3', 'PO4', 'Oz', 'O1', 'O2'],
    ['FCz', 'FC3', 'FC4', 'Cz', 'C3', 'C4', 'CP3', 'CP4'],
  ])
  expect(montages.visualImageryEeg2image.sortedIndices).toEqual(channels.map((_, i) => i))
  expect(montages.visualImageryEeg2image.brainRegions.filter((region) => region === 3)).toHaveLength(9)
})

test.each([
  ['FCZ', 'central'],
  ['poz', 'occipital'],
  ['T3', 'temporal'],
  ['T5', 'parietal'],
  ['Fp1', 'frontal'],
  ['TP10', 'temporal'],
])('%s lies over the %s region', (electrode, region) => {
  expect(brainRegion(electrode)).toBe(region)
})

test('a montage is what csbrain takes', () => {
  const small = { inDim: 50, outDim: 50, dModel: 50, dimFeedforward: 60, nhead: 5, nLayer: 1 }
  const montage = montageOf(['O1', 'Cz', 'F3', 'Pz', 'T7'])
  using given = models.csbrainClassifier({ ...small, ...montage.csbrain(), nPatches: 2 }).eval()
  expect(given.config.sortedIndices).toEqual([2, 3, 4, 0, 1])
  expect(given.forward(randn([2, 5, 2, 50])).shape).toEqual([2, 4])
})

test('names without a place and regions that do not match are refused', () => {
  expect(errorOf(() => montageOf(['Cz', 'EOG1'])).message).toMatch(/no brain region for electrode "EOG1"/)
  expect(errorOf(() => montageOf(['Cz', 'Pz'], [1])).message).toMatch(/expected 2 numbers, received 1/)
  expect(errorOf(() => montageOf(['Cz'], [0.5])).code).toBe('INVALID_OPTION')
  expect(errorOf(() => montageOf([])).code).toBe('INVALID_OPTION')
})
