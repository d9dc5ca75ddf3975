import { readFileSync } from 'node:fs'
import { asyncSignal, fromTypedArray, memory, randn, signal, tensor } from 'eegtorch'
import fc from 'fast-check'
import { windowCovariances } from '../../lib/decoders/band-windows.ts'
import { bandPowerLda, bandPowers, cspLda, windowMeansLda } from '../../lib/decoders/baselines.ts'
import { CommonSpatialPatterns } from '../../lib/decoders/csp.ts'
import { ShrinkageLda } from '../../lib/decoders/lda.ts'
import { mdm, tangentSpaceLr } from '../../lib/decoders/riemann.ts'
import { Random } from '../../lib/random.ts'

interface Fixture {
  lda: {
    classes: number
    width: number
    x: number[]
    y: number[]
    test: number[]
    probabilities: number[][]
    predicted: number[]
  }[]
  wolf: { n: number; width: number; x: number[]; covariance: number[]; shrinkage: number }[]
  csp: {
    channels: number
    samples: number
    filters: number
    shrinkage: number
    y: number[]
    x: number[]
    features: number[]
  }[]
  welch: { samplingRate: number; segment: number; x: number[]; density: number[] }[]
}
const fixture = JSON.parse(readFileSync('test/fixtures/decoders/baselines.json', 'utf8')) as Fixture

describe('discriminant analysis', () => {
  test.each(fixture.wolf)(
    'Ledoit-Wolf of ($n, $width) agrees with scikit-learn',
    async ({ n, width, x, covariance }) => {
      const rows = fromTypedArray(Float64Array.from(x), { shape: [n, width] }).t()
      const found = await asyncSignal.covariances(rows, { estimator: 'lwf', centred: true })
      relative(found.flatten().toTypedArray() as Float64Array, covariance, 1e-10)
    },
  )

  test.each(fixture.lda)('$classes classes, $width features agree with scikit-learn', async (c) => {
    const lda = await ShrinkageLda.fit({ values: Float64Array.from(c.x), width: c.width }, c.y, c.classes)
    const found = lda.predict({ values: Float64Array.from(c.test), width: c.width })
    close(found.probabilities.flat(), c.probabilities.flat(), 1e-8)
    expect(Array.from(found.predicted)).toEqual(c.predicted)
  })

  test('the unit of a feature does not matter', async () => {
    const c = fixture.lda[0]!
    const scaled = (x: number[]) => ({
      values: Float64Array.from(x, (v, at) => v * 10 ** (5 * (at % 4) - 12)),
      width: 4,
    })
    const found = (await ShrinkageLda.fit(scaled(c.x), c.y, 2)).predict(scaled(c.test))
    close(found.probabilities.flat(), c.probabilities.flat(), 1e-8)
  })

  test('a class without training rows is never predicted', async () => {
    const lda = await ShrinkageLda.fit({ values: Float64Array.from([0, 0.1, 5, 5.1]), width: 1 }, [0, 0, 2, 2], 3)
    const { predicted, probabilities } = lda.predict({ values: Float64Array.from([0, 2.5, 5]), width: 1 })
    expect(probabilities.map((p) => p[1])).toEqual([0, 0, 0])
    expect([predicted[0], predicted[2]]).toEqual([0, 2])
  })

  test('constant features and single trials are survived', async () => {
    const lda = await ShrinkageLda.fit({ values: Float64Array.from([1, 0, 1, 3]), width: 2 }, [0, 1], 2)
    expect(Array.from(lda.predict({ values: Float64Array.from([1, 0.2, 1, 2.8]), width: 2 }).predicted)).toEqual([0, 1])
  })

  test('what cannot be trained on is refused', async () => {
    const rows = (...values: number[]) => ({ values: Float64Array.from(values), width: 1 })
    await expect(ShrinkageLda.fit(rows(1, 2), [0, 0], 2)).rejects.toThrow('needs two classes')
    await expect(ShrinkageLda.fit(rows(1, 2), [0], 2)).rejects.toThrow('differ in number')
    await expect(ShrinkageLda.fit(rows(1, Number.NaN), [0, 1], 2)).rejects.toThrow('finite')
    await expect(ShrinkageLda.fit(rows(1, 2), [0, 3], 2)).rejects.toThrow('received 3')
    await expect(ShrinkageLda.fit(rows(1e200, 2e200, 3, 4), [0, 0, 1, 1], 2)).rejects.toThrow('no usable covariance')
    const lda = await ShrinkageLda.fit(rows(1, 2), [0, 1], 2)
    expect(() => lda.predict({ values: Float64Array.from([1, 2]), width: 2 })).toThrow('expected 1 a row, received 2')
  })
})

