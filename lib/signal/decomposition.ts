import type { Tensor } from '../tensor.ts'
import type { Operation } from './operation.ts'

/** What an algorithm of independent component analysis found. */
export interface Unmixing {
  /** Rows turn whitened samples into sources, shape (components, components). */
  unmixing: Tensor
  /** Steps that it took: passes over the recording. */
  iterations: number
  /** Whether it stopped by its own rule, and not after the most iterations allowed. */
  converged: boolean
}

/** Options of {@link decomposition.fastIca}, scikit-learn's. */
export interface FastIcaOptions {
  /** Where the search begins, (components, components); default: normal numbers from `seed`. */
  start?: Tensor | undefined
  /** As `random_state` of scikit-learn, the same numbers; default 0. */
  seed?: number | undefined
  /** All components at once, or one after the other; default `'parallel'`. */
  algorithm?: 'parallel' | 'deflation' | undefined
  /** Contrast, default `'logcosh'`. */
  fun?: 'logcosh' | 'exp' | 'cube' | undefined
  /** Of `'logcosh'`, 1 to 2; default 1. */
  alpha?: number | undefined
  /** Default 200. */
  maxIterations?: number | undefined
  /** Turn of the components in one step below which it stops; default 1e-4. */
  tolerance?: number | undefined
}

/** Options of {@link decomposition.infomax}, those of MNE's `infomax`. */
export interface InfomaxOptions {
  /** Of the order of samples, as an integer `random_state` of MNE, the same numbers; default 0. */
  seed?: number | undefined
  /** Also finds sources that are flatter than a Gaussian, such as line noise; default true. */
  extended?: boolean | undefined
  /** Default 0.01 / log(components^2). */
  learningRate?: number | undefined
  /** Samples of a step; default: the square root of a third of all. */
  block?: number | undefined
  /** Change of the weights, squared, below which it stops; default 1e-12. */
  tolerance?: number | undefined
  /** The rate is multiplied by `annealFactor` where the change turned by more degrees; default 60. */
  annealDegrees?: number | undefined
  /** Default 0.9. */
  annealFactor?: number | undefined
  /** Flat sources assumed at first; default 1. */
  subgaussian?: number | undefined
  /** Samples from which kurtosis is estimated; default 6000. */
  kurtosisSamples?: number | undefined
  /** Blocks between two estimates of it at first; 0 for never. Default 1. */
  kurtosisBlocks?: number | undefined
  /** Passes over the recording; default 200. */
  maxIterations?: number | undefined
  /** Change of the weights above which the rate is halved; default 10000. */
  blowup?: number | undefined
  /** Default 0.5. */
  blowupFactor?: number | undefined
  /** Passes without a turn after which it stops, `null` for never; default 20. */
  smallAngles?: number | null | undefined
  /** Default true. */
  bias?: boolean | undefined
}

/** Options of {@link decomposition.picard}, those of the picard package. */
export interface PicardOptions {
  /** Where the search begins, (components, components); default: a random rotation from `seed`. */
  start?: Tensor | undefined
  /** As `random_state` of picard, the same numbers; default 0. */
  seed?: number | undefined
  /** Keeps the components uncorrelated (Picard-O, FastICA's solutions); default true. */
  orthogonal?: boolean | undefined
  /** Decides for each source whether it is flat or peaked; default as `orthogonal`. */
  extended?: boolean | undefined
  /** Density of the sources, default `'tanh'`. */
  fun?: 'tanh' | 'exp' | 'cube' | undefined
  /** Steps of FastICA to begin with; default 0. */
  fastIcaIterations?: number | undefined
  /** Moves that are remembered; default 7. */
  memory?: number | undefined
  /** Default 500. */
  maxIterations?: number | undefined
  /** Largest part of the gradient at which it stops; default 1e-7. */
  tolerance?: number | undefined
  /** Smallest eigenvalue of the approximated Hessian; default 0.01. */
  smallestEigenvalue?: number | undefined
  /** Halvings of a step before the gradient is followed; default 10. */
  lineSearchTries?: number | undefined
}

/** Principal components of a recording. */
export interface PrincipalComponents {
  /** Of each channel, (channels). */
  mean: Tensor
  /** Orthonormal rows, (channels, channels), the largest variance first. */
  components: Tensor
  /** (channels), of samples - 1 degrees of freedom. */
  variances: Tensor
}

/** What {@link decomposition.icaWhitening} makes of a recording of p channels, n of whose components are to be unmixed. */
export interface IcaWhitening {
  /** (n, samples), of unit covariance. */
  white: Tensor
  /** Of each channel, (p). */
  mean: Tensor
  /** Standard deviation of all channels together, (1). */
  scale: Tensor
  /** Principal components of the scaled recording, orthonormal rows; (p, p). */
  principal: Tensor
  /** Their variances, (p). */
  variances: Tensor
}

