import { readFileSync } from 'node:fs'
import {
  type Augmentation,
  augment,
  augmentBatch,
  fromTypedArray,
  mirrorChannels,
  setNumThreads,
  Tensor,
  tensor,
} from 'eegtorch'
import { nativeTraining as native } from '../../lib/training/native.ts'
import { toNativeOptions } from '../../lib/training/options.ts'

// What braindecode makes of the same draws; see make_augment.py beside it.
const fixture = JSON.parse(readFileSync(new URL('../fixtures/augment/augment.json', import.meta.url), 'utf8'))
const { rows, channels, times } = fixture

interface Case {
  name: string
  options: object
  times: number
  draws: { shape: number[]; integer: boolean; values: number[] }[]
  expected: number[]
}

const windows = (samples: number): Tensor =>
  (fromTypedArray(Float32Array.from(fixture.windows), { shape: [rows, channels, times] }) as Tensor)
    .narrow(2, 0, samples)
    .contiguous()
const numbers = (values: Tensor): number[] => Array.from(values.contiguous().toTypedArray() as Float32Array, Number)
const classes = (labels: number[]): Tensor => fromTypedArray(BigInt64Array.from(labels, BigInt)) as Tensor

beforeAll(() => setNumThreads(1))

test.each<[string, Case]>(fixture.cases.map((each: Case) => [`${each.name} ${JSON.stringify(each.options)}`, each]))(
  '%s does what braindecode does with the same draws',
  (_, { name, options, times: samples, draws, expected }) => {
    const given = draws.map(({ shape, integer, values }) =>
      fromTypedArray(integer ? BigInt64Array.from(values, BigInt) : Float64Array.from(values), { shape }),
    )
    const ids = given.map(({ id }) => id)
    const inputs = windows(samples)
    const changed = numbers(new Tensor(native.applyAugmentation(toNativeOptions({ name, ...options }), inputs.id, ids)))
    expect(changed).toHaveLength(expected.length)
    expect(Math.max(...expected.map((value, i) => Math.abs(value - changed[i]!)))).toBeLessThan(3e-6)
  },
)

const EACH: Augmentation[] = [
  augment.timeReverse(),
  augment.signFlip(),
  augment.ftSurrogate(),
  augment.channelsDropout({ pDrop: 0.5 }),
  augment.channelsShuffle({ pShuffle: 0.9 }),
  augment.channelsSymmetry({ permutation: [2, 1, 0] }),
  augment.channelsReref(),
  augment.gaussianNoise(),
  augment.amplitudeScale(),
  augment.smoothTimeMask({ maskLenSamples: 9 }),
  augment.maskEncoding(),
  augment.timeShift({ maxShiftSamples: 20 }),
  augment.bandstopFilter({ sfreq: 32 }),
  augment.frequencyShift({ sfreq: 32 }),
  augment.segmentRecombination({ nSegments: 4 }),
]

/** Many windows of noise, all of one class. */
function noise(count: number): { inputs: Tensor; targets: Tensor } {
  let seed = 1
  const next = () => {
    seed = (seed * 16807) % 2147483647
    return seed / 2147483647 - 0.5
  }
  const inputs = fromTypedArray(Float32Array.from({ length: count * 3 * 40 }, next), {
    shape: [count, 3, 40],
  }) as Tensor
  return { inputs, targets: classes(Array(count).fill(0)) }
}

describe.each(EACH.map((augmentation) => [augmentation.name, augmentation] as const))('%s', (_, augmentation) => {
  test('changes about its share of the examples, by the seed alone, and leaves the batch as it is', async () => {
    const batch = noise(400)
    const before = numbers(batch.inputs)
    const run = async (seed: number) => numbers((await augmentBatch(batch, [augmentation], { seed })).inputs[0]!)
    const first = await run(1)
    expect(await run(1)).toEqual(first)
    expect(await run(2)).not.toEqual(first)
    expect(numbers(batch.inputs)).toEqual(before)
    const size = 3 * 40
    const changed = Array.from({ length: 400 }, (_, i) => i).filter((i) =>
      before.slice(i * size, (i + 1) * size).some((value, at) => value !== first[i * size + at]),
    )
    // Half of them, give or take four deviations; a shuffle of 3 channels and a shift can leave an example as it was.
    const certain = !['channels_shuffle', 'channels_dropout', 'time_shift'].includes(augmentation.name)
    expect(changed.length).toBeGreaterThan(certain ? 160 : 100)
    expect(changed.length).toBeLessThan(240)
    expect(first.every(Number.isFinite)).toBe(true)
  })

  test('does nothing with probability 0, and refuses one above 1', async () => {
    const batch = noise(8)
    const never = { ...augmentation, probability: 0 }
    expect(numbers((await augmentBatch(batch, [never])).inputs[0]!)).toEqual(numbers(batch.inputs))
    const more = augmentBatch(batch, [{ ...augmentation, probability: 1.5 }])
    await expect(more).rejects.toMatchObject({ code: 'INVALID_OPTION', option: 'probability' })
  })
})

