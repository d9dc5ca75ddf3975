import {
  fromTypedArray,
  Pipeline,
  type PipelineSource,
  type Recording,
  signal,
  simulateMotorImagery,
  type Tensor,
} from 'eegtorch'
import { errorOf } from '../thrown.ts'

const recording = simulateMotorImagery({ subjects: 1, runs: 1, trials: 2, seed: 6 }).at(0)!.pick(['C3', 'Cz', 'C4'])
const rate = recording.samplingRate
const rows = recording.read()
const x = fromTypedArray(Float64Array.from(rows.flatMap((row) => [...row])), { shape: [3, rows[0]!.length] })

const applied = async (step: PipelineSource['steps'][number]) =>
  (await Pipeline.parse([step]).apply(recording)) as Recording

const sections = signal.butter(5, [0.5, 40], rate)

test.each<[PipelineSource['steps'][number], () => Tensor]>([
  [{ filter: { band: [0.5, 40], order: 5 } }, () => signal.sosfiltfilt(x, sections)],
  [{ filter: { band: [0.5, 40], order: 5, phase: 'forward' } }, () => signal.sosfilt(x, sections)],
  [{ filter: { band: [0.5, 40], manner: 'mne-iir' } }, () => signal.mneFilterData(x, rate, 0.5, 40, { method: 'iir' })],
  [{ filter: { band: [0.5, 40], manner: 'mne-fir' } }, () => signal.mneFilterData(x, rate, 0.5, 40)],
  [{ filter: { band: [1, null], manner: 'mne-fir' } }, () => signal.mneFilterData(x, rate, 1, null)],
  [
    { filter: { band: [48, 52], manner: 'mne-iir', stop: true } },
    () => signal.mneFilterData(x, rate, 52, 48, { method: 'iir' }),
  ],
  [{ filter: { band: [20, 40], manner: 'mne-fir', stop: true } }, () => signal.mneFilterData(x, rate, 40, 20)],
  [
    { filter: { band: [45, 55], stop: true } },
    () => signal.sosfiltfilt(x, signal.butter(4, [45, 55], rate, 'bandstop')),
  ],
  [{ notch: 50 }, () => signal.sosfiltfilt(x, signal.iirnotch(50, 30, rate))],
  [{ notch: { frequencies: [50], manner: 'mne' } }, () => signal.mneNotchFilter(x, rate, [50])],
  [{ resample: 100 }, () => signal.mneResample(x, 100, rate, { npad: 'auto' })],
  [
    { resample: { rate: 200, manner: 'mne-polyphase' } },
    () => signal.mneResample(x, 200, rate, { method: 'polyphase' }),
  ],
  [{ resample: { rate: 96, manner: 'polyphase' } }, () => signal.resamplePoly(x, 3, 4)],
  [{ detrend: 'linear' }, () => signal.detrend(x)],
  [{ movingStandardise: 0.01 }, () => signal.exponentialStandardize(x, { factorNew: 0.01 })],
  ['envelope', () => signal.envelope(x)],
  [{ envelope: 10 }, () => signal.sosfiltfilt(x.abs(), signal.butter(4, 10, rate))],
])('%j is the function of its name', async (step, expected) => {
  const out = await applied(step)
  const y = expected()
  const values = y.toTypedArray() as Float64Array
  expect(out.nSamples).toBe(y.shape[1])
  expect(out.samplingRate).toBe(typeof step === 'object' && 'resample' in step ? out.channels[0]!.samplingRate : rate)
  expect(out.read()).toEqual(rows.map((_, i) => values.slice(i * y.shape[1]!, (i + 1) * y.shape[1]!)))
})

test('after resampling, events keep their times', async () => {
  const out = await applied({ resample: 64 })
  expect(out.samplingRate).toBe(64)
  expect(out.duration).toBeCloseTo(recording.duration, 2)
  expect(out.events.map(({ onset }) => onset)).toEqual(recording.events.map(({ onset }) => onset))
  expect(out.events.map(({ sample }) => sample)).toEqual(recording.events.map(({ onset }) => Math.round(onset * 64)))
})

test('a rate without a ratio, and a band beyond the rate, are refused', async () => {
  await expect(applied({ resample: { rate: Math.PI * 30, manner: 'polyphase' } })).rejects.toThrow(
    /ratio of small whole numbers/,
  )
  await expect(applied({ filter: [4, 90] })).rejects.toThrow(/between 0 and 64 Hz/)
  expect(
    errorOf(() => Pipeline.parse([{ notch: { frequencies: [50], manner: 'mne', phase: 'forward' } }])).message,
  ).toMatch(/phase 'zero' alone/)
})

test('causal steps stream with the numbers of the whole', async () => {
  const steps = [
    { notch: { frequencies: [50], phase: 'forward' } },
    { filter: { band: [0.5, 30], order: 5, phase: 'forward' } },
    { movingStandardise: { factorNew: 0.01, initBlockSize: 200 } },
    { envelope: { lowpass: 8, phase: 'forward' } },
    { filter: { band: [null, 20], manner: 'mne-fir', phase: 'forward' } },
  ] as const
  const pipeline = Pipeline.parse(steps)
  const whole = ((await pipeline.apply(recording)) as Recording).read()
  for (const size of [1, 7, 64]) {
    const stream = pipeline.stream({ channels: ['C3', 'Cz', 'C4'], samplingRate: rate })
    const out: number[][] = [[], [], []]
    for (let at = 0; at < 1500; at += size) {
      const { samples } = await stream.push(rows.map((row) => row.subarray(at, Math.min(1500, at + size))))
      for (const [c, row] of samples.entries()) out[c]!.push(...row)
    }
    for (const [c, row] of out.entries()) {
      expect(row.length).toBe(1500)
      const worst = Math.max(...row.map((value, i) => Math.abs(value - whole[c]![i]!)))
      expect(worst).toBeLessThan(1e-12)
    }
  }
})

test.each([
  ['- notch: 50', /phase 'zero' looks ahead/],
  ['- envelope', /Hilbert transform needs the whole signal/],
  ['- resample: 100', /step 1 \(resample\) cannot be streamed/],
  ['- heartbeats', /beats are told from noise by those that follow/],
])('%s is not causal, and says so', (yaml, message) => {
  expect(errorOf(() => Pipeline.parse(yaml).stream({ channels: ['C3'], samplingRate: rate })).message).toMatch(message)
})
