import { drawTraces, formatSummary, inspectRecording, readRecording, simulateMotorImagery } from 'eegtorch'
import { describeWithShared, sharedPath } from '../shared.ts'
import { fixturePath } from './agree.ts'
import { makeRecording } from './make-recording.ts'

const seconds = 10
const rate = 200
const noise = (i: number) => 10e-6 * Math.sin(i * 12.9898 + 78.233 * Math.sin(i * 1.7))
const hum = (i: number) => 20e-6 * Math.sin((2 * Math.PI * 50 * i) / rate)
const make = (...signals: ((i: number) => number)[]) =>
  makeRecording({
    channels: signals.map((_, i) => ['C3', 'C4', 'X1'][i]!),
    samplingRate: rate,
    nSamples: seconds * rate,
    data: signals.map((signal) => Float64Array.from({ length: seconds * rate }, (_, i) => signal(i))),
    events: [{ onset: 1, duration: 0, label: '<a&b>' }],
  })

test('a flat channel and one out of range are not plausible', () => {
  const { quality } = inspectRecording(
    make(
      noise,
      () => 3e-6,
      (i) => 1e3 * noise(i),
    ),
  )
  expect(quality.plausible).toEqual(['C3'])
  expect(quality.implausible.map(({ name }) => name)).toEqual(['C4', 'X1'])
})

test('mains hum is found at its frequency', () => {
  const { quality } = inspectRecording(
    make(
      (i) => noise(i) + hum(i),
      (i) => noise(i + 5000) + hum(i),
    ),
  )
  expect(quality.line?.frequency).toBe(50)
  expect(quality.line!.decibels).toBeGreaterThan(20)
  expect(inspectRecording(make(noise, (i) => noise(i + 5000))).quality.line!.decibels).toBeLessThan(10)
})

test('the picture is well-formed, and text in it is escaped', () => {
  const svg = drawTraces(make(noise, hum), { from: 0, to: 5 })
  expect(svg.match(/<path d="M/g)!.length).toBe(2)
  expect(svg).toContain('&lt;a&amp;b&gt;')
  expect(svg).not.toContain('NaN')
})

test('a simulated recording says so', () => {
  const recording = simulateMotorImagery({ subjects: 1, runs: 1, trials: 2 }).at(0)!
  expect(formatSummary(inspectRecording(recording))).toMatch(/^SIMULATED: 22 channels \(10-10 names\), 128 Hz/)
  expect(drawTraces(recording)).toContain('(simulated)')
})

test('units that differ, gaps, pauses and channels of the heart are told', async () => {
  const lines = async (name: string, options = {}) =>
    formatSummary(inspectRecording(await readRecording(fixturePath(name), options))).split('\n')
  const [record, , quality] = await lines('wfdb/variable.hea')
  expect(record).toMatch(/no EEG\), 360 Hz, 1.0 s, 2 in microvolts, 1 in l\/min, WFDB segments, 1 gap$/)
  expect(quality).toBe('quality: only EEG is judged')
  expect(drawTraces(await readRecording(fixturePath('wfdb/variable.hea'))).match(/<path d="M/g)).toHaveLength(3)
  expect((await lines('fif/some-epo.fif'))[0]).toMatch(/FIF epochs, 4 segments$/)
  expect((await lines('numpy/rows.npy', { samplingRate: 100 }))[2]).toMatch(/channel 1 \(\d+\.\d of an unknown unit\)/)
})

describeWithShared('a real recording', () => {
  test('is summarised in three lines', async () => {
    const recording = await readRecording(sharedPath('eeg/eegmmidb/S001R06.edf'))
    const [first, second, third] = formatSummary(inspectRecording(recording)).split('\n')
    expect(first).toBe('64 channels (10-10 names), 160 Hz, 125.0 s, microvolts, EDF+C')
    expect(second).toBe('30 events: T0 rest 15 · T1 both fists 7 · T2 both feet 8')
    expect(third).toMatch(/^quality: 64 of 64 channels plausible, 60 Hz line at \d+ dB$/)
  })
})
