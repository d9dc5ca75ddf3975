import { cat, fromTypedArray, linspace } from '../creation.ts'
import { EegTorchError } from '../errors.ts'
import { ops } from '../ops/index.ts'
import type { Tensor } from '../tensor.ts'
import { asyncSignal } from './index.ts'

/** Options of {@link Ica.eyeComponents}. */
export interface EyeOptions {
  /** In hertz. */
  samplingRate: number
  /**
   * Signals of the eyes, (samples) or (count, samples); or names of channels near the eyes, such as Fp1. Default: those of the recording's
   * channels whose names begin with EOG or Fp.
   */
  eog?: Tensor | readonly string[] | undefined
  /** `'zscore'`: components whose correlation stands out among all; `'correlation'`: those that correlate highly. Default `'zscore'`. */
  measure?: 'zscore' | 'correlation' | undefined
  /** Default 3 standard deviations for `'zscore'`, 0.9 for `'correlation'`. */
  threshold?: number | undefined
  /** Band in hertz in which signals are compared; default 1 to 10. */
  band?: readonly [low: number, high: number] | undefined
}

/** Components that follow the eyes. */
export interface EyeComponents {
  /** Their numbers, the highest correlation first. */
  components: number[]
  /** Correlation of every component with every signal of the eyes; one array a signal. */
  scores: number[][]
}

// How MNE's find_bads_eog filters what it compares.
const FILTER_SECONDS = 10
const TRANSITION = 0.5

/**
 * Signals of the eyes as rows, (count, samples).
 *
 * @param x (channels, samples)
 * @param eog signals, or names among `channels`
 */
export function eyeSignals(x: Tensor, eog: EyeOptions['eog'], channels: readonly string[] = []): Tensor {
  const samples = x.shape.at(-1)!
  if (eog !== undefined && !isNames(eog)) {
    const rows = eog.shape.length === 1 ? eog.unsqueeze(0) : eog
    if (rows.shape.length === 2 && rows.shape[1] === samples) return rows
    throw refuse('eog', `(count, ${samples}) samples`, `(${eog.shape.join(', ')})`)
  }
  const names = eog ?? channels.filter((name) => /^(EOG|Fp)/i.test(name))
  const unknown = names.find((name) => !channels.includes(name))
  if (names.length > 0 && unknown === undefined) {
    const rows = BigInt64Array.from(names, (name) => BigInt(channels.indexOf(name)))
    return x.index_select(0, fromTypedArray(rows))
  }
  const known = channels.length === 0 ? 'and the channels of the decomposition have no names' : channels.join(', ')
  throw refuse('eog', 'signals of the eyes, or names of channels near them', `${unknown ?? 'none'}; ${known}`)
}

const isNames = (eog: NonNullable<EyeOptions['eog']>): eog is readonly string[] => Array.isArray(eog)

/**
 * Which of some time courses follow the eyes: MNE's `ICA.find_bads_eog`.
 *
 * @param sources (components, samples)
 * @param eog (count, samples)
 */
export async function findEyeComponents(
  sources: Tensor,
  eog: Tensor,
  { samplingRate, band = [1, 10], measure = 'zscore', threshold = measure === 'zscore' ? 3 : 0.9 }: EyeOptions,
): Promise<EyeComponents> {
  checkOptions(measure, threshold, band, samplingRate)
  const taps = bandPassTaps(band, samplingRate)
  const filtered = async (x: Tensor) => centredRows(await asyncSignal.firZeroPhase(x.to('float64'), taps))
  const [a, b] = [await filtered(eog), await filtered(sources)]
  const scores = a.matmul(b.t()).toArray() as number[][]
  const found = scores.flatMap((row) => {
    const chosen = measure === 'zscore' ? outliers(row, threshold) : row.map((score) => Math.abs(score) > threshold)
    return row.flatMap((score, component) => (chosen[component] ? [{ component, size: Math.abs(score) }] : []))
  })
  const sorted = found.toSorted((x, y) => y.size - x.size).map(({ component }) => component)
  return { components: [...new Set(sorted)], scores }
}

function checkOptions(
  measure: string,
  threshold: number,
  [low, high]: readonly [number, number],
  samplingRate: number,
): void {
  if (measure !== 'zscore' && measure !== 'correlation') throw refuse('measure', "'zscore' or 'correlation'", measure)
  if (!(Number.isFinite(threshold) && threshold > 0)) throw refuse('threshold', 'a number above 0', String(threshold))
  if (!(samplingRate > 0 && samplingRate < 1e6)) throw refuse('samplingRate', 'a rate in hertz', String(samplingRate))
  if (low > TRANSITION && low < high && high + TRANSITION < samplingRate / 2) return
  const expected = `frequencies in rising order from above ${TRANSITION} to below ${samplingRate / 2 - TRANSITION} Hz`
  throw refuse('band', expected, `${low}..${high} Hz`)
}

const refuse = (option: string, expected: string, received: string): EegTorchError =>
  new EegTorchError('INVALID_OPTION', `option ${option} of eyeComponents is not usable`, { option, expected, received })

/** Rows without their mean, of length 1: their products are correlations. */
function centredRows(x: Tensor): Tensor {
  const centred = x.sub(x.mean([1], { keepdim: true }))
  return centred.div(centred.square().sum([1], { keepdim: true }).sqrt())
}

/** What stands out by more than `threshold` standard deviations of those that do not, looked at twice. */
function outliers(scores: readonly number[], threshold: number): boolean[] {
  const out = scores.map(() => false)
  for (let look = 0; look < 2; look++) {
    const rest = scores.filter((_, i) => !out[i])
    const mean = rest.reduce((a, b) => a + b, 0) / rest.length
    const deviation = Math.sqrt(rest.reduce((sum, score) => sum + (score - mean) ** 2, 0) / rest.length)
    for (const [i, score] of scores.entries()) if (Math.abs(score - mean) > threshold * deviation) out[i] = true
  }
  return out
}

/**
 * Taps of a band-pass of 10 s, forward and backward in one: a window of the inverse Fourier transform of the gains, as
 * `scipy.signal.firwin2` makes it with a Hann window, convolved with itself turned round.
 */
function bandPassTaps([low, high]: readonly [number, number], samplingRate: number): Float64Array {
  const count = 2 ** Math.ceil(Math.log2(Math.ceil(FILTER_SECONDS * samplingRate)))
  const corners = [0, low - TRANSITION, low, high, high + TRANSITION, samplingRate / 2]
  const hertz = linspace(0, samplingRate / 2, count + 1, { dtype: 'float64' })
  const gains = fromTypedArray(Float64Array.from(hertz.toArray() as number[], (at) => gainAt(corners, at)))
  const delay = linspace(0, (-(count - 1) / 2) * Math.PI, count + 1, { dtype: 'float64' })
  const response = ops.aten.complex(gains.mul(delay.cos()), gains.mul(delay.sin()))
  const window = ops.aten.hann_window(count, false, { dtype: 'float64' })
  const once = ops.aten.fft_irfft(response).narrow(0, 0, count).mul(window)
  const power = ops.aten
    .fft_rfft(once, 2 * count)
    .abs()
    .square()
  const twice = ops.aten.fft_irfft(power, 2 * count)
  return cat([twice.narrow(0, count + 1, count - 1), twice.narrow(0, 0, count)]).toTypedArray() as Float64Array
}

/** 1 between the inner two corners, 0 outside of the outer two, straight in between. */
function gainAt([, from, low, high, to]: readonly number[], hertz: number): number {
  return Math.max(0, Math.min(1, (hertz - from!) / (low! - from!), (to! - hertz) / (to! - high!)))
}