const unmixingOf = ([unmixing, iterations, converged]: [Tensor, number, boolean]): Unmixing => ({
  unmixing,
  iterations,
  converged,
})

/** Recordings taken apart. The sums do not depend on the number of threads; a call with an AbortSignal stops between two steps. */
export const decomposition = {
  /**
   * Directions of largest variance. A component's sign makes its largest amplitude positive, as in scikit-learn and MNE.
   *
   * @param x (channels, samples)
   */
  principalComponents: (x: Tensor): Operation<PrincipalComponents> => ({
    operator: 'principal_components',
    given: { x },
    finish: ([mean, components, variances]: [Tensor, Tensor, Tensor]) => ({ mean, components, variances }),
  }),

  /**
   * Scales a recording by the standard deviation of all its channels and whitens its first principal components, as
   * `mne.preprocessing.ICA` does before it unmixes them.
   *
   * @param x (channels, samples)
   * @param options.components a number from 2, or below 1 the share of the variance that they hold at least
   * @throws EegTorchError `INVALID_OPTION` for more components than independent channels
   */
  icaWhitening: (x: Tensor, { components }: { components: number }): Operation<IcaWhitening> => ({
    operator: 'ica_whitening',
    given: { x, components },
    finish: ([white, mean, scale, principal, variances]: Tensor[]): IcaWhitening =>
      ({ white, mean, scale, principal, variances }) as IcaWhitening,
  }),

  /**
   * matrix x + offset for every sample: sources from channels, channels from sources, another reference.
   *
   * @param x (..., channels, samples)
   * @param options.matrix (rows, channels)
   * @param options.offset (rows), none by default
   * @returns (..., rows, samples)
   */
  spatialFilter: (
    x: Tensor,
    { matrix, offset }: { matrix: Tensor; offset?: Tensor | undefined },
  ): Operation<Tensor> => ({ operator: 'spatial_filter', given: { x, matrix, offset } }),

  /**
   * FastICA (Hyvärinen 1999): `sklearn.decomposition.FastICA(whiten=False)`.
   *
   * @param white (components, samples), uncorrelated and of unit variance
   */
  fastIca: (
    white: Tensor,
    {
      start,
      seed = 0,
      algorithm = 'parallel',
      fun = 'logcosh',
      alpha = 1,
      maxIterations = 200,
      tolerance = 1e-4,
    }: FastIcaOptions = {},
  ): Operation<Unmixing> => ({
    operator: 'fastica',
    given: { white, start, seed, algorithm, fun, alpha, maxIter: maxIterations, tol: tolerance },
    finish: unmixingOf,
  }),

  /**
   * Infomax (Bell and Sejnowski 1995), extended (Lee, Girolami and Sejnowski 1999): `mne.preprocessing.infomax`.
   *
   * @param white (components, samples), uncorrelated and of unit variance
   * @throws EegTorchError `INVALID_OPTION` for components that depend on each other
   */
  infomax: (white: Tensor, options: InfomaxOptions = {}): Operation<Unmixing> => ({
    operator: 'infomax',
    given: { white, ...infomaxArguments(options) },
    finish: unmixingOf,
  }),

  /**
   * Picard (Ablin, Cardoso and Gramfort 2018): `picard(white, whiten=False)`. It finds the same components as FastICA
   * (`orthogonal`) or Infomax in fewer passes over the recording.
   *
   * @param white (components, samples), uncorrelated and of unit variance
   */
  picard: (
    white: Tensor,
    { start, seed = 0, orthogonal = true, extended = orthogonal, ...options }: PicardOptions = {},
  ): Operation<Unmixing> => ({
    operator: 'picard',
    given: {
      white,
      start,
      seed,
      ortho: orthogonal,
      extended,
      fun: options.fun ?? 'tanh',
      fasticaIt: options.fastIcaIterations ?? 0,
      m: options.memory ?? 7,
      maxIter: options.maxIterations ?? 500,
      tol: options.tolerance ?? 1e-7,
      lambdaMin: options.smallestEigenvalue ?? 0.01,
      lsTries: options.lineSearchTries ?? 10,
    },
    finish: unmixingOf,
  }),
}

function infomaxArguments({ smallAngles = 20, ...options }: InfomaxOptions): Record<string, unknown> {
  return {
    seed: options.seed ?? 0,
    extended: options.extended ?? true,
    lRate: options.learningRate,
    block: options.block,
    wChange: options.tolerance ?? 1e-12,
    annealDeg: options.annealDegrees ?? 60,
    annealStep: options.annealFactor ?? 0.9,
    nSubgauss: options.subgaussian ?? 1,
    kurtSize: options.kurtosisSamples ?? 6000,
    extBlocks: options.kurtosisBlocks ?? 1,
    maxIter: options.maxIterations ?? 200,
    blowup: options.blowup ?? 10000,
    blowupFac: options.blowupFactor ?? 0.5,
    nSmallAngle: smallAngles ?? undefined,
    useBias: options.bias ?? true,
  }
}
