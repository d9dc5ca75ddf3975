import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  type FitOptions,
  type FitResult,
  fitAdversarial,
  fitAlignment,
  fitHybrid,
  fitLatentClassifier,
  fitMapper,
  fitVariational,
  manualSeed,
  models,
  TrainingCheckpoints,
} from 'eegtorch'
import { useOneThread } from '../one-thread.ts'
import { alternating, bytes, noise, smallAdversarial, smallImages } from './networks.ts'

useOneThread()

const folder = mkdtempSync(join(tmpdir(), 'eegtorch-regimes-'))
afterAll(() => rmSync(folder, { recursive: true }))

type Options = Pick<FitOptions, 'batchSize' | 'seed' | 'store' | 'signal' | 'onStep'>
interface Regime {
  nets: { stateDict(): never }[]
  train(options: Options): Promise<FitResult>
}

const mapperSizes = {
  inDim: 5,
  nTokens: 4,
  dModel: 8,
  nHeads: 2,
  feedforwardDim: 12,
  nLayers: 1,
  nQueries: 3,
  clipDim: 6,
}
const encoderSizes = {
  nChans: 3,
  nTimes: 24,
  latentDim: 6,
  convFilters: [4, 6],
  convLengths: [5, 3],
  pooledLength: 4,
  nHeads: 2,
}

function latentClassifier(role: 'trained' | 'frozen'): Regime {
  const { encoder, classifier } = smallAdversarial()
  const set = { inputs: smallImages(), targets: alternating(6) }
  return {
    nets: [encoder, classifier] as never,
    train: (options) => fitLatentClassifier(encoder, classifier, set, { ...options, encoder: role, epochs: 3 }),
  }
}

/** Networks as at the start, and their training: dropout, priors and posteriors draw random numbers. */
const regimes: Record<string, () => Regime> = {
  adversarial() {
    const { classifier: _, ...nets } = smallAdversarial()
    const set = { inputs: smallImages(), targets: smallImages() }
    return {
      nets: Object.values(nets) as never,
      train: (options) => fitAdversarial(nets, set, { ...options, epochs: 3 }),
    }
  },
  'latent classifier': () => latentClassifier('trained'),
  'latent classifier over a frozen encoder': () => latentClassifier('frozen'),
  variational() {
    const vae = models.vae({ nChans: 3, nTimes: 20, hiddenDim: 8, latentDim: 4 })
    const set = { inputs: noise([6, 3, 20]), targets: noise([6, 3, 20]) }
    return { nets: [vae] as never, train: (options) => fitVariational(vae, set, { ...options, epochs: 3 }) }
  },
  hybrid() {
    const sizes = { nChans: 3, nTimes: 40, hiddenDim: 8, latentDim: 4, nFilters: [2, 3], kernelLength: 5 }
    const net = models.vaeConvNet({ ...sizes, poolLength: 3, poolStride: 2 })
    const set = { inputs: noise([6, 3, 40]), targets: alternating(6) }
    return { nets: [net] as never, train: (options) => fitHybrid(net, set, { ...options, epochs: 3 }) }
  },
  mapper() {
    const mapper = models.eegClipMapper({ ...mapperSizes, nOutputs: 3 })
    const set = { inputs: noise([6, 4, 5]), targets: alternating(6, 3) }
    const targets = { imagePrototypes: noise([3, 6], 2), textHidden: noise([3, 3, 6], 3) }
    const phases = { warmUp: { epochs: 1, lr: 5e-3 }, joint: { epochs: 2, lr: 1e-3 } }
    return { nets: [mapper] as never, train: (options) => fitMapper(mapper, set, targets, { ...options, ...phases }) }
  },
  alignment() {
    const encoder = models.sgdmEegEncoder({ ...encoderSizes, hiddenDim: 8 })
    const set = { inputs: noise([6, 3, 24]), targets: alternating(6, 5) }
    return {
      nets: [encoder] as never,
      train: (options) => fitAlignment(encoder, set, noise([5, 6], 2), { ...options, epochs: 3 }),
    }
  },
}

test.each(Object.keys(regimes))('%s: stopped in the middle and resumed, it gives the same bytes', async (name) => {
  const common = { batchSize: 2, seed: 4 }
  const begin = () => {
    manualSeed(1)
    return regimes[name]!()
  }
  const whole = begin()
  await whole.train(common)

  const store = () => new TrainingCheckpoints(join(folder, name))
  for (const steps of [2, 5]) {
    const stop = new AbortController()
    const stopped = begin()
    const onStep: FitOptions['onStep'] = (_, progress) => void (progress.step === steps && stop.abort())
    const run = stopped.train({ ...common, store: store(), signal: stop.signal, onStep })
    await expect(run).rejects.toMatchObject({ code: 'CANCELLED' })
  }
  const resumed = begin()
  // Whatever others draw in the meantime does not matter.
  manualSeed(99)
  const { steps } = await resumed.train({ ...common, store: store() })
  expect(steps).toBe(9)
  expect(bytes(...resumed.nets)).toEqual(bytes(...whole.nets))
})

test('a state is not taken up by a training on other batches', async () => {
  const store = new TrainingCheckpoints(join(folder, 'other-batches'), { everyEpochs: 1 })
  const { encoder, classifier } = smallAdversarial()
  const set = { inputs: smallImages(), targets: alternating(6) }
  const options = { encoder: 'frozen', epochs: 1, seed: 4, store } as const
  await fitLatentClassifier(encoder, classifier, set, { ...options, batchSize: 2 })
  await expect(fitLatentClassifier(encoder, classifier, set, { ...options, batchSize: 3 })).rejects.toMatchObject({
    code: 'INVALID_OPTION',
    message: expect.stringMatching(/expected 3 batches an epoch.*received 2/),
  })
})
