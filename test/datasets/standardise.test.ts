import { Standardiser, standardiseEach } from 'eegtorch'
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

test('a channel without variation is centred only', () => {
  const flat = windows.with({ data: new Float32Array(12).fill(7) })
  expect([...Standardiser.fit(flat, [0]).apply(flat).data]).toEqual(new Array(12).fill(0))
  expect([...standardiseEach(flat).data]).toEqual(new Array(12).fill(0))
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
