import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type EegWindows, models, simulateMotorImagery, windowTensors } from 'eegtorch'
import { makeModel } from '../../lib/experiment/make-model.ts'
import { useOneThread } from '../one-thread.ts'
import { errorOf } from '../thrown.ts'
import { trainAndAsk } from './train-and-ask.ts'

useOneThread()

const TINY_CSBRAIN = { inDim: 25, outDim: 25, dModel: 25, dimFeedforward: 32, nhead: 5, nLayer: 1 }

let windows: EegWindows
let folder: string
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'eegtorch-'))
  windows = await simulateMotorImagery({ subjects: 1, runs: 2, trials: 4, samplingRate: 100 }).windows({
    from: 0,
    to: 1,
  })
})
afterAll(() => rmSync(folder, { recursive: true }))

test('CSBrain’s classifier takes windows: patches follow from their length, regions from the channels’ names', async () => {
  using net = makeModel(models.csbrainClassifier, windows, TINY_CSBRAIN)
  expect(net.config).toMatchObject({ nPatches: 4, nOutputs: 2 })
  expect(net.config.brainRegions).toHaveLength(windows.nChannels)
  const { kept, trained } = await trainAndAsk(models.csbrainClassifier, windows, folder, TINY_CSBRAIN)
  expect(kept).toEqual(trained)
})

test('whole windows and their patches are one to CSBrain’s classifier', () => {
  using net = makeModel(models.csbrainClassifier, windows, TINY_CSBRAIN).eval()
  const { inputs } = windowTensors(windows)
  const patches = inputs.reshape([inputs.shape[0]!, windows.nChannels, 4, 25])
  expect(net.forward(inputs).toArray()).toEqual(net.forward(patches).toArray())
  expect(errorOf(() => net.forward(inputs.narrow(2, 0, 75)))).toMatchObject({ code: 'SHAPE_MISMATCH' })
})

test('windows that are no whole patches, and networks that classify none, are refused by name', () => {
  expect(errorOf(() => makeModel(models.csbrainClassifier, windows))).toMatchObject({
    ...{ code: 'INVALID_OPTION', option: 'window', expected: 'a multiple of 200 samples' },
    received: '100 samples at 100 Hz',
  })
  expect(errorOf(() => makeModel(models.vae, windows)).message).toContain('vae does not classify windows of EEG')
})
