import { join } from 'node:path'
import { type Recording, readEdf, simulateMotorImagery, writeEdf } from 'eegtorch'
import fc from 'fast-check'
import { describeWithShared, sharedPath } from '../shared.ts'
import { makeRecording } from './make-recording.ts'
import { temporaryFolder } from './temporary.ts'

const folder = temporaryFolder()
let files = 0

async function roundTrip(recording: Recording): Promise<Recording> {
  const file = join(folder, `w${files++}.edf`)
  await writeEdf(file, recording)
  return readEdf(file)
}

/** Half a digital step of each channel, with the width that eight characters of range may add. */
function tolerance(samples: Float64Array): number {
  const [low, high] = [Math.min(...samples), Math.max(...samples)]
  const range = Math.max(high - low, 1e-6)
  // The ends of the range have eight characters: numbers of seven digits are rounded to whole microvolts.
  const widening =
    2e-6 * Math.max(1e-6, 10 ** Math.ceil(Math.log10(Math.max(Math.abs(low), Math.abs(high), 1e-12) * 1e6) - 6))
  return (0.5001 * (range + widening)) / 65535 + 1e-6 * 1e-6 + widening / 65535
}

const labels = fc
  .string({ unit: 'grapheme', minLength: 1, maxLength: 12 })
  .filter((text) => !text.includes('\0') && !text.includes('\x14'))
const seconds = fc.oneof(
  fc.integer({ min: 0, max: 4000 }).map((n) => n / 100),
  fc.double({ min: 0, max: 40, noNaN: true }).filter((x) => x === 0 || x > 1e-6),
)
const event = fc.record({ onset: seconds, duration: fc.oneof(fc.constant(0), seconds), label: labels })

const recordings = fc
  .record({
    rate: fc.constantFrom(100, 128, 160, 250, 256.5, 512),
    nSamples: fc.integer({ min: 1, max: 1500 }),
    scale: fc.constantFrom(1e-7, 1e-5, 3e-4, 0.5),
    offset: fc.constantFrom(0, 1e-3, -0.02),
    seed: fc.integer({ min: 1, max: 1e6 }),
    events: fc.array(event, { maxLength: 12 }),
    subject: fc.constantFrom('S001', undefined),
  })
  .map(({ rate, nSamples, scale, offset, seed, events, subject }) => {
    const noise = (i: number) => offset + scale * Math.sin(seed * (i + 1) ** 1.3)
    const data = [0, 1, 2].map((c) => Float64Array.from({ length: nSamples }, (_, i) => noise(i + c * 7)))
    return makeRecording({
      channels: ['C3', 'Cz', 'EOG left:eog'],
      samplingRate: rate,
      nSamples,
      events,
      data,
      ...(subject === undefined ? {} : { subject }),
    })
  })

test('a simulated recording stays marked as one in its file', async () => {
  expect((await roundTrip(makeRecording({}))).simulated).toBe(false)
  const [simulated] = simulateMotorImagery({ subjects: 1, runs: 1, trials: 1 })
  expect((await roundTrip(simulated!)).simulated).toBe(true)
})

test('what is written is read back: samples within half a step, events exactly', async () => {
  await fc.assert(
    fc.asyncProperty(recordings, async (recording) => {
      const again = await roundTrip(recording)
      expect(again.samplingRate).toBe(recording.samplingRate)
      expect(again.nSamples).toBeGreaterThanOrEqual(recording.nSamples)
      expect(again.nSamples).toBeLessThan(recording.nSamples + 2 * recording.samplingRate)
      expect(again.channels.map(({ name, type, unit }) => [name, type, unit])).toEqual(
        recording.channels.map(({ name, type, unit }) => [name, type, unit]),
      )
      const bare = ({ events }: Recording) => events.map(({ onset, duration, label }) => ({ onset, duration, label }))
      const order = (a: { onset: number; label: string }, b: { onset: number; label: string }) =>
        a.onset - b.onset || (a.label < b.label ? -1 : 1)
      expect(bare(again).sort(order)).toEqual(bare(recording).sort(order))
      const before = recording.read()
      for (const [c, samples] of again.read().entries()) {
        const limit = tolerance(before[c]!)
        const worst = before[c]!.reduce((most, value, i) => Math.max(most, Math.abs(value - samples[i]!)), 0)
        expect(worst).toBeLessThanOrEqual(limit)
      }
    }),
    { numRuns: 200 },
  )
})

test('lengths that divide come back exactly', async () => {
  for (const nSamples of [160, 1600, 1615, 40]) {
    const again = await roundTrip(makeRecording({ samplingRate: 160, nSamples }))
    expect(again.nSamples).toBe(nSamples)
  }
})

test('gaps and mixed rates are kept', async () => {
  const recording = makeRecording({
    channels: ['C3', 'C4', 'EOG:eog@50'],
    samplingRate: 100,
    nSamples: 300,
    segments: [
      { onset: 0, sample: 0, nSamples: 100 },
      { onset: 7.5, sample: 100, nSamples: 200 },
    ],
    events: [{ onset: 8, duration: 0, label: 'x' }],
    startTime: new Date('2009-08-12T16:15:00Z'),
  })
  const again = await roundTrip(recording)
  expect(again).toMatchObject({ format: 'EDF+D', segments: recording.segments, events: recording.events })
  expect(again.startTime).toEqual(recording.startTime)
  expect(again.read().map(({ length }) => length)).toEqual([300, 300, 150])
})

test('what EDF cannot hold is one clear error, and no file', async () => {
  const file = join(folder, 'never.edf')
  const write = (...parts: Parameters<typeof makeRecording>) => writeEdf(file, makeRecording(...parts))
  await expect(write({ data: [[Number.NaN]] })).rejects.toThrow('channel C3 has values that EDF cannot hold')
  await expect(write({ data: [[1e9]] })).rejects.toMatchObject({ code: 'FILE_UNSUPPORTED' })
  await expect(write({ events: [{ onset: 0, duration: 0, label: 'a\x14b' }] })).rejects.toThrow(
    'without control characters',
  )
  await expect(write({ samplingRate: Math.PI, nSamples: 7 })).rejects.toThrow('cannot be cut into EDF records')
  await expect(readEdf(file)).rejects.toMatchObject({ code: 'FILE_NOT_FOUND' })
  await expect(writeEdf(join(folder, 'no/such/folder.edf'), makeRecording())).rejects.toMatchObject({
    code: 'FILE_WRITE_FAILED',
  })
})

describeWithShared('a real recording', () => {
  test('is written and read back', async () => {
    const recording = await readEdf(sharedPath('eeg/eegmmidb/S001R06.edf'))
    const again = await roundTrip(recording)
    expect(again).toMatchObject({
      nSamples: recording.nSamples,
      events: recording.events,
      startTime: recording.startTime,
    })
    const before = recording.read()
    for (const [c, samples] of again.read().entries()) {
      const worst = samples.reduce((most, value, i) => Math.max(most, Math.abs(value - before[c]![i]!)), 0)
      expect(worst).toBeLessThanOrEqual(tolerance(before[c]!))
    }
  })
})
