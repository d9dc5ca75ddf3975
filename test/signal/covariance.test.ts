import { type CspOptions, readSafetensors, signal, type Tensor, tensor, zeros } from 'eegtorch'
import { worstDifference } from './worst-difference.ts'

let expected: Map<string, Tensor>
let x: Tensor
let labels: Tensor
let matrices: Tensor
beforeAll(async () => {
  expected = await readSafetensors('test/fixtures/signal/covariance.safetensors').loadAll()
  x = of('x')
  labels = of('y')
  matrices = of('covariances.oas')
})

describe('common spatial patterns are those of MNE', () => {
  test.each<[string, CspOptions]>([
    ['two', {}],
    ['two_shrunk', { estimator: 'shrunk', shrinkage: 0.1 }],
    ['two_alternate', { order: 'alternate', unitTrace: true }],
    ['two_average', {}],
    ['three', {}],
    ['three_oas', { estimator: 'oas', byEpoch: true }],
    ['three_wolf', { estimator: 'lwf' }],
  ])('%s', (name, options) => {
    const [epochs, own] = name.startsWith('two') ? firstTwoClasses(name === 'two_average') : [x, labels]
    const { filters, patterns } = signal.csp(epochs, own, options)
    const signs = filters.narrow(1, 0, 1).sign()
    agree(filters.mul(signs), `csp.${name}.filters`)
    agree(patterns.mul(signs), `csp.${name}.patterns`)
    const power = signal
      .spatialFilter(epochs, { matrix: filters.narrow(0, 0, 4) })
      .square()
      .mean([2])
    agree(power.log(), `csp.${name}.features`)
  })

  function firstTwoClasses(average: boolean): [Tensor, Tensor] {
    const rows = labels.lt(2).nonzero().squeeze(1)
    const epochs = x.index_select(0, rows)
    return [average ? epochs.sub(epochs.mean([1], { keepdim: true })) : epochs, labels.index_select(0, rows)]
  }
})

test.each(['scm', 'oas', 'lwf'] as const)('covariances by %s are those of pyRiemann', (estimator) => {
  agree(signal.covariances(x, { estimator }), `covariances.${estimator}`)
  const one = signal.covariances(x.select(0, 3), { estimator })
  expect(worstDifference(one, of(`covariances.${estimator}`).select(0, 3))).toBeLessThan(1e-12)
})

test.each(['riemann', 'logeuclid'] as const)('means and distances (%s) are those of pyRiemann', (metric) => {
  const { mean, converged } = signal.riemannMean(matrices, { metric, tolerance: 1e-13 })
  expect(converged).toBe(true)
  agree(mean, `mean.${metric}`)
  agree(signal.riemannMean(matrices, { metric, tolerance: 1e-13, weights: of('weights') }).mean, `weighted.${metric}`)
  agree(signal.riemannDistances(matrices, { references: mean.unsqueeze(0), metric }), `distances.${metric}`)
})

test('tangent vectors are those of pyRiemann, and lead back', () => {
  const reference = of('tangent.reference')
  const vectors = signal.tangentSpace(matrices, { reference })
  agree(vectors, 'tangent')
  expect(worstDifference(signal.fromTangentSpace(vectors, { reference }), matrices)).toBeLessThan(1e-10)
})

test('the mean does not depend on where one looks from', () => {
  const turn = tensor(
    [
      [1, 2, 0, 0, 0],
      [0, 1, 0, 3, 0],
      [0, 0, 2, 0, 0],
      [0, 1, 0, 1, 0],
      [1, 0, 0, 0, 1],
    ],
    { dtype: 'float64' },
  )
  const seen = turn.matmul(matrices).matmul(turn.t())
  const options = { tolerance: 1e-12 }
  const mean = turn.matmul(signal.riemannMean(matrices, options).mean).matmul(turn.t())
  expect(worstDifference(signal.riemannMean(seen, options).mean, mean)).toBeLessThan(1e-9)
})

test('what has no logarithm, or tells nothing apart, is refused', () => {
  const flat = matrices.clone()
  flat.select(0, 2).zero_()
  const reference = of('mean.riemann')
  expect(() => signal.tangentSpace(flat, { reference })).toThrow('not positive definite')
  expect(() => signal.riemannMean(flat)).toThrow('not positive definite')
  expect(() => signal.riemannMean(matrices.mul(Number.NaN))).toThrow('not finite')
  expect(() => signal.riemannMean(matrices, { weights: zeros([36], { dtype: 'float64' }) })).toThrow('a sum above 0')
  expect(() => signal.riemannMean(matrices, { metric: 'euclid' as never })).toThrow('riemann or logeuclid')
  expect(() => signal.csp(x, labels.mul(0))).toThrow('two classes or more')
  expect(() => signal.csp(x, labels, { order: 'alternate' })).toThrow('the only one for several classes')
  expect(() => signal.csp(x.mul(Number.NaN), labels)).toThrow('finite')
  expect(() => signal.csp(x, labels.narrow(0, 0, 5))).toThrow(expect.objectContaining({ code: 'SHAPE_MISMATCH' }))
  expect(() => signal.covariances(x, { estimator: 'mcd' as never })).toThrow('scm, oas, lwf or shrunk')
  expect(() => signal.covariances(x, { estimator: 'shrunk', shrinkage: 2 })).toThrow('from 0 to 1')
})

function of(name: string): Tensor {
  return expected.get(name)!
}

function agree(found: Tensor, name: string): void {
  expect(worstDifference(found, of(name).reshape(found.shape))).toBeLessThan(1e-9)
}
