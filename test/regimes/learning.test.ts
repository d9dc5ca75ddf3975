import {
  augmentWithSamples,
  type EegTorchError,
  type EpochFigures,
  encodeImages,
  fitAdversarial,
  fitAlignment,
  fitHybrid,
  fitLatentClassifier,
  fitMapper,
  fitVariational,
  manualSeed,
  models,
  optim,
  reconstructImages,
  reconstructWindows,
  retrieveImages,
  type Tensor,
  VaeClassifier,
} from 'eegtorch'
import { useOneThread } from '../one-thread.ts'
import { alternating, bytes, noise, smallAdversarial, smallImages } from './networks.ts'

useOneThread()

const meanSquare = (a: Tensor, b: Tensor) => a.sub(b).square().mean().item() as number
const fast = { batchSize: 6, epochs: 40 }

describe('adversarial', () => {
  test('learns six images by heart, and its codes tell classes', async () => {
    const { classifier, ...nets } = smallAdversarial()
    const images = smallImages()
    const set = { inputs: images, targets: images.clone() }
    const before = meanSquare(await reconstructImages(nets, images), images)
    const told: number[] = []
    await fitAdversarial(nets, set, {
      ...fast,
      epochs: 100,
      lr: 1e-3,
      adversarialWeight: 0.01,
      onStep: ({ discriminatorLoss }) => void told.push(discriminatorLoss),
    })
    expect(meanSquare(await reconstructImages(nets, images), images)).toBeLessThan(before / 6)
    expect(told).toHaveLength(100)
    expect(Math.max(...told)).toBeLessThan(5)

    const encoder = bytes(nets.encoder)
    const labelled = { inputs: images, targets: alternating(6) }
    const last = { epochs: 40, batchSize: 6, lr: 1e-2 }
    const frozen = await fitLatentClassifier(nets.encoder, classifier, labelled, { ...last, encoder: 'frozen' })
    expect(frozen.epochs.at(-1)!.trainAccuracy).toBe(1)
    expect(bytes(nets.encoder)).toEqual(encoder)
    const trained = await fitLatentClassifier(nets.encoder, classifier, labelled, { ...last, encoder: 'trained' })
    expect(trained.epochs.at(-1)!.trainAccuracy).toBe(1)
    expect(bytes(nets.encoder)).not.toEqual(encoder)
  })

  test('a frozen encoder is watched on codes of the validation images', async () => {
    const { encoder, classifier } = smallAdversarial()
    const labelled = { inputs: smallImages(), targets: alternating(6) }
    const options = { epochs: 2, batchSize: 6, encoder: 'frozen' as const, validation: labelled }
    const { epochs } = await fitLatentClassifier(encoder, classifier, labelled, options)
    expect(epochs.map(({ validationLoss }) => typeof validationLoss)).toEqual(['number', 'number'])
  })

  test('codes are those of evaluation mode', async () => {
    const { encoder } = smallAdversarial()
    const images = smallImages()
    const codes = await encodeImages(encoder, images)
    expect(codes.requiresGrad).toBe(false)
    expect(meanSquare(codes, encoder.eval().forward(images))).toBe(0)
  })
})

