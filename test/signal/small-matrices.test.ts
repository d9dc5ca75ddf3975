import { manualSeed, ops, randn, signal, type Tensor } from 'eegtorch'
import { worstDifference } from './worst-difference.ts'

beforeEach(() => manualSeed(7))

describe.each([1, 2, 3, 5, 8, 17, 33, 64, 97])('symmetric matrices of %d rows', (n) => {
  test.each([1, 1e-30, 1e30])('have the logarithms of LibTorch’s eigenvectors, scaled by %d', (scale) => {
    const matrices = positiveMatrices(6, n).mul(scale)
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
    expect(worstDifference(aligned, signal.alignTo(x.contiguous(), power))).toBeLessThan(tolerance * 100)
    if (channels <= samples)
      expect(
        worstDifference(aligned.matmul(aligned.transpose(-1, -2)).mean([0]), ops.aten.eye(channels, { dtype })),
      ).toBeLessThan(tolerance * 1000)
  }
})

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
