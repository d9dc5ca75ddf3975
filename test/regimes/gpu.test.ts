import {
  augmentWithSamples,
  type Device,
  EegImages,
  fitAlignment,
  fitHybrid,
  fitVariational,
  loss,
  manualSeed,
  models,
  reconstructWindows,
} from 'eegtorch'
import { describeWithGpu } from '../gpu.ts'
import { alternating, noise } from './networks.ts'

const vaeSizes = { nChans: 3, nTimes: 64, hiddenDim: 16, latentDim: 4 }
const brief = { epochs: 2, batchSize: 4 }

/** What each regime makes of the same start and the same windows on a device. */
const regimes: [string, (device: Device) => Promise<number>][] = [
  [
    'variational',
    async (device) => {
      const eeg = { inputs: noise([8, 3, 64]), targets: noise([8, 3, 64]) }
      const { epochs } = await fitVariational(models.vae(vaeSizes).to(device), eeg, { ...brief, device })
      return epochs.at(-1)!.trainLoss
    },
  ],
  [
    'hybrid with class weights',
    async (device) => {
      const net = models.vaeConvNet({ ...vaeSizes, nOutputs: 2, nFilters: [4, 8], kernelLength: 9, dropProb: 0 })
      const crossEntropy = loss.crossEntropy({ weight: [1, 3] })
      const set = { inputs: noise([8, 3, 64]), targets: alternating(8) }
      const { epochs } = await fitHybrid(net.to(device), set, { ...brief, device, crossEntropy })
      return epochs.at(-1)!.trainLoss
    },
  ],
  ...(['all', 'batch'] as const).map((candidates): [string, (device: Device) => Promise<number>] => [
    `alignment with the images of ${candidates}`,
    async (device) => {
      const sizes = { nChans: 3, nTimes: 24, latentDim: 8, convFilters: [8, 8], convLengths: [5, 3] }
      const net = models.sgdmEegEncoder({ ...sizes, pooledLength: 4, nHeads: 2, hiddenDim: 16, dropProb: 0 })
      const set = { inputs: noise([8, 3, 24]), targets: alternating(8, 4) }
      const { epochs } = await fitAlignment(net.to(device), set, noise([4, 8], 2), { ...brief, device, candidates })
      return epochs.at(-1)!.trainLoss
    },
  ]),
]

describeWithGpu('on a GPU', () => {
  test.each(regimes)('%s learns as on the CPU', async (_, train) => {
    manualSeed(0)
    const expected = await train('cpu')
    manualSeed(0)
    expect((await train('cuda')) / expected).toBeCloseTo(1, 3)
  })

  test('an autoencoder reconstructs and decodes samples there', async () => {
    manualSeed(0)
    const vae = models.vae(vaeSizes)
    const set = { inputs: noise([6, 3, 64]), targets: alternating(6) }
    const placed = { inputs: set.inputs.to('cuda'), targets: set.targets.to('cuda') }
    const [windows, samples] = [await reconstructWindows(vae, set.inputs), await augmentWithSamples(vae, set)]
    vae.to('cuda')
    const near = (a: typeof windows, b: typeof windows) => a.sub(b.to('cpu')).abs().max().item() as number
    expect(near(windows, await reconstructWindows(vae, placed.inputs))).toBeLessThan(1e-4)
    expect(near(samples.inputs, (await augmentWithSamples(vae, placed)).inputs)).toBeLessThan(1e-4)
  })

  test('images of windows are drawn, and turned back, there', () => {
    const eeg = noise([2, 3, 512])
    const images = EegImages.fit(eeg)
    const restored = images.restore(images.draw(eeg), eeg)
    const placed = eeg.to('cuda')
    const there = images.restore(images.draw(placed), placed).to('cpu')
    expect(restored.sub(there).abs().max().item()).toBeLessThan(1e-3)
  })
})