describe('common spatial patterns', () => {
  test.each(fixture.csp)('$channels channels, shrinkage $shrinkage: log powers agree with MNE', async (c) => {
    const covariances = await secondMoments(Float64Array.from(c.x), c.channels, c.samples)
    const csp = await CommonSpatialPatterns.fit(covariances, c.y, 2, { filters: c.filters, shrinkage: c.shrinkage })
    // MNE divides by the number of samples less one, which makes its filters shorter by a common factor.
    const samples = (c.samples * c.y.length) / 2
    const expected = c.features.map((value) => value - Math.log((samples - 1) / samples))
    close((await csp.transform(covariances)).values, expected, 1e-8)
  })

  test('a source mixed into all channels is found, whatever the mixing', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 1e6 }), async (seed) => {
        const { data, labels } = mixedSources(seed, 3)
        const covariances = await secondMoments(data, 4, 64)
        const csp = await CommonSpatialPatterns.fit(covariances, labels, 3, { filters: 3, shrinkage: 0 })
        expect(csp.filters.shape).toEqual([3, 4])
        const powers = await csp.transform(covariances)
        const lda = await ShrinkageLda.fit(powers, labels, 3)
        expect(Array.from(lda.predict(powers).predicted)).toEqual(labels)
      }),
      { numRuns: 20 },
    )
  })

  test('of channels that depend on each other as many filters are found as are independent', async () => {
    const { data, labels } = mixedSources(1, 2)
    for (let w = 0; w < labels.length; w++) data.copyWithin((w * 4 + 3) * 64, w * 4 * 64, w * 4 * 64 + 64)
    const covariances = await secondMoments(data, 4, 64)
    const filtersOf = async (shrinkage?: number) =>
      (await CommonSpatialPatterns.fit(covariances, labels, 2, shrinkage === undefined ? {} : { shrinkage })).filters
    expect((await filtersOf(0)).shape).toEqual([3, 4])
    expect((await filtersOf()).shape).toEqual([4, 4])
  })

  test('windows of one class, and dead ones, are refused', async () => {
    const { data, labels } = mixedSources(1, 2)
    const one = labels.map(() => 1)
    await expect(CommonSpatialPatterns.fit(await secondMoments(data, 4, 64), one, 2)).rejects.toThrow(
      'needs two classes',
    )
    const dead = await secondMoments(data.fill(0), 4, 64)
    await expect(CommonSpatialPatterns.fit(dead, labels, 2)).rejects.toThrow('never change')
  })
})

test.each([cspLda(), bandPowerLda(), windowMeansLda()])('$name fits while the event loop goes on', async (decoder) => {
  const random = new Random(3)
  const values = Float64Array.from({ length: 40 * 36 }, () => random.normal())
  for (let row = 0; row < 40; row++) makeCovariance(values.subarray(row * 36, (row + 1) * 36), 6)
  const labels = Array.from({ length: 40 }, (_, i) => i % 2)
  let turns = 0
  let next = setImmediate(function turn() {
    turns++
    next = setImmediate(turn)
  })
  // what the compute thread has to do first, so that a fit which takes part of a turn has to wait as well
  const before = asyncSignal.covariances(randn([64, 50_000], { dtype: 'float64' }), { estimator: 'lwf', centred: true })
  await decoder.fit({ values, width: 36 }, labels, 2)
  clearImmediate(next)
  await before
  expect(turns).toBeGreaterThan(0)
})

describe('band power', () => {
  test.each(fixture.welch)(
    'segments of $segment at $samplingRate Hz agree with SciPy',
    ({ x, density, ...options }) => {
      const { power } = signal.welch(tensor(x, { dtype: 'float64' }), options)
      close(power.toArray() as number[], density, 1e-12)
    },
  )

  test('a rhythm lies in its band, and an empty band is refused', async () => {
    const data = Float32Array.from({ length: 256 }, (_, i) => Math.sin((2 * Math.PI * 10 * i) / 128))
    const windows = { data, nChannels: 1, nSamples: 256, samplingRate: 128 }
    const { values } = await bandPowers(windows, [
      [4, 8],
      [8, 13],
      [13, 20],
    ])
    const [theta, alpha, beta] = values
    expect(alpha! - Math.max(theta!, beta!)).toBeGreaterThan(5)
    const empty = bandPowers(windows, [
      [60, 80],
      [70, 80],
    ])
    await expect(empty).rejects.toThrow('received 70..80 Hz')
  })
})

