import {
  decodeFolds,
  type EegWindows,
  kFold,
  leaveOneOut,
  Random,
  type Split,
  simulateVisualResponses,
  windowMeansLda,
} from 'eegtorch'

const cut = (seed: number) =>
  simulateVisualResponses({ runs: 4, trials: 40, seed })
    .filter({ band: [1, 30] })
    .windows({ from: 0, to: 0.5 })

/** Share of test windows that the usual decoder of event-related potentials gets right. */
async function accuracyOf(windows: EegWindows, splits: readonly Split[]): Promise<number> {
  const { predictions } = await decodeFolds(windows, splits, windowMeansLda())
  return predictions.filter(({ truth, predicted }) => truth === predicted).length / predictions.length
}

test('faces and houses are told apart by their responses about as well as in real subjects', async () => {
  for (const seed of [0, 1]) {
    const windows = await cut(seed)
    const accuracy = await accuracyOf(windows, leaveOneOut(windows, 'run'))
    expect(accuracy).toBeGreaterThan(0.7)
    expect(accuracy).toBeLessThan(0.95)
  }
})

test('permuted labels are told apart no better than by chance', async () => {
  const windows = await cut(3)
  const random = new Random(1)
  const scores: number[] = []
  for (let seed = 0; seed < 4; seed++) {
    const shuffled = random.shuffle(windows.labels)
    const permuted = windows.with({ origins: windows.origins.map((origin, i) => ({ ...origin, label: shuffled[i]! })) })
    scores.push(await accuracyOf(permuted, kFold(permuted, { folds: 5, seed })))
  }
  // The mean of 4 scores over 320 trials has a standard error of about 0.014.
  expect(Math.abs(scores.reduce((a, b) => a + b) / 4 - 0.5)).toBeLessThan(0.06)
})

test('the response to faces is more negative at 170 ms, most on the right', async () => {
  const windows = await cut(0)
  const at = (channel: string) => windows.channelNames.indexOf(channel)
  const sample = Math.round(0.17 * windows.samplingRate)
  const mean = (label: string, channel: string) => {
    const own = [...windows.labels.keys()].filter((i) => windows.classNames[windows.labels[i]!] === label)
    const values = own.map((i) => windows.window(i)[at(channel) * windows.nSamples + sample]!)
    return values.reduce((sum, value) => sum + value, 0) / values.length
  }
  const difference = (channel: string) => mean('face', channel) - mean('house', channel)
  expect(difference('PO8')).toBeLessThan(-2e-6)
  expect(difference('PO8')).toBeLessThan(difference('PO7'))
  expect(Math.abs(difference('Fz'))).toBeLessThan(1e-6)
})

test('recordings are marked and depend on seed, subject and run alone', () => {
  const all = simulateVisualResponses({ subjects: 2, runs: 2, trials: 3, seed: 5 })
  const [recording] = [...all]
  expect(recording).toMatchObject({ name: 'SIM01R01', subject: 'SIM01', run: '1', simulated: true, samplingRate: 128 })
  expect(recording!.events.map(({ label }) => label).sort()).toEqual([
    'face',
    'face',
    'face',
    'house',
    'house',
    'house',
  ])
  const again = simulateVisualResponses({ subjects: 1, runs: 2, trials: 3, seed: 5 })
  expect([...again.at(1)!.read()[7]!]).toEqual([...all.at(1)!.read()[7]!])
  expect(all.at(2)!.read()[7]![100]).not.toBe(all.at(0)!.read()[7]![100])
})
