import { fromTypedArray } from '../creation.ts'
import type { NamedTensors } from '../models/model.ts'
import { Ica, type IcaSearch } from '../signal/ica.ts'
import { asyncSignal } from '../signal/index.ts'
import type { Tensor } from '../tensor.ts'
import type { SignalArgs as Args } from './signal-case.ts'

const ESTIMATORS: Readonly<Record<string, 'oas' | 'lwf'>> = { oas: 'oas', ledoit_wolf: 'lwf' }

/** Answers to the oracle's decompositions and covariances. */
export const decompositionCases = {
  fastica: async (x: Tensor, { fun, max_iter, tol }: Args): Promise<NamedTensors> => {
    const count = x.shape[0]!
    const start = startOf(count)
    const { mean, components, variances } = await asyncSignal.principalComponents(x)
    const samples = x.shape[1]!
    const centred = x.sub(mean.unsqueeze(1))
    // scikit-learn's whitening has unit length over all samples, and signs by the first channel.
    const signs = components.narrow(1, 0, 1).sign()
    const whitening = components.mul(signs).div(
      variances
        .mul(samples - 1)
        .sqrt()
        .unsqueeze(1),
    )
    const white = whitening.matmul(centred).mul(Math.sqrt(samples))
    const options = { start, fun, maxIterations: max_iter, tolerance: tol }
    const { unmixing, iterations } = await asyncSignal.fastIca(white, options)
    const raw = unmixing.matmul(whitening).matmul(centred)
    const deviation = raw.std([1], { correction: 0, keepdim: true })
    const matrix = unmixing.matmul(whitening).div(deviation)
    return {
      wInit: start,
      components: matrix,
      mixing: matrix.linalg_pinv(),
      whitening,
      mean,
      sources: raw.div(deviation),
      iterations: fromTypedArray(Float64Array.of(iterations)),
    }
  },

  mne_ica: async (
    x: Tensor,
    { method, seed, n_components, exclude, max_iter, fit_params }: Args,
  ): Promise<NamedTensors> => {
    const ica = await Ica.fit(x, {
      ...searchOf(method, fit_params),
      seed,
      components: n_components ?? undefined,
      maxIterations: max_iter,
    })
    const cleaned = ica.apply(x, { exclude })
    return { unmixing: ica.unmixing, mixing: ica.mixing, sources: ica.sources(x), cleaned }
  },

  csp: async (x: Tensor, { classes, reg, cov_est, norm_trace }: Args): Promise<NamedTensors> => {
    const labels = BigInt64Array.from({ length: x.shape[0]! }, (_, i) => BigInt(i % classes))
    const { filters, patterns } = await asyncSignal.csp(x, fromTypedArray(labels), {
      ...(typeof reg === 'number' && { estimator: 'shrunk', shrinkage: reg }),
      ...(typeof reg === 'string' && { estimator: ESTIMATORS[reg] }),
      byEpoch: cov_est === 'epoch',
      unitTrace: norm_trace,
    })
    const signs = filters.narrow(1, 0, 1).sign()
    const components = await asyncSignal.spatialFilter(x, { matrix: filters.narrow(0, 0, 4) })
    const features = components.square().mean([2]).log()
    return { filters: filters.mul(signs), patterns: patterns.mul(signs), features }
  },

  covariances: async (x: Tensor, { estimator }: Args): Promise<NamedTensors> => ({
    y: await asyncSignal.covariances(x, { estimator }),
  }),

  riemann: async (x: Tensor, { estimator, metric }: Args): Promise<NamedTensors> => {
    const matrices = await asyncSignal.covariances(x, { estimator })
    const { mean } = await asyncSignal.riemannMean(matrices, { metric, tolerance: 1e-12 })
    return { mean, tangent: await asyncSignal.tangentSpace(matrices, { reference: mean }) }
  },
}

/** Where the oracle's FastICA begins: nearly the identity. */
function startOf(count: number): Tensor {
  const values = Float64Array.from({ length: count * count }, (_, i) => {
    return (i % (count + 1) === 0 ? 1 : 0) + (0.1 * i) / count ** 2
  })
  return fromTypedArray(values, { shape: [count, count] })
}

function searchOf(method: string, params: Args): IcaSearch {
  switch (method) {
    case 'infomax':
      return { method, extended: params.extended }
    case 'picard': {
      const { ortho, extended, fastica_it } = params
      return { method, orthogonal: ortho, extended, fastIcaIterations: fastica_it }
    }
    default:
      return { tolerance: params.tol }
  }
}
