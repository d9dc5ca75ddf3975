import { Random } from 'eegtorch'

// Output of the reference implementation's demonstration (pcg-c-basic, pcg32-demo: seed 42, stream 54).
const PUBLISHED = [0xa15c02b7, 0x7b47f409, 0xba1d3330, 0x83d2f293, 0xbfa4784b, 0xcbed606e]

/** The generator as its paper writes it, in 64-bit arithmetic. */
function* reference(seed: bigint, stream: bigint): Generator<number> {
  const mask = (1n << 64n) - 1n
  const increment = ((stream << 1n) | 1n) & mask
  const next = (state: bigint) => (state * 6364136223846793005n + increment) & mask
  for (let state = next((next(0n) + seed) & mask); ; state = next(state)) {
    const word = (((state >> 18n) ^ state) >> 27n) & 0xffffffffn
    const turn = state >> 59n
    yield Number(((word >> turn) | (word << (-turn & 31n))) & 0xffffffffn)
  }
}

test('gives the published numbers', () => {
  const random = new Random(42, 54)
  expect(PUBLISHED.map(() => random.uint32())).toEqual(PUBLISHED)
})

test.each([
  [0, 0],
  [1, 54],
  [2 ** 53 - 1, 2 ** 53 - 1],
  [0xffffffff, 0x80000001],
  [123456789012345, 7],
])('agrees with 64-bit arithmetic for seed %d, stream %d', (seed, stream) => {
  const random = new Random(seed, stream)
  const expected = reference(BigInt(seed), BigInt(stream))
  for (let i = 0; i < 2000; i++) expect(random.uint32()).toBe(expected.next().value)
})

test('numbers below n are uniform, normals have mean 0 and variance 1', () => {
  const random = new Random(1)
  const counts = new Array<number>(7).fill(0)
  for (let i = 0; i < 70_000; i++) counts[random.below(7)]!++
  // Chi-square with 6 degrees of freedom stays below 22.5 in 99.9 % of samples.
  expect(counts.reduce((sum, n) => sum + (n - 10_000) ** 2 / 10_000, 0)).toBeLessThan(22.5)
  const normals = Array.from({ length: 100_000 }, () => random.normal())
  const mean = normals.reduce((a, b) => a + b) / normals.length
  const variance = normals.reduce((sum, x) => sum + (x - mean) ** 2, 0) / normals.length
  expect(Math.abs(mean)).toBeLessThan(0.0125)
  expect(Math.abs(variance - 1)).toBeLessThan(0.02)
})

test('a shuffle keeps every item, is seeded, and reaches every order', () => {
  expect(new Random(3).shuffle('abcdef').sort().join('')).toBe('abcdef')
  expect(new Random(3).shuffle([1, 2, 3, 4, 5])).toEqual(new Random(3).shuffle([1, 2, 3, 4, 5]))
  const random = new Random(5)
  const orders = new Map<string, number>()
  for (let i = 0; i < 12_000; i++) {
    const order = random.shuffle('abc').join('')
    orders.set(order, (orders.get(order) ?? 0) + 1)
  }
  expect(orders.size).toBe(6)
  for (const n of orders.values()) expect(Math.abs(n - 2000)).toBeLessThan(200)
})

test.each([-1, 0.5, Number.NaN, 2 ** 53])('refuses the seed %d', (seed) => {
  expect(() => new Random(seed)).toThrow('the seed is not usable')
})

test.each([0, -1, 2.5, 2 ** 32 + 1, Number.NaN, Number.POSITIVE_INFINITY])('no number is below %d', (n) => {
  expect(() => new Random(1).below(n)).toThrow(`expected a whole number from 1 to 2^32, received ${n}`)
})

test('bounds of 1 and 2^32 and a list of one item are drawn from, an empty list is not', () => {
  const [random, same] = [new Random(1), new Random(1)]
  expect(random.below(2 ** 32)).toBe(same.uint32())
  expect([random.below(1), random.pick(['a'])]).toEqual([0, 'a'])
  expect(() => random.pick([])).toThrow('nothing to pick from')
})
