import { EegTorchError } from '../errors.ts'
import type { Tensor } from '../tensor.ts'
import { butterworth } from './butterworth.ts'
import { filters, fir } from './filters.ts'
import { type MneFirOptions, mneCreateFilter } from './mne-design.ts'
import { ringingSamples } from './mne-iir.ts'
import type { Operation } from './operation.ts'

/** What {@link mneFilters.mneFilterData} takes beside the band. */
export interface MneFilterOptions extends MneFirOptions {
  /** Default: `'fir'`. `'iir'` is a Butterworth filter, whose response ends where it has fallen to a thousandth. */
  method?: 'fir' | 'iir' | undefined
  /**
   * `'zero'`, the default, delays nothing; `'zero-double'` neither, forward and backward; `'linear'` of `'fir'` and `'forward'` of
   * `'iir'` are causal.
   */
  phase?: 'zero' | 'zero-double' | 'linear' | 'forward' | undefined
  /** Order of `'iir'`, default 4. */
  order?: number | undefined
}

/** What {@link mneFilters.mneNotchFilter} takes beside the frequencies. */
export interface MneNotchOptions
  extends Pick<MneFilterOptions, 'filterLength' | 'firWindow' | 'method' | 'phase' | 'order'> {
  /** Hertz that are stopped at each frequency; default a 200th of it. */
  notchWidths?: number | readonly number[] | undefined
  /** Hertz of both transitions together, default 1. */
  transBandwidth?: number | undefined
}

/** Filters with MNE-Python's designs, lengths and ends. */
export const mneFilters = {
  /**
   * `mne.filter.filter_data(x, samplingRate, low, high)`: a filter of finite impulse response (`firwin`), which delays nothing; the signal is
   * turned about its ends. A signal shorter than the filter is filtered as MNE does it, which warns.
   *
   * @param x (..., samples), float32 or float64
   * @param low hertz from which all passes, or null
   * @param high hertz up to which all passes, or null; below `low`, what lies between is stopped
   */
  mneFilterData: (
    x: Tensor,
    samplingRate: number,
    low: number | null,
    high: number | null,
    options: MneFilterOptions = {},
  ): Operation<Tensor> => filterData(x, samplingRate, low, high, options),

  /**
   * `mne.filter.notch_filter(x, samplingRate, frequencies)`.
   *
   * @param x (..., samples), float32 or float64
   * @param frequencies hertz, such as `[50, 100]`; only one for `'iir'`
   */
  mneNotchFilter(
    x: Tensor,
    samplingRate: number,
    frequencies: number | readonly number[],
    { notchWidths, transBandwidth = 1, ...options }: MneNotchOptions = {},
  ): Operation<Tensor> {
    const list = typeof frequencies === 'number' ? [frequencies] : [...frequencies]
    if (list.length === 0) refuse('frequencies', 'one or more, in hertz', 'none')
    const widths = widthsOf(notchWidths, list)
    const beside = transBandwidth / 2
    const lower = list.map((hertz, i) => hertz - widths[i]! / 2 - beside)
    const upper = list.map((hertz, i) => hertz + widths[i]! / 2 + beside)
    return filterData(x, samplingRate, upper, lower, {
      ...options,
      lTransBandwidth: beside,
      hTransBandwidth: beside,
    })
  },
}

type Edges = number | readonly number[] | null

function filterData(
  x: Tensor,
  samplingRate: number,
  low: Edges,
  high: Edges,
  { method = 'fir', phase = 'zero', order = 4, ...design }: MneFilterOptions,
): Operation<Tensor> {
  if (method === 'iir') return recursive(x, samplingRate, low, high, phase, order)
  if (method !== 'fir') refuse('method', "'fir' or 'iir'", `${method}`)
  const taps = mneCreateFilter(samplingRate, low, high, design)
  const reach = taps.length - 1
  if (phase === 'zero') return fir(x, taps, reach / 2, reach)
  if (phase === 'zero-double') return fir(x, correlated(taps), reach, reach)
  if (phase === 'linear') return fir(x, taps, 0, reach)
  return refuse('phase', "'zero', 'zero-double' or 'linear' where the method is 'fir'", `${phase}`)
}

/** The taps convolved with their mirror image: forward and backward in one. */
function correlated(taps: Float64Array): Float64Array {
  const n = taps.length
  const twice = new Float64Array(2 * n - 1)
  for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) twice[n - 1 + i - j]! += taps[i]! * taps[j]!
  return twice
}

function recursive(
  x: Tensor,
  samplingRate: number,
  low: Edges,
  high: Edges,
  phase: string,
  order: number,
): Operation<Tensor> {
  const [lower, upper] = [only('low', low), only('high', high)]
  const stop = lower !== undefined && upper !== undefined && lower > upper
  const corners = stop ? ([upper, lower] as const) : ([lower, upper] as const)
  const sections = butterworth(order, corners[0], corners[1], samplingRate, stop)
  if (phase === 'forward') return filters.sosfilt(x, sections)
  if (phase === 'zero' || phase === 'zero-double')
    return filters.sosfiltfilt(x, sections, { padding: ringingSamples(sections) })
  return refuse('phase', "'zero', 'zero-double' or 'forward' where the method is 'iir'", `${phase}`)
}

function only(option: string, edges: Edges): number | undefined {
  if (edges === null || typeof edges === 'number') return edges ?? undefined
  if (edges.length === 1) return edges[0]
  return refuse(option, "one band where the method is 'iir'", `${edges.length}`)
}

function widthsOf(widths: number | readonly number[] | undefined, frequencies: readonly number[]): readonly number[] {
  if (widths === undefined) return frequencies.map((hertz) => hertz / 200)
  const list = typeof widths === 'number' ? frequencies.map(() => widths) : widths
  const fits = list.length === frequencies.length && list.every((width) => width >= 0)
  return fits ? list : refuse('notchWidths', `${frequencies.length} numbers of hertz, 0 or above`, `${widths}`)
}

function refuse(option: string, expected: string, received: string): never {
  throw new EegTorchError('INVALID_OPTION', "MNE's filter cannot be applied", { option, expected, received })
}
