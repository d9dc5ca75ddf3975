import { asyncSignal, full, randn, signal, type Tensor, tensor } from 'eegtorch'

const NAMES = ['Fp1', 'Fp2', 'F3', 'Fz', 'F4', 'C3', 'Cz', 'C4', 'P3', 'Pz', 'P4', 'O1', 'O2']
const x = randn([2, NAMES.length, 50], { dtype: 'float64' })

function distance(actual: Tensor, expected: Tensor): number {
  const largest = (values: Tensor) => values.abs().max().item() as number
  return largest(actual.sub(expected)) / largest(expected)
}

test('references and differences of channels', () => {
  expect(signal.rereference(x).mean(-2).abs().max().item()).toBeLessThan(1e-15)
  const linked = signal.rereference(x, [0, 12])
  expect(
    distance(linked.select(-2, 5), x.select(-2, 5).sub(x.select(-2, 0).add(x.select(-2, 12)).div(2))),
  ).toBeLessThan(1e-15)
  const pairs = signal.bipolar(x, [
    [5, 6],
    [6, 7],
  ])
  expect(pairs.shape).toEqual([2, 2, 50])
  expect(distance(pairs.sum(-2), x.select(-2, 5).sub(x.select(-2, 7)))).toBeLessThan(1e-14)
})

test('a bad channel is what its neighbours say, whatever it held', () => {
  const same = full([NAMES.length, 4], 7, { dtype: 'float64' })
  same.select(0, 6).fill_(Number.NaN)
  const repaired = signal.interpolateChannels(same, [6], NAMES)
  expect(distance(repaired, full([NAMES.length, 4], 7, { dtype: 'float64' }))).toBeLessThan(1e-9)
  expect(signal.interpolateChannels(x, [], NAMES).equal(x)).toBe(true)
  // each recording of a batch by itself, the good channels as they were
  const both = signal.interpolateChannels(x, [6, 0], NAMES)
  expect(distance(both.select(0, 1), signal.interpolateChannels(x.select(0, 1), [0, 6], NAMES))).toBeLessThan(1e-12)
  expect(both.narrow(-2, 1, 5).equal(x.narrow(-2, 1, 5))).toBe(true)
})

test('current density does not depend on the reference', () => {
  const density = signal.currentSourceDensity(x, NAMES)
  expect(distance(signal.currentSourceDensity(signal.rereference(x, [3]), NAMES), density)).toBeLessThan(1e-9)
  expect(distance(signal.currentSourceDensity(x, NAMES, { radius: 0.19 }).mul(4), density)).toBeLessThan(1e-12)
})

test('a topography has its electrodes where they are', () => {
  const values = tensor(Float64Array.from(NAMES, (name) => (name === 'C4' ? 1 : 0)))
  const picture = signal.topography(values, NAMES, { size: [65, 65], outside: -9 })
  expect(picture.shape).toEqual([65, 65])
  const brightest = picture.argmax().item() as number
  const [row, column] = [Math.floor(brightest / 65), brightest % 65]
  expect(Math.abs(row - 32)).toBeLessThan(6)
  expect(column).toBeGreaterThan(44)
  expect(picture.select(0, 0).select(0, 0).item()).toBe(-9)
  // the nose is up: what is in front is in the upper half
  const front = tensor(Float64Array.from(NAMES, (name) => Number(name.startsWith('F'))))
  const map = signal.topography(front, NAMES, { size: [64, 32] })
  expect(map.narrow(0, 0, 32).mean().item()).toBeGreaterThan(map.narrow(0, 32, 32).mean().item() as number)
  expect(signal.topography(x.transpose(1, 2), NAMES).shape).toEqual([2, 50, 64, 64])
})

test('what is projected out is gone, and gone once', () => {
  const { directions, shares } = signal.powerDirections(x, 2)
  expect(directions.shape).toEqual([2, NAMES.length])
  expect((shares.toArray() as number[])[0]!).toBeGreaterThan((shares.toArray() as number[])[1]!)
  const clean = signal.projectOut(x, directions)
  expect(directions.matmul(clean).abs().max().item()).toBeLessThan(1e-13)
  // the same direction twice, and of another length, is one direction
  const twice = tensor(
    [
      [1, 0],
      [5, 0],
    ],
    { dtype: 'float64' },
  ).matmul(directions)
  expect(distance(signal.projectOut(x, twice), signal.projectOut(x, directions.narrow(0, 0, 1)))).toBeLessThan(1e-13)
  expect(distance(signal.projectOut(x.select(0, 1), directions), clean.select(0, 1))).toBeLessThan(1e-13)
})

