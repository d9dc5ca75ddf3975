import { EegTorchError } from '../errors.ts'
import { ops } from '../ops/index.ts'
import type { Tensor } from '../tensor.ts'
import type { FastIcaOptions, InfomaxOptions, PicardOptions, Unmixing } from './decomposition.ts'
import { type EyeComponents, type EyeOptions, eyeSignals, findEyeComponents } from './eye-components.ts'
import { type IcaContent, readIca, writeIca } from './ica-file.ts'
import { type AsyncSignal, asyncSignal, signal } from './index.ts'

/** An algorithm with its own options. */
export type IcaSearch =
  | ({ method?: 'fastica' | undefined } & Omit<FastIcaOptions, 'start'>)
  | ({ method: 'infomax' } & InfomaxOptions)
  | ({ method: 'picard' } & Omit<PicardOptions, 'start'>)

/** Options of {@link Ica.fit}. */
export type IcaOptions = IcaSearch & {
  /** A number from 2, or below 1 the share of the variance that the components hold at least; default 0.999999. */
  components?: number | undefined
  /** Names of the channels, kept beside the result. */
  channels?: readonly string[] | undefined
  /** Stops the search between two of its steps: the promise rejects with `CANCELLED`. */
  signal?: AbortSignal | undefined
}

/** Options of {@link Ica.apply}. */
export interface IcaApplyOptions {
  /** Components to take out, numbered from 0; default none. */
  exclude?: readonly number[] | undefined
  /** The only components to keep, instead of `exclude`. */
  include?: readonly number[] | undefined
  /** Principal components to keep, those that were not unmixed as they are; default all. */
  principalComponents?: number | undefined
}

const operators = ops.namespace('eegtorch')

/**
 * Independent component analysis of a recording, with the numbers of `mne.preprocessing.ICA`: channels are divided by their common
 * standard deviation, whitened by principal components and unmixed; components are sorted by the variance that they explain.
 * A seed gives the components that the same integer `random_state` gives in MNE.
 *
 * Two defaults differ: Infomax is extended, and the recording's rank is found where no number of components is given.
 */
export class Ica {
  readonly #content: IcaContent
  /** Turns volts, freed of {@link mean}, into sources of unit variance: (components, channels). */
  readonly unmixing: Tensor
  /** Volts that one unit of a source adds to each channel, (channels, components): its columns are scalp maps. */
  readonly mixing: Tensor

  private constructor(content: IcaContent) {
    this.#content = content
    const { unmixing, principal, scale } = content
    const matrices = operators.ica_matrices!(unmixing, principal, scale) as [Tensor, Tensor]
    this.unmixing = matrices[0]
    this.mixing = matrices[1]
  }

  /**
   * Finds the components of a recording on the compute thread, in float64. High-pass filter it at 1 Hz first.
   *
   * @param x volts, (channels, samples) or (epochs, channels, samples)
   * @throws EegTorchError `CANCELLED`; `SHAPE_MISMATCH`; `INVALID_OPTION` for options that do not fit, samples that are not finite, or
   *   more components than the recording has independent channels
   */
  static async fit(x: Tensor, options: IcaOptions = {}): Promise<Ica> {
    const { components = 0.999999, channels, signal: abort, ...search } = options
    const recording = joinEpochs(x)
    checkChannels(channels, recording)
    const run = abort === undefined ? asyncSignal : asyncSignal.until(abort)
    const { white, ...whitening } = await run.icaWhitening(recording, { components })
    const found = await unmix(run, white, search)
    white.dispose()
    const unmixing = operators.ica_unmixing!(found.unmixing, whitening.variances) as Tensor
    const { iterations, converged } = found
    return new Ica({ ...whitening, unmixing, channels, method: search.method ?? 'fastica', iterations, converged })
  }

  /**
   * What {@link save} wrote.
   *
   * @throws EegTorchError `FILE_NOT_FOUND`, `FILE_TRUNCATED`, `FILE_INVALID`
   */
  static async load(path: string): Promise<Ica> {
    return new Ica(await readIca(path))
  }

