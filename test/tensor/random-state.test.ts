import { readFileSync } from 'node:fs'
import {
  empty,
  full,
  Generator,
  manualSeed,
  ones,
  ops,
  rand,
  randint,
  randn,
  randomState,
  randperm,
  setRandomState,
  type Tensor,
  tensor,
} from 'eegtorch'

interface Case {
  sampler: string
  seed: number
  values: number[]
}

const cases: Case[] = JSON.parse(readFileSync(new URL('../fixtures/tensors/random.json', import.meta.url), 'utf8'))

const samplers: Record<string, () => Tensor> = {
  randn: () => randn([20]),
  randnDouble: () => randn([5], { dtype: 'float64' }),
  rand: () => rand([4]),
  randint: () => randint(-3, 50, [6]),
  randperm: () => randperm(9),
  bernoulli: () => full([8], 0.3).bernoulli(),
  exponential: () => empty([4]).exponential_(2),
  dropout: () => ops.aten.dropout(ones([10]), 0.4, true),
  multinomial: () => tensor([0.1, 0.2, 0.7]).multinomial(6, true),
  uniform: () => empty([4]).uniform_(-2, 3),
  normal: () => empty([17]).normal_(1, 0.5),
  poisson: () => tensor([0.5, 4, 20]).poisson(),
}

test.each(cases.map((c) => [c.sampler, c.seed, c] as const))(
  '%s after seed %d gives the numbers of PyTorch',
  (_, __, c) => {
    manualSeed(c.seed)
    expect(samplers[c.sampler]!().toArray()).toEqual(c.values)
  },
)

test('a saved state gives the same numbers again', () => {
  randn([7])
  const state = randomState()
  const first = [randn([20]).toArray(), rand([3]).toArray()]
  setRandomState(state)
  expect([randn([20]).toArray(), rand([3]).toArray()]).toEqual(first)
})

test('what is no state is refused', () => {
  expect(() => setRandomState(ones([3]))).toThrow(
    expect.objectContaining({ name: expect.stringContaining('EegTorchError') }),
  )
  expect(() => setRandomState(ones([3], { dtype: 'uint8' }))).toThrow(/RNG state/)
})

test('a generator of its own leaves the default one alone', () => {
  manualSeed(3)
  const expected = randn([4]).toArray()
  manualSeed(3)
  const own = randn([4], { generator: new Generator(3) }).toArray()
  expect(randn([4]).toArray()).toEqual(expected)
  expect(own).toEqual(expected)
})
