import {
  arange,
  gradcheck,
  losses,
  manualSeed,
  rand,
  randint,
  randn,
  record,
  type Tensor,
  tensor,
  zeros,
} from 'eegtorch'
import { errorOf } from '../thrown.ts'

beforeEach(() => manualSeed(0))

const wide = { dtype: 'float64' } as const
const trained = (x: Tensor) => {
  x.requiresGrad = true
  return x
}

test('InfoNCE prefers the right candidate, and its gradient is the numerical one', () => {
  const candidates = tensor([
    [1, 0],
    [0, 1],
  ])
  const right = losses.infoNce(candidates, candidates, arange(0, 2, 1, { dtype: 'int64' }))
  const wrong = losses.infoNce(candidates, candidates, tensor([1, 0], { dtype: 'int64' }))
  // cross entropy of the similarities 1 and 0 over the temperature 0.5
  expect(right.item()).toBeCloseTo(Math.log(1 + Math.exp(-2)), 6)
  expect(wrong.item()).toBeCloseTo(Math.log(1 + Math.exp(2)), 6)
  const [a, b] = [randn([3, 4], wide), randn([5, 4], wide)]
  const labels = randint(0, 5, [3])
  expect(gradcheck((x, y) => losses.infoNce(x, y, labels, { temperature: 0.2 }), [trained(a), trained(b)])).toBe(true)
})

test('the terms of each loss add up, weighted', () => {
  const [image, eeg] = [rand([2, 1, 4, 4]), randn([2, 3, 5])]
  const inputs = { reconstruction: rand([2, 1, 4, 4]), image, fakeLogit: randn([2, 1]) }
  const autoencoder = losses.aaeAutoencoder(inputs, { adversarialWeight: 2 })
  const { reconstructionError, adversarial } = autoencoder
  expect(autoencoder.loss.item()).toBeCloseTo(
    (reconstructionError.item() as number) + 2 * (adversarial.item() as number),
    5,
  )
  const perfect = losses.vae({ reconstruction: eeg, eeg, mu: zeros([2, 3]), logvar: zeros([2, 3]) })
  expect([perfect.loss.item(), perfect.reconstructionError.item(), perfect.kl.item()]).toEqual([0, 0, 0])
  const shifted = losses.vae(
    { reconstruction: eeg.add(1), eeg, mu: zeros([2, 3]).add(2), logvar: zeros([2, 3]) },
    { beta: 3 },
  )
  expect(shifted.reconstructionError.item()).toBeCloseTo(15, 4)
  expect(shifted.kl.item()).toBeCloseTo(6, 5)
  expect(shifted.loss.item()).toBeCloseTo(33, 4)
})

test('large logits do not overflow the discriminator', () => {
  const sure = tensor([[1000]])
  expect(losses.aaeDiscriminator(sure, sure.neg()).item()).toBe(0)
  expect(losses.aaeDiscriminator(sure.neg(), sure).item()).toBe(2000)
})

function mapperInputs() {
  return {
    encoderHiddenStates: trained(randn([3, 4, 6])),
    promptEmbeds: trained(randn([3, 6])),
    classLogits: trained(randn([3, 5])),
    labels: randint(0, 5, [3]),
    imagePrototypes: randn([5, 6]),
  }
}

test('the warm-up phase of the mapper needs no text embeddings', () => {
  const inputs = mapperInputs()
  const warm = losses.mapper(inputs, { lambdaMse: 0 })
  warm.loss.backward()
  expect(warm.mse.item()).toBe(0)
  expect(inputs.encoderHiddenStates.grad).toBeNull()
  expect(inputs.promptEmbeds.grad!.abs().sum().item()).toBeGreaterThan(0)
  const joint = losses.mapper({ ...inputs, textHidden: randn([5, 4, 6]) })
  joint.loss.backward()
  expect(joint.loss.item()).toBeGreaterThan(warm.loss.item() as number)
  expect(inputs.encoderHiddenStates.grad!.abs().sum().item()).toBeGreaterThan(0)
  expect(errorOf(() => losses.mapper(inputs))).toMatchObject({ code: 'INVALID_OPTION', option: 'lambdaMse' })
})

test('a recorded function may compute a loss', () => {
  const discriminate = record((real: Tensor, fake: Tensor) => losses.aaeDiscriminator(real, fake))
  for (let i = 0; i < 3; i++) {
    const [real, fake] = [randn([4, 1]), randn([4, 1])]
    expect(discriminate(real, fake).item()).toBe(losses.aaeDiscriminator(real, fake).item())
  }
  expect(discriminate.recordings).toBe(1)
})

test('tensors that do not fit each other are refused by the name of the loss', () => {
  const [a, b] = [randn([3, 4]), randn([3, 5])]
  const labels = randint(0, 3, [3])
  expect(errorOf(() => losses.cosine(a, b))).toMatchObject({
    code: 'SHAPE_MISMATCH',
    message: 'cosine_loss expects (3 batch, 4 dim), received (3, 5)',
  })
  expect(errorOf(() => losses.infoNce(a, b, labels))).toMatchObject({ code: 'SHAPE_MISMATCH' })
  expect(errorOf(() => losses.infoNce(a, a, randn([3])))).toMatchObject({ code: 'DTYPE_MISMATCH', expected: 'int64' })
  expect(errorOf(() => losses.infoNce(a, a, randint(0, 3, [2])))).toMatchObject({ code: 'SHAPE_MISMATCH' })
  expect(errorOf(() => losses.infoNce(a, a, labels.add(7)))).toMatchObject({ code: 'LIBTORCH' })
  const latent = { mu: zeros([3, 2]), logvar: zeros([3, 1]) }
  expect(errorOf(() => losses.vae({ reconstruction: a, eeg: a, ...latent }))).toMatchObject({ code: 'SHAPE_MISMATCH' })
  const logits = { fakeLogit: zeros([3, 1]) }
  expect(errorOf(() => losses.aaeAutoencoder({ reconstruction: a, image: b, ...logits }))).toMatchObject({
    message: 'aae_autoencoder_loss expects (3, 4), received (3, 5)',
  })
  expect(errorOf(() => losses.cosine(a, a.to({ dtype: 'float64' })))).toMatchObject({ code: 'DTYPE_MISMATCH' })
})

test('options out of range are named as they are written', () => {
  const x = randn([2, 3])
  expect(errorOf(() => losses.infoNce(x, x, arange(0, 2, 1, { dtype: 'int64' }), { temperature: 0 }))).toMatchObject({
    option: 'temperature',
  })
  expect(errorOf(() => losses.cosine(x, x, { eps: Number.NaN }))).toMatchObject({ option: 'eps' })
  const inputs = { reconstruction: x, image: x, fakeLogit: x }
  expect(errorOf(() => losses.aaeAutoencoder(inputs, { adversarialWeight: -1 }))).toMatchObject({
    code: 'INVALID_OPTION',
    option: 'adversarialWeight',
    message:
      'aae_autoencoder_loss: option adversarialWeight is out of range: expected a number, 0 or above, received -1',
  })
  expect(errorOf(() => losses.cosine(x, x, { epsilon: 1 } as never))).toMatchObject({ code: 'INVALID_OPTION' })
})
