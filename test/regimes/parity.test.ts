import { fileURLToPath } from 'node:url'
import {
  DataLoader,
  type FitOptions,
  fitAdversarial,
  fitAlignment,
  fitHybrid,
  fitLatentClassifier,
  fitMapper,
  fitVariational,
  type Model,
  models,
  optim,
  readSafetensors,
  type Tensor,
} from 'eegtorch'
import { useOneThread } from '../one-thread.ts'

// What PyTorch does in the first steps of each regime; see make_regimes.py beside the file.
const file = readSafetensors(fileURLToPath(new URL('../fixtures/regimes/regimes.safetensors', import.meta.url)))
const { cases, orders, seed } = JSON.parse(file.metadata.get('regimes')!)
const adam = optim.adam({ lr: 1e-2 })

let tensors: Map<string, Tensor>
useOneThread()
beforeAll(async () => {
  tensors = await file.loadAll({ copy: true })
})

/** A regime's tensors below a name: `start.encoder`. */
function below(regime: string, part: string): Map<string, Tensor> {
  const prefix = `${regime}.${part}.`
  const chosen = [...tensors].filter(([name]) => name.startsWith(prefix))
  return new Map(chosen.map(([name, tensor]) => [name.slice(prefix.length), tensor]))
}

/** Networks with the weights that the reference started with, in its precision. */
function begin<N extends Record<string, Model>>(regime: string, nets: N): N {
  for (const [part, net] of Object.entries(nets))
    net.to({ dtype: 'float64' }).loadStateDict(below(regime, `start.${part}`))
  return nets
}

function get(regime: string, name: string): Tensor {
  return tensors.get(`${regime}.${name}`)!
}

function options(regime: string) {
  const losses: number[] = []
  const common = { epochs: 2, batchSize: 2, seed, onStep: ({ loss }) => void losses.push(loss) } satisfies FitOptions
  return { losses, config: ours(cases[regime].config), common }
}

function ours(config: object): never {
  const camel = (name: string) => name.replaceAll(/_([a-z])/g, (_, letter) => letter.toUpperCase())
  return Object.fromEntries(Object.entries(config).map(([name, value]) => [camel(name), value])) as never
}

function largestDifference(received: Iterable<number>, expected: ArrayLike<number>): number {
  return Math.max(...Array.from(received, (value, i) => Math.abs(value - expected[i]!)))
}

function expectSame(regime: string, losses: number[], nets: Record<string, Model>): void {
  expect(losses).toHaveLength(cases[regime].losses.length)
  expect(largestDifference(losses, cases[regime].losses)).toBeLessThan(1e-5)
  for (const [part, net] of Object.entries(nets)) {
    const expected = below(regime, `end.${part}`)
    for (const [name, tensor] of Object.entries(net.stateDict())) {
      const values = (each: Tensor) => Array.from(each.toTypedArray() as ArrayLike<number | bigint>, Number)
      const far = largestDifference(values(tensor), values(expected.get(name)!)) > 1e-5
      expect({ part, name, far }).toEqual({ part, name, far: false })
    }
  }
}

test('the loader draws the batches that the reference was given', () => {
  const set = { inputs: get('adversarial', 'image'), targets: get('adversarial', 'image') }
  const loader = new DataLoader(set, { batchSize: 6, shuffle: true, seed })
  expect([loader.order(0)[0], loader.order(1)[0]]).toEqual(orders)
})

test('adversarial: discriminator, then autoencoder', async () => {
  const { losses, common } = options('adversarial')
  const { image_size: imageSize, latent_dim: latentDim, hidden_dims: hiddenDims } = cases.adversarial.config
  const nets = begin('adversarial', {
    encoder: models.aaeEncoder({ imageSize, latentDim, width: 2 }),
    decoder: models.aaeDecoder({ imageSize, latentDim, width: 2 }),
    discriminator: models.aaeDiscriminator({ latentDim, hiddenDims }),
  })
  const set = { inputs: get('adversarial', 'given'), targets: get('adversarial', 'image') }
  await fitAdversarial(nets, set, { ...common, lr: 1e-2 })
  expectSame('adversarial', losses, nets)
})

test('classifier of codes, the encoder trained along', async () => {
  const { losses, common } = options('classifier')
  const { encoder, classifier } = cases.classifier.config
  const nets = begin('classifier', {
    0: models.aaeEncoder(ours(encoder)),
    1: models.latentCnnClassifier(ours(classifier)),
  })
  const set = { inputs: get('classifier', 'image'), targets: get('classifier', 'labels') }
  await fitLatentClassifier(nets[0], nets[1], set, { ...common, lr: 1e-2 })
  expectSame('classifier', losses, nets)
})

test('variational: the KL divergence comes in over the first half', async () => {
  const { losses, common, config } = options('variational')
  const nets = begin('variational', { vae: models.vae(config) })
  const set = { inputs: get('variational', 'given'), targets: get('variational', 'eeg') }
  await fitVariational(nets.vae, set, { ...common, optimizer: adam, beta: 2, annealing: 0.5 })
  expectSame('variational', losses, nets)
})

test('hybrid: autoencoder and classifier together', async () => {
  const { losses, common, config } = options('hybrid')
  const nets = begin('hybrid', { net: models.vaeConvNet(config) })
  const set = { inputs: get('hybrid', 'eeg'), targets: get('hybrid', 'labels') }
  await fitHybrid(nets.net, set, { ...common, optimizer: adam, beta: 2, annealing: 0.5 })
  expectSame('hybrid', losses, nets)
})

test('mapper: warm-up, then joint, each with its learning rate', async () => {
  const { losses, common, config } = options('mapper')
  const nets = begin('mapper', { mapper: models.eegClipMapper(config) })
  const set = { inputs: get('mapper', 'tokens'), targets: get('mapper', 'labels') }
  const targets = { imagePrototypes: get('mapper', 'table_images'), textHidden: get('mapper', 'table_texts') }
  const phases = { warmUp: { epochs: 1, lr: 5e-3 }, joint: { epochs: 1, lr: 1e-3 } }
  await fitMapper(nets.mapper, set, targets, { ...common, ...phases })
  expectSame('mapper', losses, nets)
})

test.each(['all', 'batch'] as const)('alignment with candidates of %s', async (candidates) => {
  const regime = `alignment-${candidates}`
  const { losses, common, config } = options(regime)
  const nets = begin(regime, { encoder: models.sgdmEegEncoder(config) })
  const set = { inputs: get(regime, 'eeg'), targets: get(regime, 'images') }
  await fitAlignment(nets.encoder, set, get(regime, 'table'), { ...common, optimizer: adam, candidates })
  expectSame(regime, losses, nets)
})
