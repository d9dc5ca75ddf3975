import { EegEncoder, manualSeed, models, randn, type Tensor } from 'eegtorch'
import { makeWindows } from '../evaluation/make-windows.ts'
import { rejectionOf } from '../thrown.ts'

const SIZES = { inDim: 25, outDim: 25, dModel: 25, dimFeedforward: 30, nhead: 5, nLayer: 1 }
const [TRIALS, SAMPLES] = [19, 50]

function makeEncoder(): EegEncoder {
  manualSeed(1)
  return new EegEncoder(models.csbrain({ ...SIZES, brainRegions: [0, 0, 1], nPatches: 2 }))
}

/** Rows of noise, and the same as windows of three channels. */
function makeTrials() {
  const eeg = randn([TRIALS, 3, SAMPLES])
  const rows = Array.from({ length: TRIALS }, (_, t) => ({
    ...{ subject: 'S1', run: 'R1', trial: t + 1, start: t * SAMPLES, label: 0 },
  }))
  const channelNames = ['C3', 'Cz', 'C4']
  const windows = makeWindows(rows, { nSamples: SAMPLES })
  return { eeg, windows: windows.with({ channelNames, data: new Float32Array(eeg.toTypedArray() as Float32Array) }) }
}

const valuesOf = (tensor: Tensor) => Array.from(tensor.toTypedArray() as Float32Array)

test('reads many trials in parts as it reads them one by one, of a tensor or of windows', async () => {
  using encoder = makeEncoder()
  const { eeg, windows } = makeTrials()
  const told: string[] = []
  using tokens = await encoder.readAll(eeg, { onProgress: (done, total) => told.push(`${done} of ${total}`) })
  expect(tokens.shape).toEqual([TRIALS, encoder.tokens, 25])
  expect(told).toEqual(['16 of 19', '19 of 19'])
  for (const trial of [0, 15, 16, 18]) {
    using alone = await encoder.read(eeg.narrow(0, trial, 1))
    const [one, many] = [valuesOf(alone), valuesOf(tokens.narrow(0, trial, 1))]
    expect(Math.max(...one.map((value, i) => Math.abs(value - many[i]!)))).toBeLessThan(1e-5)
  }
  using ofWindows = await encoder.readAll(windows)
  expect(valuesOf(ofWindows)).toEqual(valuesOf(tokens))
})

test('stops between two parts, and refuses trials of other sizes with the file that they are of', async () => {
  using encoder = makeEncoder()
  const { eeg } = makeTrials()
  const stop = new AbortController()
  const stopped = encoder.readAll(eeg, { signal: stop.signal, onProgress: () => stop.abort() })
  expect((await rejectionOf(stopped)).code).toBe('CANCELLED')
  const file = 'imagery.store'
  const refused = await rejectionOf(encoder.readAll(eeg.narrow(2, 0, 40), { file }))
  expect(refused).toMatchObject({ code: 'SHAPE_MISMATCH', file, received: '(19, 3, 40)' })
  expect((await rejectionOf(encoder.readAll(eeg.narrow(0, 0, 0)))).code).toBe('SHAPE_MISMATCH')
})
