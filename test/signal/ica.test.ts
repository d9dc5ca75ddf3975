import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  type EyeOptions,
  Ica,
  type IcaOptions,
  numThreads,
  randn,
  readSafetensors,
  setNumThreads,
  signal,
  stack,
  type Tensor,
} from 'eegtorch'
import { worstDifference } from './worst-difference.ts'

const METHODS: Record<string, IcaOptions> = {
  fastica: { tolerance: 1e-10 },
  fastica_exp: { tolerance: 1e-10, fun: 'exp' },
  fastica_cube_deflation: { tolerance: 1e-13, fun: 'cube', algorithm: 'deflation' },
  fastica_four: { components: 4, tolerance: 1e-10 },
  infomax: { method: 'infomax', extended: false, maxIterations: 60 },
  infomax_extended: { method: 'infomax', maxIterations: 60 },
  picard: { method: 'picard' },
  picard_extended: { method: 'picard', orthogonal: false, extended: true, fastIcaIterations: 3 },
  picard_plain: { method: 'picard', orthogonal: false },
  picard_exp: { method: 'picard', fun: 'exp' },
}

let expected: Map<string, Tensor>
let x: Tensor
beforeAll(async () => {
  expected = await readSafetensors('test/fixtures/signal/ica.safetensors').loadAll()
  x = expected.get('x')!
})

describe.each(Object.entries(METHODS))('%s', (name, options) => {
  let ica: Ica
  beforeAll(async () => {
    ica = await Ica.fit(x, { seed: 42, ...options })
  })

  test('components, maps and time courses are those of MNE, in order and sign', () => {
    const scale = expected.get('scale')!
    agree(ica.unmixing.mul(scale), `${name}.unmixing`)
    agree(ica.mixing.div(scale), `${name}.mixing`)
    agree(every30th(ica.sources(x)), `${name}.sources`)
  })

  test('the recording without two components is that of MNE', () => {
    agree(every30th(ica.apply(x, { exclude: [0, 2] })), `${name}.cleaned`)
  })

  test.each([
    ['zscore', 1.5],
    ['correlation', 0.6],
  ] as const)('the components that follow the eyes by %s are those of find_bads_eog', async (measure, threshold) => {
    const eog = expected.get('eog')!
    const { components, scores } = await ica.eyeComponents(x, { samplingRate: 100, eog, measure, threshold })
    expect(components).toEqual(expected.get(`${name}.${measure}`)!.toArray())
    const difference = (expected.get(`${name}.scores`)!.toArray() as number[]).map((r, i) =>
      Math.abs(r - scores[0]![i]!),
    )
    expect(difference.length).toBe(ica.components)
    expect(Math.max(...difference)).toBeLessThan(1e-6)
  })

  test('the search takes as many steps as in MNE', () => {
    // MNE counts Picard's last look at the gradient too.
    const steps = expected.get(`${name}.iterations`)!.item() as number
    expect(ica.iterations).toBe(options.method === 'picard' ? steps - 1 : steps)
    expect(ica.converged).toBe(options.method !== 'infomax')
  })
})

test('principal components beyond the independent ones stay, or go', async () => {
  const ica = await Ica.fit(x, { components: 4, tolerance: 1e-10, seed: 42 })
  agree(every30th(ica.apply(x, { exclude: [1], principalComponents: 5 })), 'fastica_four.reduced')
  expect(worstDifference(ica.apply(x), x)).toBeLessThan(1e-12)
  const kept = ica.apply(x, { include: [0, 2, 3], principalComponents: 5 })
  agree(every30th(kept), 'fastica_four.reduced')
})

test('signals of the eyes are found by the names of channels, and what cannot be is refused', async () => {
  const named = await Ica.fit(x, { components: 4, seed: 42, channels: ['C3', 'fp1', 'Cz', 'EOG-left', 'C4', 'Pz'] })
  const found = await named.eyeComponents(x, { samplingRate: 100 })
  const chosen = await named.eyeComponents(x, { samplingRate: 100, eog: ['fp1', 'EOG-left'] })
  const given = await named.eyeComponents(x, { samplingRate: 100, eog: stack([x.select(0, 1), x.select(0, 3)]) })
  expect(found.scores.length).toBe(2)
  expect(chosen).toEqual(found)
  expect(given).toEqual(found)
  const unnamed = await Ica.fit(x, { components: 4, seed: 42 })
  const attempts: [Ica, Partial<EyeOptions>, RegExp][] = [
    [unnamed, {}, /option eog .* received none; and the channels of the decomposition have no names/],
    [named, { eog: ['Fp2'] }, /option eog .* received Fp2; C3, fp1/],
    [named, { eog: x.narrow(1, 0, 100) }, /option eog .* expected \(count, 3000\) samples, received \(6, 100\)/],
    [named, { threshold: 0 }, /option threshold/],
    [named, { samplingRate: 20 }, /option band .* below 9.5 Hz/],
    [named, { measure: 'loud' as 'zscore' }, /option measure/],
  ]
  for (const [ica, options, message] of attempts) {
    await expect(ica.eyeComponents(x, { samplingRate: 100, ...options })).rejects.toThrow(message)
  }
})

test('a seed gives the same bits for any number of threads, another seed other steps', async () => {
  const threads = numThreads()
  for (const options of [
    { components: 4 },
    { method: 'infomax', maxIterations: 5 },
    { method: 'picard', maxIterations: 5 },
  ] as const) {
    try {
      const found: unknown[] = []
      for (const count of [1, 3]) {
        setNumThreads(count)
        found.push((await Ica.fit(x, { seed: 7, ...options })).unmixing.toArray())
      }
      expect(found[1]).toEqual(found[0])
    } finally {
      setNumThreads(threads)
    }
  }
  const other = await Ica.fit(x, { seed: 8, method: 'picard', maxIterations: 5 })
  expect(other.unmixing.toArray()).not.toEqual(
    (await Ica.fit(x, { seed: 7, method: 'picard', maxIterations: 5 })).unmixing.toArray(),
  )
})