describe('variational', () => {
  const small = { nChans: 3, nTimes: 20, hiddenDim: 32, latentDim: 6 }

  test('learns six windows by heart; beta draws the posterior to the prior', async () => {
    manualSeed(0)
    const eeg = noise([6, 3, 20])
    const fitted = async (beta: number) => {
      const vae = models.vae(small)
      await fitVariational(
        vae,
        { inputs: eeg, targets: eeg.clone() },
        { ...fast, optimizer: optim.adam({ lr: 1e-2 }), beta },
      )
      const { mu } = vae.eval().run({ eeg, noise: noise([6, 6]).mul(0) })
      return { vae, mu: mu.square().mean().item() as number }
    }
    const { vae, mu } = await fitted(0.01)
    expect(meanSquare(await reconstructWindows(vae, eeg), eeg)).toBeLessThan(0.05)
    expect((await fitted(1000)).mu).toBeLessThan(mu / 100)
  })

  test('decoded samples keep the targets of the examples that they are drawn around', async () => {
    manualSeed(0)
    const vae = models.vae(small)
    const set = { inputs: noise([6, 3, 20]), targets: alternating(6, 3) }
    const whole = await augmentWithSamples(vae, set, { copies: 2, seed: 3 })
    expect([whole.inputs.shape, whole.targets.toArray()]).toEqual([[18, 3, 20], new Array(6).fill([0, 1, 2]).flat()])
    expect(meanSquare(whole.inputs.narrow(0, 0, 6), set.inputs)).toBe(0)
    expect(meanSquare(whole.inputs.narrow(0, 6, 6), whole.inputs.narrow(0, 12, 6))).toBeGreaterThan(0)
    const again = await augmentWithSamples(vae, set, { copies: 2, seed: 3 })
    expect(meanSquare(again.inputs, whole.inputs)).toBe(0)
    const still = await augmentWithSamples(vae, set, { spread: 0 })
    expect(meanSquare(still.inputs.narrow(0, 6, 6), await reconstructWindows(vae, set.inputs))).toBe(0)
  })

  const sizes = { ...small, nTimes: 64 }
  test.each([
    [
      'vae_conv_net',
      () => models.vaeConvNet({ ...sizes, nOutputs: 2, nFilters: [4, 8], kernelLength: 9, dropProb: 0 }),
    ],
    [
      'a VAE in front of cnn_rnn',
      () => new VaeClassifier(models.vae(sizes), models.cnnRnn({ nChans: 3, nTimes: 64, nOutputs: 2 })),
    ],
  ])('%s learns classes of eight windows', async (_, make) => {
    manualSeed(0)
    const set = { inputs: noise([8, 3, 64]), targets: alternating(8) }
    const net = make()
    const { epochs } = await fitHybrid(net, set, { epochs: 30, batchSize: 8, optimizer: optim.adam({ lr: 1e-2 }) })
    const best = Math.max(...epochs.map(({ trainAccuracy }: EpochFigures) => trainAccuracy!))
    expect(best).toBe(1)
  })

  test('an impossible annealing is refused', () => {
    const set = { inputs: noise([2, 3, 20]), targets: noise([2, 3, 20]) }
    const annealing = () => fitVariational(models.vae(small), set, { epochs: 1, annealing: 2 })
    expect(annealing).toThrow('annealing is out of range: expected 0 to 1, received 2')
  })
})

test('mapper: learns the classes of six windows', async () => {
  manualSeed(0)
  const sizes = { inDim: 5, nTokens: 4, dModel: 16, nHeads: 2, feedforwardDim: 16, nLayers: 1, nQueries: 3, clipDim: 8 }
  const mapper = models.eegClipMapper({ ...sizes, nOutputs: 3 })
  const set = { inputs: noise([6, 4, 5]), targets: alternating(6, 3) }
  const targets = { imagePrototypes: noise([3, 8], 2), textHidden: noise([3, 3, 8], 3) }
  const phases = { warmUp: { epochs: 24, lr: 1e-2 }, joint: { epochs: 8, lr: 2e-3 } }
  const { epochs } = await fitMapper(mapper, set, targets, { ...phases, batchSize: 6, validation: set })
  expect(epochs.at(-1)!.validationAccuracy).toBe(1)
  expect(epochs.at(-1)!.validationLoss).toBeLessThan(epochs[0]!.validationLoss! / 2)
})

describe('alignment', () => {
  const sizes = {
    nChans: 3,
    nTimes: 24,
    latentDim: 8,
    convFilters: [8, 8],
    convLengths: [5, 3],
    pooledLength: 4,
    nHeads: 2,
  }
  const encoder = () => models.sgdmEegEncoder({ ...sizes, hiddenDim: 16, dropProb: 0 })

  test.each(['all', 'batch'] as const)('finds the image of each window, candidates: %s', async (candidates) => {
    manualSeed(0)
    const net = encoder()
    const set = { inputs: noise([6, 3, 24]), targets: alternating(6, 6) }
    const images = noise([6, 8], 2)
    await fitAlignment(net, set, images, { epochs: 60, batchSize: 6, optimizer: optim.adam({ lr: 1e-2 }), candidates })
    expect(await retrieveImages(net, set, images)).toMatchObject({
      top1: 1,
      top5: 1,
      images: 6,
      ranks: [1, 1, 1, 1, 1, 1],
    })
  })

  test('ranks count the images that are nearer', async () => {
    const net = encoder()
    const set = { inputs: noise([1, 3, 24]), targets: alternating(1) }
    const latent = net.eval().forward(set.inputs).detach()
    const images = latent.mul(-1).expand([7, -1]).clone()
    images.select(0, 0).copy_(noise([8])) // the right one: neither as near as these two nor as far as the others
    for (const row of [2, 5]) images.select(0, row).copy_(latent.select(0, 0))
    expect(await retrieveImages(net, set, images)).toMatchObject({ ranks: [3], top1: 0, top5: 1 })
  })

  test('embeddings of another width are refused', () => {
    const set = { inputs: noise([2, 3, 24]), targets: alternating(2) }
    let thrown: EegTorchError | undefined
    try {
      fitAlignment(encoder(), set, noise([2, 9]), { epochs: 1 })
    } catch (error) {
      thrown = error as EegTorchError
    }
    expect(thrown).toMatchObject({
      code: 'SHAPE_MISMATCH',
      expected: '(images, 8): latentDim of the encoder',
      received: '(2, 9)',
    })
  })
})