test('draws have the ranges and deviations they should have', async () => {
  const ones = tensor(new Float32Array(500 * 3 * 40).fill(1), { shape: [500, 3, 40] }) as Tensor
  const run = async (augmentation: Augmentation) =>
    numbers((await augmentBatch({ inputs: ones }, [augmentation], { seed: 3 })).inputs[0]!)
  const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length
  const noisy = (await run(augment.gaussianNoise({ probability: 1, std: 0.3 }))).map((value) => value - 1)
  expect(mean(noisy)).toBeCloseTo(0, 2)
  expect(Math.sqrt(mean(noisy.map((value) => value * value)))).toBeCloseTo(0.3, 2)
  const scaled = await run(augment.amplitudeScale({ probability: 1, interval: [0.5, 2] }))
  expect([Math.min(...scaled) >= 0.5, Math.max(...scaled) <= 2, Math.min(...scaled) < 0.55]).toEqual([true, true, true])
  expect(mean(scaled)).toBeCloseTo(1.25, 1)
  const dropped = await run(augment.channelsDropout({ probability: 1, pDrop: 0.3 }))
  expect(mean(dropped)).toBeCloseTo(0.7, 1)
  const masked = await run(augment.maskEncoding({ probability: 1, maxMaskRatio: 0.25 }))
  expect(mean(masked)).toBeCloseTo(0.75, 6)
})

test('segment recombination takes each stretch from an example of the same class, at the same time', async () => {
  // The value tells the example and the sample: 100 * example + sample.
  const data = Float32Array.from({ length: 6 * 1 * 10 }, (_, i) => 100 * Math.floor(i / 10) + (i % 10))
  const inputs = fromTypedArray(data, { shape: [6, 1, 10] }) as Tensor
  const labels = [0, 1, 0, 1, 0, 1]
  const recombine = augment.segmentRecombination({ probability: 1, nSegments: 3 })
  const { inputs: changed } = await augmentBatch({ inputs, targets: classes(labels) }, [recombine], { seed: 1 })
  const values = numbers(changed[0]!)
  const sources = values.map((value) => Math.floor(value / 100))
  for (const [i, value] of values.entries()) {
    expect(value % 100).toBe(i % 10)
    expect(sources[i]! % 2).toBe(labels[Math.floor(i / 10)]! % 2)
  }
  for (let row = 0; row < 6; row++) {
    const own = sources.slice(row * 10, row * 10 + 10)
    // 10 samples in 3 stretches: the last is the longest.
    for (const [from, to] of [
      [0, 3],
      [3, 6],
      [6, 10],
    ])
      expect(new Set(own.slice(from, to)).size).toBe(1)
  }
  expect(sources).not.toEqual(values.map((_, i) => Math.floor(i / 10)))
})

test('mixup tells the partners and the shares that it mixed with', async () => {
  const inputs = windows(20)
  const own = numbers(inputs)
  const labels = [0, 1, 2, 3]
  for (const betaPerSample of [false, true]) {
    const mixed = await augmentBatch(
      { inputs, targets: classes(labels) },
      [augment.mixup({ alpha: 0.7, betaPerSample })],
      { seed: 2 },
    )
    const [first, partners, shares] = mixed.targets.map(numbers)
    expect(first).toEqual(labels)
    expect(partners!.toSorted()).toEqual(labels)
    expect(new Set(shares).size).toBe(betaPerSample ? 4 : 1)
    const size = channels * 20
    const expected = own.map((value, i) => {
      const row = Math.floor(i / size)
      return shares![row]! * value + (1 - shares![row]!) * own[partners![row]! * size + (i % size)]!
    })
    const received = numbers(mixed.inputs[0]!)
    expect(Math.max(...expected.map((value, i) => Math.abs(value - received[i]!)))).toBeLessThan(1e-6)
  }
  const regression = { inputs, targets: tensor([1, 2, 3, 4]) as Tensor }
  const { targets } = await augmentBatch(regression, [augment.mixup()], { seed: 2 })
  expect(targets).toHaveLength(1)
})

test('what cannot be is a clear error', async () => {
  const batch = noise(4)
  const refused = (augmentations: Augmentation[], inputs = batch.inputs) =>
    augmentBatch({ inputs, targets: batch.targets }, augmentations)
  await expect(refused([{ name: 'timeWarp' }])).rejects.toThrow(/no augmentation is called time_warp: .*time_reverse/)
  await expect(refused([augment.bandstopFilter()])).rejects.toMatchObject({ option: 'sfreq' })
  await expect(refused([augment.smoothTimeMask()])).rejects.toMatchObject({ option: 'mask_len_samples' })
  await expect(refused([augment.mixup(), augment.signFlip()])).rejects.toThrow(/mixup is not the last/)
  await expect(refused([augment.amplitudeScale({ interval: [2, 1] })])).rejects.toMatchObject({ option: 'interval' })
  await expect(refused([augment.channelsSymmetry({ permutation: [0, 0, 1] })])).rejects.toMatchObject({
    option: 'permutation',
  })
  await expect(refused([augment.signFlip()], batch.inputs.select(1, 0))).rejects.toMatchObject({
    code: 'SHAPE_MISMATCH',
  })
  const unlabelled = augmentBatch({ inputs: batch.inputs }, [augment.segmentRecombination()])
  await expect(unlabelled).rejects.toMatchObject({ code: 'SHAPE_MISMATCH' })
})

test('channels are mirrored by their 10-20 names', () => {
  expect(mirrorChannels(['FC5', 'C3', 'Cz', 'C4', 'FC6', 'P7', 'T10'])).toEqual([4, 3, 2, 1, 0, 5, 6])
})