  /** Writes the decomposition as one safetensors file, whole or not at all. @throws EegTorchError `FILE_WRITE_FAILED` */
  save(path: string): Promise<void> {
    return writeIca(path, this.#content)
  }

  get method(): IcaContent['method'] {
    return this.#content.method
  }

  /** Names of the channels, where {@link fit} was told them. */
  get channels(): readonly string[] | undefined {
    return this.#content.channels
  }

  /** Number of components. */
  get components(): number {
    return this.#content.unmixing.shape[0]!
  }

  /** Passes over the recording that the search took. */
  get iterations(): number {
    return this.#content.iterations
  }

  /** Whether the search stopped by its own rule, and not after the most passes allowed. */
  get converged(): boolean {
    return this.#content.converged
  }

  /** Of each channel in volts, (channels). */
  get mean(): Tensor {
    return this.#content.mean
  }

  /** Share of the recording's variance that each principal component holds, (channels). */
  get principalShares(): Tensor {
    const { variances } = this.#content
    return variances.div(variances.sum())
  }

  /**
   * Time courses of the components.
   *
   * @param x volts, (..., channels, samples)
   * @returns (..., components, samples)
   */
  sources(x: Tensor): Tensor {
    return signal.spatialFilter(x, this.#sourceFilter(x))
  }

  /** {@link sources} on the compute thread. */
  sourcesAsync(x: Tensor): Promise<Tensor> {
    return asyncSignal.spatialFilter(x, this.#sourceFilter(x))
  }

  /**
   * The recording without some of its components.
   *
   * @param x volts, (..., channels, samples)
   * @returns as `x`
   * @throws EegTorchError `INVALID_OPTION` for components that do not exist
   */
  apply(x: Tensor, options: IcaApplyOptions = {}): Tensor {
    return signal.spatialFilter(x, this.#removalFilter(x, options))
  }

  /** {@link apply} on the compute thread. */
  applyAsync(x: Tensor, options: IcaApplyOptions = {}): Promise<Tensor> {
    return asyncSignal.spatialFilter(x, this.#removalFilter(x, options))
  }

  /**
   * Which components follow the eyes: MNE's `ICA.find_bads_eog`.
   *
   * @param x volts, (channels, samples), at least 10 s
   * @throws EegTorchError `INVALID_OPTION` where there is no channel near the eyes, or another option does not fit
   */
  async eyeComponents(x: Tensor, options: EyeOptions): Promise<EyeComponents> {
    const eog = eyeSignals(x, options.eog, this.channels)
    return findEyeComponents(await this.sourcesAsync(x), eog, options)
  }

  #sourceFilter(x: Tensor): SpatialFilter {
    const offset = apply(this.unmixing, this.mean).neg()
    return { matrix: this.unmixing.to(x), offset: offset.to(x) }
  }

  #removalFilter(x: Tensor, { exclude, include, principalComponents }: IcaApplyOptions): SpatialFilter {
    const { unmixing, principal } = this.#content
    const keep = keptComponents(this.components, exclude, include)
    const matrix = operators.ica_projection!(unmixing, principal, {
      keep,
      principalComponents: principalComponents ?? principal.shape[0]!,
    }) as Tensor
    const offset = this.mean.sub(apply(matrix, this.mean))
    return { matrix: matrix.to(x), offset: offset.to(x) }
  }
}

interface SpatialFilter {
  matrix: Tensor
  offset: Tensor
}

/** matrix vector, whose sums do not depend on the number of threads. */
const apply = (matrix: Tensor, vector: Tensor): Tensor =>
  signal.spatialFilter(vector.unsqueeze(1), { matrix }).squeeze(1)

/** (channels, samples) of all epochs in a row, float64. */
function joinEpochs(x: Tensor): Tensor {
  const { shape } = x
  if (shape.length !== 2 && shape.length !== 3) {
    throw new EegTorchError('SHAPE_MISMATCH', 'a recording to be decomposed has another shape', {
      expected: '(channels, samples) or (epochs, channels, samples)',
      received: `(${shape.join(', ')})`,
    })
  }
  const joined = shape.length === 2 ? x : x.transpose(0, 1).reshape([shape[1]!, -1])
  return joined.to('float64')
}

function checkChannels(channels: readonly string[] | undefined, x: Tensor): void {
  if (channels === undefined || channels.length === x.shape[0]) return
  throw new EegTorchError('INVALID_OPTION', 'the channel names do not fit the recording', {
    option: 'channels',
    expected: `${x.shape[0]} names`,
    received: `${channels.length}`,
  })
}

/** At most as many passes as MNE allows each algorithm. */
function unmix(run: AsyncSignal, white: Tensor, search: IcaSearch): Promise<Unmixing> {
  switch (search.method) {
    case 'infomax':
      return run.infomax(white, { maxIterations: 500, ...search })
    case 'picard':
      return run.picard(white, search)
    case 'fastica':
    case undefined:
      return run.fastIca(white, { maxIterations: 1000, ...search })
    default:
      throw new EegTorchError('INVALID_OPTION', 'there is no such algorithm of independent component analysis', {
        option: 'method',
        expected: "'fastica', 'infomax' or 'picard'",
        received: String((search as { method: unknown }).method),
      })
  }
}

function keptComponents(
  count: number,
  exclude: readonly number[] = [],
  include: readonly number[] | undefined,
): number[] {
  const all = Array.from({ length: count }, (_, i) => i)
  const unknown = [...exclude, ...(include ?? [])].find((component) => !all.includes(component))
  if (unknown !== undefined) {
    throw new EegTorchError('INVALID_OPTION', 'there is no such component', {
      option: exclude.includes(unknown) ? 'exclude' : 'include',
      expected: `a number from 0 to ${count - 1}`,
      received: String(unknown),
    })
  }
  if (include === undefined) return all.filter((component) => !exclude.includes(component))
  if (exclude.length === 0) return all.filter((component) => include.includes(component))
  throw new EegTorchError('INVALID_OPTION', 'exclude and include exclude each other', {
    option: 'include',
    expected: 'one of the two',
    received: 'both',
  })
}
