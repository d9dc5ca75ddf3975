import { type EegWindows, kFold, leaveOneOut, Random, type SimulationOptions, simulateMotorImagery } from 'eegtorch'
import { decode } from './band-power-lda.ts'

const cut = (options: SimulationOptions): Promise<EegWindows> =>
  simulateMotorImagery(options)
    .filter({ band: [8, 30] })
    .windows({ from: 0.5, to: 3.5 })

test('hands are told apart by the power over the hand areas about as well as in real subjects', async () => {
  for (const seed of [0, 1]) {
    const windows = await cut({ subjects: 2, runs: 3, trials: 15, seed })
    const accuracy = ['SIM01', 'SIM02'].map((subject) => {
      const own = windows.subset([...windows.labels.keys()].filter((i) => windows.subject(i) === subject))
      return decode(own, leaveOneOut(own, 'run'))
    })
    const mean = (accuracy[0]! + accuracy[1]!) / 2
    expect(mean).toBeGreaterThan(0.75)
    expect(mean).toBeLessThan(0.97)
  }
})

test('permuted labels are told apart no better than by chance', async () => {
  const windows = await cut({ subjects: 1, runs: 2, trials: 30, seed: 4 })
  const random = new Random(1)
  const scores = Array.from({ length: 20 }, (_, seed) =>
    decode(windows, kFold(windows, { folds: 5, seed }), random.shuffle(windows.labels)),
  )
  // The mean of 20 scores over 120 trials has a standard error of about 0.01.
  expect(Math.abs(scores.reduce((a, b) => a + b) / 20 - 0.5)).toBeLessThan(0.05)
})

test('the same seed gives the same samples, another seed or run others, whatever else is simulated', () => {
  const options = { subjects: 2, runs: 2, trials: 2, seed: 5 }
  const first = simulateMotorImagery(options)
  const again = simulateMotorImagery({ ...options, subjects: 1 })
  expect(again.at(1)!.events).toEqual(first.at(1)!.events)
  expect([...again.at(1)!.read()[7]!]).toEqual([...first.at(1)!.read()[7]!])
  expect(
    simulateMotorImagery({ ...options, seed: 6 })
      .at(0)!
      .read()[7]![100],
  ).not.toBe(first.at(0)!.read()[7]![100])
  expect(first.at(0)!.read()[7]![100]).not.toBe(first.at(1)!.read()[7]![100])
})

test('recordings are marked, named and sized as EEG, and the mark is carried to windows', async () => {
  const recordings = simulateMotorImagery({ subjects: 1, runs: 1, trials: 3, classes: ['feet', 'tongue', 'left hand'] })
  const [recording] = [...recordings]
  expect(recording).toMatchObject({ name: 'SIM01R01', subject: 'SIM01', run: '1', simulated: true, samplingRate: 128 })
  expect(recording!.channels.length).toBe(22)
  expect(recording!.events.length).toBe(9)
  const windows = await recordings
    .pick(['C3', 'Cz'])
    .filter({ band: [4, 38] })
    .windows({ from: 0, to: 4 })
  expect(windows.simulated).toBe(true)
  expect(windows.subset([0, 1]).simulated).toBe(true)
  expect(windows.classNames).toEqual(['feet', 'left hand', 'tongue'])
  for (const samples of recording!.read()) {
    const rms = Math.sqrt(samples.reduce((sum, x) => sum + x * x, 0) / samples.length)
    expect(rms).toBeGreaterThan(4e-6)
    expect(rms).toBeLessThan(40e-6)
  }
})

test.each([
  [{ subjects: 0 }, 'number of subjects'],
  [{ trials: 1.5 }, 'number of trials'],
  [{ samplingRate: 10 }, '64 to 10000 Hz'],
  [{ classes: ['arms'] }, 'left hand, right hand, feet, tongue, received arms'],
  [{ classes: [] }, 'received none'],
  [{ seed: -1 }, 'the seed is not usable'],
])('refuses %j', (options, message) => {
  expect(() => simulateMotorImagery(options as never)).toThrow(message)
})
