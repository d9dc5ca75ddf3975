import { manualSeed, ops, randn, signal, type Tensor } from 'eegtorch'
import { builtEntry, runNode } from '../built.ts'
import { worstDifference } from './worst-difference.ts'

beforeEach(() => manualSeed(7))

describe.each([1, 2, 3, 5, 8, 17, 33, 64, 97])('symmetric matrices of %d rows', (n) => {
  test.each([1, 1e-30, 1e30])('have the logarithms of LibTorch’s eigenvectors, scaled by %d', (scale) => {
    const matrices = positiveMatrices(11, n).mul(scale) // more than stand beside each other
    const reference = positiveMatrices(1, n).select(0, 0).mul(scale)
    const [values, vectors] = ops.aten.linalg_eigh(reference)
    const root = vectors.mul(values.rsqrt()).matmul(vectors.t())
    const logarithms = logarithm(root.matmul(matrices).matmul(root))
    const [rows, columns] = [0, 1].map((i) => ops.aten.triu_indices(n, n).select(0, i))
    const factors = rows!
      .eq(columns!)
      .to('float64')
      .mul(1 - Math.SQRT2)
      .add(Math.SQRT2)
    const upper = ops.aten.index(logarithms, [null, rows!, columns!]).mul(factors)
    expect(worstDifference(signal.tangentSpace(matrices, { reference }), upper)).toBeLessThan(1e-11)
  })
})

test('equal eigenvalues and matrices that are diagonal are no trouble', () => {
  const one = ops.aten.eye(20, { dtype: 'float64' })
  const turned = ops.aten.linalg_qr(randn([20, 20], { dtype: 'float64' }))[0] as Tensor
  const twice = turned.mul(ops.aten.cat([randn([10]).abs().add(1), randn([10]).mul(0).add(3)]).to('float64'))
  const matrices = ops.aten.stack([one.mul(2), twice.matmul(turned.t())])
  const { mean } = signal.riemannMean(matrices, { metric: 'logeuclid' })
  expect(worstDifference(mean, exponential(logarithm(matrices).mean([0])))).toBeLessThan(1e-12)
})

test.each([
  [1, 1, 1],
  [3, 2, 7],
  [4, 7, 333],
  [5, 13, 161],
  [3, 64, 1000],
  [2, 65, 37],
])('%d trials of %d channels and %d samples are aligned as by products of LibTorch', (trials, channels, samples) => {
  for (const dtype of ['float64', 'float32'] as const) {
    const x = randn([channels, trials, samples], { dtype }).transpose(0, 1)
    const power = x.matmul(x.transpose(-1, -2)).mean([0])
    const { aligned, reference } = signal.euclideanAlignment(x)
    const tolerance = dtype === 'float64' ? 1e-12 : 1e-5
    expect(worstDifference(reference, power)).toBeLessThan(tolerance)
    expect(worstDifference(signal.euclideanReference(x.contiguous()), power)).toBeLessThan(tolerance)
    expect(worstDifference(aligned, signal.alignTo(x.contiguous(), power))).toBeLessThan(tolerance * 100)
    if (channels <= samples)
      expect(
        worstDifference(aligned.matmul(aligned.transpose(-1, -2)).mean([0]), ops.aten.eye(channels, { dtype })),
      ).toBeLessThan(tolerance * 1000)
  }
})

/**
 * By one set of instructions: the worst error of tangent vectors of matrices that need many sweeps and none beside each other, of their lengths
 * as distances, of the way back, and of trials aligned in the cache and past it, with rows on borders of vectors and between.
 */
const program = `const { manualSeed, ops, randn, signal, stack } = await import(${JSON.stringify(builtEntry)})
  manualSeed(3)
  const apart = (a, b) => a.sub(b).abs().max().div(b.abs().max()).item()
  const mapped = (x, f) => { const [values, vectors] = ops.aten.linalg_eigh(x); return vectors.mul(f(values).unsqueeze(-2)).matmul(vectors.transpose(-1, -2)) }
  const upper = (x, n) => ops.aten.index(x, [null, ...[0, 1].map((i) => ops.aten.triu_indices(n, n).select(0, i))])
  const worst = []
  for (const n of [1, 2, 5, 22, 33]) {
    const factors = randn([9, n, 2 * n], { dtype: 'float64' })
    const one = ops.aten.eye(n, { dtype: 'float64' })
    const x = ops.aten.cat([factors.matmul(factors.transpose(-1, -2)), stack([one.mul(2), one.mul(randn([n]).abs().add(0.1).to('float64'))])])
    const reference = x.select(0, 0)
    const root = mapped(reference, (values) => values.rsqrt())
    const logarithms = mapped(root.matmul(x.narrow(0, 1, 10)).matmul(root), (values) => values.log())
    const weights = upper(one.mul(1 - Math.SQRT2).add(Math.SQRT2).unsqueeze(0), n)
    const tangents = signal.tangentSpace(x.narrow(0, 1, 10), { reference })
    worst.push(apart(tangents, upper(logarithms, n).mul(weights)))
    worst.push(apart(signal.riemannDistances(x.narrow(0, 1, 10), { references: reference.unsqueeze(0) }).select(1, 0), logarithms.square().sum([1, 2]).sqrt()))
    worst.push(apart(signal.fromTangentSpace(tangents, { reference }), x.narrow(0, 1, 10)))
  }
  for (const [trials, channels, samples] of [[3, 5, 61], [3, 24, 96], [70, 33, 1000], [70, 33, 1001]]) {
    const x = randn([channels, trials, samples], { dtype: 'float64' }).transpose(0, 1)
    const { aligned, reference } = signal.euclideanAlignment(x)
    worst.push(apart(reference, x.matmul(x.transpose(-1, -2)).mean([0])))
    worst.push(apart(aligned, mapped(reference, (values) => values.rsqrt()).matmul(x)))
  }
  console.log(JSON.stringify(worst))`

test.each(['baseline', 'avx2', 'avx512'])(
  'every set of instructions finds them to the last digits: %s',
  async (set) => {
    const env = { EEGTORCH_CPU_CAPABILITY: set }
    const { code, stdout, stderr } = await runNode(['--input-type=module', '-e', program], { env })
    expect([code, stderr]).toEqual([0, ''])
    const errors = JSON.parse(stdout) as (number | null)[]
    expect(Math.max(...errors.map((error) => error ?? Number.NaN))).toBeLessThan(1e-11)
  },
)

function positiveMatrices(count: number, n: number): Tensor {
  const factors = randn([count, n, 2 * n], { dtype: 'float64' })
  return factors.matmul(factors.transpose(-1, -2)).div(2 * n)
}

const logarithm = (matrices: Tensor) => mapped(matrices, (values) => values.log())
const exponential = (matrix: Tensor) => mapped(matrix, (values) => values.exp())

function mapped(matrices: Tensor, change: (values: Tensor) => Tensor): Tensor {
  const [values, vectors] = ops.aten.linalg_eigh(matrices)
  return vectors.mul(change(values).unsqueeze(-2)).matmul(vectors.transpose(-1, -2))
}
