import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { augment, type EegWindows, fitHybrid, loss, models, simulateMotorImagery } from 'eegtorch'
import { makeModel } from '../../lib/experiment/make-model.ts'
import { useOneThread } from '../one-thread.ts'
import { rejectionOf } from '../thrown.ts'
import { trainAndAsk } from './train-and-ask.ts'

useOneThread()

const TINY_HYBRID = {
  hiddenDim: 8,
  latentDim: 2,
  convLength: 5,
  convStride: 2,
  poolLength: 2,
  hiddenSize: 4,
  nLayers: 1,
}

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

test('an autoencoder with a classifier behind it is cross-validated by the loss of both', async () => {
  const { kept, trained } = await trainAndAsk(models.vaeCnnRnn, windows, folder, TINY_HYBRID)
  expect(kept).toEqual(trained)
})

test('a hybrid refuses what it would pass over: mixup and other losses than cross entropy', async () => {
  using net = makeModel(models.vaeCnnRnn, windows, TINY_HYBRID)
  const mixed = await rejectionOf(fitHybrid(net, windows, { epochs: 1, augmentations: [augment.mixup()] }))
  expect(mixed).toMatchObject({ code: 'INVALID_OPTION', option: 'augmentations' })
  const focal = await rejectionOf(fitHybrid(net, windows, { epochs: 1, crossEntropy: loss.focal() }))
  expect(focal).toMatchObject({ code: 'INVALID_OPTION', option: 'loss', received: 'focal' })
})
