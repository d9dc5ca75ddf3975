import { Standardiser, standardiseEach } from 'eegtorch'
import { standardiseValues } from '../../lib/datasets/standardise.ts'
import { makeWindows } from '../evaluation/make-windows.ts'

const windows = makeWindows(
  [3, 8, 1].map((_, i) => ({ file: 'x', trial: i + 1, start: i * 100 })),
  { nSamples: 4, samples: (i) => [3, 8, 100][i]! },
)
// Windows hold 12 13 14 15, 32 33 34 35 and 400 401 402 403.

test('learns from the windows given and from no other', () => {
  const standardiser = Standardiser.fit(windows, [0, 1])
  expect(standardiser.mean[0]).toBe(23.5)
  expect(standardiser.std[0]).toBeCloseTo(Math.sqrt(101.25), 12)
  const data = standardiser.apply(windows).data
  expect(data[0]).toBeCloseTo(-11.5 / Math.sqrt(101.25), 6)
  expect(data[8]).toBeCloseTo(376.5 / Math.sqrt(101.25), 4)
  expect(windows.data[0]).toBe(12)
})

test('survives JSON', () => {
  const standardiser = Standardiser.fit(windows, [0])
  const again = Standardiser.fromJSON(JSON.parse(JSON.stringify(standardiser)))
  expect([...again.apply(windows).data]).toEqual([...standardiser.apply(windows).data])
})

// Not powers of two: a third, a tenth or a sum of either is rounded.
test.each([1, 7, 0.1, -3e-5, 1e6])('a channel that holds %d throughout is centred only', (level) => {
  const rows = Array.from({ length: 7 }, (_, i) => ({ file: 'x', trial: i + 1, start: i * 100 }))
  const alive = makeWindows(rows, { nSamples: 30 })
  const flat = alive.with({ data: alive.data.map(() => level) })
  const standardiser = Standardiser.fit(flat, [0, 1, 2, 4, 6])
  expect([...standardiser.mean, ...standardiser.std]).toEqual([Math.fround(level), 0])
  expect(new Set(standardiser.apply(flat).data)).toEqual(new Set([0]))
  expect(new Set(standardiseEach(flat).data)).toEqual(new Set([0]))
  // An electrode that lives in what is tested alone keeps its unit.
  expect(standardiser.apply(alive).data[12]).toBeCloseTo(12 - level, 1)
})

test('doubles without variation are centred only', () => {
  for (const length of [10, 1000, 12345]) {
    const values = new Float64Array(length).fill(0.1)
    standardiseValues(values)
    expect(new Set(values)).toEqual(new Set([0]))
  }
})

test('a deviation that is rounding beside the mean scales nothing, one that is small does', () => {
  const rounded = Float64Array.from({ length: 10 }, (_, i) => 0.1 + (i % 2) * 2 ** -56)
  standardiseValues(rounded)
  expect(Math.max(...rounded.map(Math.abs))).toBeLessThan(1e-15)
  // As weights files of older versions hold it.
  const told = Standardiser.fromJSON({ channelNames: ['Cz'], mean: [0.9999999999999999], std: [1.1e-16] })
  expect(told.apply(windows).data[0]).toBe(11)
  // One float32 in ten that is off by its last bit did vary.
  const alive = Float64Array.from({ length: 10 }, (_, i) => (i === 9 ? 1 + 2 ** -23 : 1))
  standardiseValues(alive)
  expect(alive[9]).toBeCloseTo(3, 6)
})

test('each window may have its own scale', () => {
  const { data } = standardiseEach(windows)
  for (const i of [0, 4, 8]) {
    expect([...data.slice(i, i + 4)].map((x) => x * Math.sqrt(1.25))).toEqual(
      [-1.5, -0.5, 0.5, 1.5].map((x) => expect.closeTo(x, 5)),
    )
  }
  const two = { ...windows, channelNames: ['a', 'b'], nSamples: 2 }
  const perWindow = standardiseEach(windows.with(two), { per: 'window' })
  expect([...perWindow.data]).toEqual([...data])
  expect(standardiseEach(windows.with(two), { per: 'channel' }).data[3]).toBeCloseTo(1, 6)
})

test('refuses other channels and no windows', () => {
  const standardiser = Standardiser.fit(windows, [0])
  expect(() => standardiser.apply(windows.with({ channelNames: ['Pz'] }))).toThrow('expected Cz, received Pz')
  expect(() => Standardiser.fit(windows, [])).toThrow('no windows')
  expect(() => new Standardiser(['a'], [1, 2], [1])).toThrow('expected 1 of each, received 2 and 1')
})
