import { Pipeline, type Recording, simulateMotorImagery } from 'eegtorch'
import { errorOf } from '../thrown.ts'

/** The same recording with one channel of some stretch changed. */
function spoil(recording: Recording, name: string, change: (value: number, i: number) => number): Recording {
  const spoiled = recording.channelIndex(name)
  return recording.derive({
    nSamples: recording.nSamples,
    source: {
      read: (ranges) =>
        ranges.map(({ channel, start, stop }) => {
          const [row] = recording.readSamples(start, stop, [channel])
          return channel === spoiled ? row!.map((value, i) => change(value, start + i)) : row!
        }),
    },
  })
}

const recording = simulateMotorImagery({ subjects: 1, runs: 1, trials: 6, seed: 8 }).pick(['C3', 'Cz', 'C4']).at(0)!
const cut = { windows: [0, 2] as const }

test.each([
  ['not a number', () => Number.NaN],
  ['infinite', () => Number.POSITIVE_INFINITY],
])('windows with a channel that is %s are left out', async (_, value) => {
  const second = recording.events[1]!.sample
  const inside = (i: number) => i >= second && i < second + recording.samplingRate
  const bad = spoil(recording, 'Cz', (sample, i) => (inside(i) ? value() : sample))
  const all = await Pipeline.parse([cut]).windows(bad)
  const kept = await Pipeline.parse([cut, { rejectPeakToPeak: 1 }]).windows(bad)
  expect(kept.length).toBe(all.length - 1)
  expect(kept.origins.map(({ trial }) => trial)).not.toContain(2)
  expect(kept.skipped).toBe(1)
})

test('a channel that is nowhere a number leaves no window, and no limit is learned from it', async () => {
  const bad = spoil(recording, 'Cz', () => Number.NaN)
  const all = await Pipeline.parse([cut]).windows(bad)
  await expect(Pipeline.parse([cut, { rejectPeakToPeak: 1 }]).windows(bad)).rejects.toThrow(
    /received \d+ trials, each cut by an end or a gap, or rejected/,
  )
  await expect(Pipeline.parse([cut, { rejectPeakToPeak: 'learned' }]).fit(all)).rejects.toThrow(/epochs/)
})

test('a limit is learned from the windows that are finite', async () => {
  const second = recording.events[1]!.sample
  const bad = spoil(recording, 'Cz', (sample, i) => (i === second + 3 ? Number.NaN : sample))
  const learnedFrom = async (from: Recording, indices: number[]) => {
    const pipeline = Pipeline.parse([cut, { rejectPeakToPeak: 'learned' }])
    return (await pipeline.fit(await pipeline.prepared.windows(from), indices)).toJSON().learned
  }
  const all = [...(await Pipeline.parse([cut]).windows(bad)).labels.keys()]
  const others = all.filter((index) => index !== 1)
  expect(await learnedFrom(bad, all)).toEqual(await learnedFrom(recording, others))
})

test('z-scores over all channels of an item are refused where they would be learned', () => {
  const parse = (by: 'training' | 'itself') => Pipeline.parse([cut, { zscore: { by, per: 'item' } }])
  expect(errorOf(() => parse('training')).message).toMatch(/step 2 \(zscore\).*goes with by: itself alone/)
  expect(parse('itself').learns).toBe(false)
})
