import type { Tensor } from '../tensor.ts'
import type { Operation } from './operation.ts'

/** How covariances are estimated. */
export interface CovarianceOptions {
  /**
   * `'scm'`: the mean of products. `'oas'` (Chen et al. 2010) and `'lwf'` (Ledoit and Wolf 2004): that, mixed with its mean variance in
   * a share found from the samples. `'shrunk'`: in the share `shrinkage`. Default `'scm'`.
   */
  estimator?: 'scm' | 'oas' | 'lwf' | 'shrunk' | undefined
  /** Of `'shrunk'`, 0 to 1; default 0. */
  shrinkage?: number | undefined
}

/** Options of {@link covariance.csp}, those of MNE's `CSP`. */
export interface CspOptions extends CovarianceOptions {
  /** Takes the mean of the epochs' covariances, not the covariance of all epochs together (MNE's `cov_est`); default false. */
  byEpoch?: boolean | undefined
  /** Divides each class's covariance by its trace (MNE's `norm_trace`); default false. */
  unitTrace?: boolean | undefined
  /**
   * `'mutual_info'`: the most telling filter first. `'alternate'`, for two classes: the most telling for one and for the other in turn.
   * Default `'mutual_info'`.
   */
  order?: 'mutual_info' | 'alternate' | undefined
}

/** Spatial filters, as many as the rank of the recording, the most telling first. */
export interface SpatialPatterns {
  /** Weights of the channels, (components, channels). */
  filters: Tensor
  /** What one unit of each component adds to the channels, (components, channels): scalp maps. */
  patterns: Tensor
}

/** A mean of matrices. */
export interface RiemannMean {
  /** (n, n). */
  mean: Tensor
  /** Steps that it took; 0 where the mean is a formula. */
  iterations: number
  converged: boolean
}

/** Options of {@link covariance.riemannMean}. */
export interface RiemannMeanOptions {
  /** (count), equal by default. */
  weights?: Tensor | undefined
  /**
   * `'riemann'`: the matrix with the smallest sum of squared affine-invariant distances to all; `'logeuclid'`: the exponential of the
   * mean logarithm. Default `'riemann'`.
   */
  metric?: 'riemann' | 'logeuclid' | undefined
  /** Size of the gradient at which it stops; default 1e-8. */
  tolerance?: number | undefined
  /** Default 50. */
  maxIterations?: number | undefined
}

const patternsOf = ([filters, patterns]: [Tensor, Tensor]): SpatialPatterns => ({ filters, patterns })

/** Covariances, what tells them apart, and their geometry. Matrices of too few independent channels are refused by its logarithms. */
export const covariance = {
  /**
   * Covariances of windows: `pyriemann.utils.covariance.covariances(x, estimator)`.
   *
   * @param x (..., channels, samples)
   * @param options.centred says that signals have no mean, so that none is taken away; default false
   * @returns (..., channels, channels), in the square of the signal's unit
   */
  covariances: (
    x: Tensor,
    { estimator = 'scm', shrinkage = 0, centred = false }: CovarianceOptions & { centred?: boolean | undefined } = {},
  ): Operation<Tensor> => ({ operator: 'covariances', given: { x, estimator, shrinkage, centred } }),

  /**
   * Common spatial patterns of band-passed epochs: `mne.decoding.CSP`, of any number of classes (for more than two by Pham's joint
   * diagonalisation). `{ estimator: 'shrunk', shrinkage: 0.1 }` is MNE's `reg=0.1`, `'oas'` its `reg='oas'` and `'lwf'` its
   * `reg='ledoit_wolf'`.
   *
   * @param x (epochs, channels, samples)
   * @param labels (epochs) of int64
   * @throws EegTorchError `INVALID_OPTION` for epochs of one class
   */
  csp: (
    x: Tensor,
    labels: Tensor,
    { estimator = 'scm', shrinkage = 0, byEpoch = false, unitTrace = false, order = 'mutual_info' }: CspOptions = {},
  ): Operation<SpatialPatterns> => ({
    operator: 'csp',
    given: { x, labels, estimator, shrinkage, byEpoch, unitTrace, order },
    finish: patternsOf,
  }),

  /**
   * The same from one covariance a class.
   *
   * @param covariances (classes, channels, channels)
   * @param options.weights how much each class counts, (classes)
   */
  cspOfCovariances: (
    covariances: Tensor,
    { weights, order = 'mutual_info' }: Pick<CspOptions, 'order'> & { weights: Tensor },
  ): Operation<SpatialPatterns> => ({
    operator: 'csp_of_covariances',
    given: { covariances, weights, order },
    finish: patternsOf,
  }),

  /**
   * Mean of symmetric positive definite matrices: `pyriemann.utils.mean.gmean(matrices, metric)`.
   *
   * @param matrices (count, n, n)
   */
  riemannMean: (
    matrices: Tensor,
    { weights, metric = 'riemann', tolerance = 1e-8, maxIterations = 50 }: RiemannMeanOptions = {},
  ): Operation<RiemannMean> => ({
    operator: 'riemann_mean',
    given: { matrices, weights, metric, tol: tolerance, maxIter: maxIterations },
    finish: ([mean, iterations, converged]: [Tensor, number, boolean]) => ({ mean, iterations, converged }),
  }),

  /**
   * Logarithms of matrices as seen from a reference, as vectors of the upper triangle: `pyriemann.tangentspace.TangentSpace`.
   *
   * @param matrices (count, n, n)
   * @param options.reference (n, n), usually the mean of training matrices
   * @returns (count, n (n + 1) / 2), entries beside the diagonal times the square root of 2
   */
  tangentSpace: (matrices: Tensor, { reference }: { reference: Tensor }): Operation<Tensor> => ({
    operator: 'tangent_space',
    given: { matrices, reference },
  }),

  /**
   * Matrices of tangent vectors: the way back of {@link covariance.tangentSpace}.
   *
   * @param vectors (count, n (n + 1) / 2)
   * @returns (count, n, n)
   */
  fromTangentSpace: (vectors: Tensor, { reference }: { reference: Tensor }): Operation<Tensor> => ({
    operator: 'from_tangent_space',
    given: { vectors, reference },
  }),

  /**
   * Distances between matrices: `pyriemann.utils.distance.distance`.
   *
   * @param matrices (count, n, n)
   * @param options.references (others, n, n)
   * @returns (count, others)
   */
  riemannDistances: (
    matrices: Tensor,
    { references, metric = 'riemann' }: Pick<RiemannMeanOptions, 'metric'> & { references: Tensor },
  ): Operation<Tensor> => ({ operator: 'riemann_distances', given: { matrices, references, metric } }),
}