test('aligned trials have the identity for a mean covariance', async () => {
  const trials = randn([9, 5, 80], { dtype: 'float64' })
  const { aligned } = signal.euclideanAlignment(trials)
  const mean = signal.euclideanReference(aligned)
  expect(distance(mean, mean.mul(0).fill_diagonal_(1))).toBeLessThan(1e-12)

  const calibrated = signal.euclideanAlignment(trials, { calibration: 4 })
  expect(distance(calibrated.reference, signal.euclideanReference(trials.narrow(0, 0, 4)))).toBeLessThan(1e-15)
  expect(distance(calibrated.aligned, signal.alignTo(trials, calibrated.reference))).toBeLessThan(1e-15)

  // running: a trial knows nothing of those after it
  const running = await asyncSignal.euclideanAlignment(trials, { mode: 'running' })
  const first = signal.euclideanAlignment(trials.narrow(0, 0, 6), { mode: 'running' })
  expect(distance(running.aligned.narrow(0, 0, 6), first.aligned)).toBeLessThan(1e-14)
  expect(distance(running.reference.select(0, 8), signal.euclideanReference(trials))).toBeLessThan(1e-14)
})

test('an average reference takes a direction away, which alignment leaves empty', () => {
  const trials = signal.rereference(randn([9, 5, 80], { dtype: 'float64' }))
  const { aligned } = signal.euclideanAlignment(trials)
  expect(aligned.sum(-2).abs().max().item()).toBeLessThan(1e-9)
  expect(aligned.abs().max().item()).toBeLessThan(10)
})

test('float32 gives float32', () => {
  const single = x.to('float32')
  const results: [Tensor, Tensor][] = [
    [signal.rereference(single), signal.rereference(x)],
    [signal.currentSourceDensity(single, NAMES), signal.currentSourceDensity(x, NAMES)],
    [signal.interpolateChannels(single, [2], NAMES), signal.interpolateChannels(x, [2], NAMES)],
    [signal.euclideanAlignment(single).aligned, signal.euclideanAlignment(x).aligned],
    [
      signal.projectOut(single, signal.powerDirections(single, 1).directions),
      signal.projectOut(x, signal.powerDirections(x, 1).directions),
    ],
  ]
  for (const [actual, expected] of results) {
    expect(actual.dtype).toBe('float32')
    expect(distance(actual.to('float64'), expected)).toBeLessThan(1e-4)
  }
})

test.each([
  ['reference', () => signal.rereference(x, [13])],
  ['reference', () => signal.rereference(x, [1, 1])],
  ['pairs', () => signal.bipolar(x, [[0, 13]])],
  ['pairs', () => signal.bipolar(x, [])],
  ['bad', () => signal.interpolateChannels(x, [-1], NAMES)],
  ['bad', () => signal.interpolateChannels(x, [...NAMES.keys()], NAMES)],
  ['positions', () => signal.topography(x, ['nowhere'])],
  [
    'positions',
    () =>
      signal.currentSourceDensity(x.narrow(1, 0, 2), [
        [0, 0, 0],
        [0, 0, 1],
      ]),
  ],
  ['radius', () => signal.currentSourceDensity(x, NAMES, { radius: 0 })],
  ['regularization', () => signal.currentSourceDensity(x, NAMES, { regularization: 1 })],
  ['count', () => signal.powerDirections(x, 14)],
  ['mode', () => signal.euclideanAlignment(x, { mode: 'online' as never })],
  ['calibration', () => signal.euclideanAlignment(x, { calibration: 3 })],
  ['calibration', () => signal.euclideanAlignment(x, { mode: 'running', calibration: 1 })],
])('refuses a wrong %s', (option, run) => {
  expect(run).toThrow(expect.objectContaining({ code: 'INVALID_OPTION', option }))
})

test.each([
  ['positions of other channels', () => signal.interpolateChannels(x, [1], NAMES.slice(1))],
  ['one channel alone', () => signal.rereference(x.select(0, 0).select(0, 0))],
  ['a reference of other channels', () => signal.alignTo(x, randn([3, 3], { dtype: 'float64' }))],
  ['one trial alone', () => signal.euclideanAlignment(x.select(0, 0))],
])('refuses %s', (_, run) => {
  expect(run).toThrow(expect.objectContaining({ code: 'SHAPE_MISMATCH' }))
})