test.each([cspLda(), bandPowerLda(), tangentSpaceLr(), mdm()])(
  '$name tells a stronger rhythm from a weaker one in other windows',
  async (decoder) => {
    const [train, unseen] = [rhythm(1), rhythm(2)]
    const fitted = await decoder.fit(await decoder.extract(train), train.labels, 2)
    const { predicted, probabilities } = await fitted.predict(await decoder.extract(unseen))
    expect(Array.from(predicted).filter((p, i) => p === unseen.labels[i]).length).toBeGreaterThanOrEqual(38)
    for (const row of probabilities) close([row.reduce((a, b) => a + b, 0)], [1], 1e-12)
  },
)

/** 40 windows of 3 channels of noise; channel 1 carries 10 Hz, twice as strong in class 1. */
function rhythm(seed: number) {
  const random = new Random(seed)
  const labels = Array.from({ length: 40 }, (_, i) => i % 2)
  const data = Float32Array.from({ length: 40 * 3 * 256 }, (_, at) => {
    const [window, channel, i] = [Math.floor(at / 768), Math.floor(at / 256) % 3, at % 256]
    const wave = channel === 1 ? (1 + labels[window]!) * Math.sin((2 * Math.PI * 10 * i) / 128) : 0
    return 1e-5 * (wave + random.uniform() - 0.5)
  })
  return { data, nChannels: 3, nSamples: 256, samplingRate: 128, labels }
}

/** 30 windows of 4 channels, mixed from noise sources of which source c is strong in class c. */
function mixedSources(seed: number, classes: number) {
  const random = new Random(seed)
  const labels = Array.from({ length: 30 }, (_, i) => i % classes)
  const mixing = Array.from({ length: 16 }, (_, i) => random.uniform() - 0.5 + (i % 5 === 0 ? 1 : 0))
  const data = new Float64Array(30 * 4 * 64)
  for (let w = 0; w < 30; w++) {
    for (let i = 0; i < 64; i++) {
      for (let source = 0; source < 4; source++) {
        const value = (random.uniform() - 0.5) * (source === labels[w] ? 20 : 1)
        for (let c = 0; c < 4; c++) data[(w * 4 + c) * 64 + i]! += mixing[c * 4 + source]! * value
      }
    }
  }
  return { data, labels }
}

/** Of windows that are filtered already. */
function secondMoments(data: Float64Array, nChannels: number, nSamples: number) {
  return windowCovariances({ data, nChannels, nSamples, samplingRate: 128 }, { band: null, centred: true })
}

/** Makes numbers a symmetric and positive definite matrix. */
function makeCovariance(matrix: Float64Array, n: number): void {
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < i; j++) matrix[j * n + i] = matrix[i * n + j]!
    matrix[i * n + i]! += 4 * n
  }
}

function close(found: ArrayLike<number>, expected: ArrayLike<number>, tolerance: number): void {
  expect(found.length).toBe(expected.length)
  const worst = Array.from(found, (value, i) => Math.abs(value - expected[i]!)).reduce((a, b) => Math.max(a, b), 0)
  expect(worst).toBeLessThanOrEqual(tolerance)
}

function relative(found: ArrayLike<number>, expected: ArrayLike<number>, tolerance: number): void {
  close(found, expected, tolerance * Math.max(...Array.from(expected, Math.abs)))
}

test.each([cspLda({ band: null }), bandPowerLda(), tangentSpaceLr(), mdm()])(
  '$name frees every tensor that it has made',
  async (decoder) => {
    const random = new Random(5)
    const values = Float64Array.from({ length: 12 * 2 * 50 }, () => random.normal())
    const before = memory().tensors
    const features = await windowCovariances({ data: values, nChannels: 2, nSamples: 50, samplingRate: 100 } as never, {
      band: null,
      centred: true,
    })
    const labels = Array.from({ length: 12 }, (_, i) => i % 2)
    const fitted = await decoder.fit(features, labels, 2)
    await fitted.predict(features)
    fitted.dispose!()
    expect(memory().tensors).toBe(before)
  },
)