test.each(['fastica', 'infomax', 'picard'] as const)('%s stops when it is told to, midway', async (method) => {
  const long = randn([20, 60_000], { dtype: 'float64' })
  const abort = new AbortController()
  const started = performance.now()
  const running = Ica.fit(long, { method, maxIterations: 100_000, tolerance: 0, signal: abort.signal })
  setTimeout(() => abort.abort(), 300)
  await expect(running).rejects.toMatchObject({ code: 'CANCELLED' })
  expect(performance.now() - started).toBeLessThan(10_000)
})

test('epochs are one recording, and float32 comes back as it went in', async () => {
  const epochs = x.reshape([6, 10, 300]).transpose(0, 1)
  const [a, b] = [await Ica.fit(x, { components: 3 }), await Ica.fit(epochs, { components: 3 })]
  expect(worstDifference(b.unmixing, a.unmixing)).toBeLessThan(1e-12)
  const cleaned = a.apply(epochs.to('float32'), { exclude: [0] })
  expect([cleaned.dtype, cleaned.shape]).toEqual(['float32', [10, 6, 300]])
  expect(worstDifference(cleaned.to('float64'), a.apply(epochs, { exclude: [0] }))).toBeLessThan(1e-5)
  expect(worstDifference(await a.applyAsync(x, { exclude: [0] }), a.apply(x, { exclude: [0] }))).toBe(0)
})

test('principal components are orthonormal, sorted, and largest upwards', () => {
  const { components, mean, variances } = signal.principalComponents(x)
  const amplitudes = signal.spatialFilter(x.sub(mean.unsqueeze(1)), { matrix: components })
  expect(
    amplitudes
      .amax([1])
      .ge(amplitudes.amin([1]).neg())
      .all()
      .item(),
  ).toBe(true)
  const covariance = amplitudes.matmul(amplitudes.t()).div(2999)
  expect(worstDifference(covariance, variances.diag())).toBeLessThan(1e-12)
  const sorted = variances.toArray() as number[]
  expect(sorted).toEqual(sorted.toSorted((a, b) => b - a))
})

describe('files', () => {
  const folder = mkdtempSync(join(tmpdir(), 'eegtorch-ica-'))
  const path = join(folder, 'eyes.safetensors')
  afterAll(() => rmSync(folder, { recursive: true }))

  test('what was saved comes back to the bit', async () => {
    const channels = ['Fp1', 'Fp2', 'Cz', 'C3', 'C4', 'Oz']
    const ica = await Ica.fit(x, { method: 'picard', components: 5, channels, seed: 3 })
    await ica.save(path)
    const back = await Ica.load(path)
    expect(back.apply(x, { exclude: [1] }).toArray()).toEqual(ica.apply(x, { exclude: [1] }).toArray())
    expect([back.method, back.channels, back.components, back.iterations, back.converged]).toEqual([
      'picard',
      channels,
      5,
      ica.iterations,
      true,
    ])
  })

  test('a file that is cut off or of something else is refused', async () => {
    const bytes = readFileSync(path)
    writeFileSync(path, bytes)
    truncateSync(path, bytes.length - 9)
    await expect(Ica.load(path)).rejects.toMatchObject({ code: expect.stringMatching(/^FILE_/) })
    writeFileSync(path, bytes.toString('latin1').replace('"version\\":1', '"version\\":2'), 'latin1')
    await expect(Ica.load(path)).rejects.toThrow('holds no decomposition')
    await expect(Ica.load('test/fixtures/signal/ica.safetensors')).rejects.toThrow('a file that Ica.save wrote')
  })
})

test('what cannot be decomposed is refused', async () => {
  const average = x.sub(x.mean([0], { keepdim: true }))
  await expect(Ica.fit(average, { components: 6 })).rejects.toThrow('from 2 to 5, its independent channels')
  expect((await Ica.fit(average)).components).toBeLessThanOrEqual(5)
  const refusals: [Tensor, IcaOptions, string][] = [
    [x, { components: 1 }, 'received 1'],
    [x, { components: 2.5 }, 'received 2.5'],
    [x, { method: 'amica' as never }, "'fastica', 'infomax' or 'picard'"],
    [x, { fun: 'tan' as never }, 'logcosh, exp or cube'],
    [x, { seed: -1 }, 'from 0 to 4294967295'],
    [x, { channels: ['Cz'] }, 'expected 6 names, received 1'],
    [x.mul(Number.NaN), {}, 'finite'],
    [x.mul(0), {}, 'never changes'],
    [x.narrow(0, 0, 1).squeeze(0), {}, '(channels, samples) or (epochs'],
    [x.narrow(1, 0, 1), {}, 'two samples'],
  ]
  for (const [recording, options, words] of refusals) await expect(Ica.fit(recording, options)).rejects.toThrow(words)
  const ica = await Ica.fit(x)
  expect(() => ica.apply(x, { exclude: [6] })).toThrow('from 0 to 5')
  expect(() => ica.apply(x, { exclude: [1], include: [2] })).toThrow('exclude each other')
  expect(() => ica.apply(x.narrow(0, 0, 5))).toThrow(expect.objectContaining({ code: 'SHAPE_MISMATCH' }))
})

const every30th = (of: Tensor): Tensor => of.slice(1, 0, null, 30)

function agree(found: Tensor, name: string): void {
  expect(worstDifference(found, expected.get(name)!)).toBeLessThan(1e-9)
}
