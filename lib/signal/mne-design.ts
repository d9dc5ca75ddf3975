import { EegTorchError } from '../errors.ts'
import { firwin, MOST_TAPS } from './firwin.ts'
import { roundHalfToEven } from './round.ts'

/** How MNE-Python designs a filter of finite impulse response (`fir_design='firwin'`). */
export interface MneFirOptions {
  /** Taps, or seconds such as `'3.3s'` or `'500ms'`; default `'auto'`: as many as the narrowest transition needs. */
  filterLength?: number | string | undefined
  /** Hertz between stop and pass at the lower edge; default `'auto'`: a quarter of the edge, at least 2 Hz, at most the edge. */
  lTransBandwidth?: number | 'auto' | undefined
  /** The same at the upper edge, at most up to half of the sampling rate. */
  hTransBandwidth?: number | 'auto' | undefined
  /** Default: `'hamming'`. */
  firWindow?: 'hann' | 'hamming' | 'blackman' | undefined
}

/** Taps times transition band, as a share of the sampling rate, that each window needs. */
const LENGTH_FACTORS = { hann: 3.1, hamming: 3.3, blackman: 5.0 }

/** Frequencies with the gain there, 0 or 1; lines between. */
type Gains = readonly (readonly [hertz: number, gain: 0 | 1])[]

/**
 * The taps of `mne.filter.create_filter(None, samplingRate, low, high)` for a low-pass (`low` null), a high-pass (`high` null), a band-pass, or,
 * with `low` above `high`, a band-stop. Lists make several band-stops in one.
 *
 * @param low hertz from which all passes, or null
 * @param high hertz up to which all passes, or null
 * @returns symmetric taps, an odd number of them
 * @throws EegTorchError `INVALID_OPTION`
 */
export function mneCreateFilter(
  samplingRate: number,
  low: number | readonly number[] | null,
  high: number | readonly number[] | null,
  options: MneFirOptions = {},
): Float64Array {
  const { firWindow = 'hamming' } = options
  if (!Object.hasOwn(LENGTH_FACTORS, firWindow))
    refuse('firWindow', Object.keys(LENGTH_FACTORS).join(', '), String(firWindow))
  const [lows, highs] = [edgesOf('low', low, samplingRate), edgesOf('high', high, samplingRate)]
  if (lows.length === 0 && highs.length === 0) return Float64Array.of(1)
  const stops = lows.length > 0 && highs.length > 0 && lows.every((edge, i) => edge >= highs[i]!)
  const { gains, narrowest } = stops
    ? bandStops(highs, lows, samplingRate, options)
    : passBand(lows, highs, samplingRate, options)
  const length = lengthOf(options.filterLength ?? 'auto', narrowest, samplingRate, LENGTH_FACTORS[firWindow])
  return sumOfLowPasses(length, gains, samplingRate, firWindow)
}

function edgesOf(option: string, edges: number | readonly number[] | null, samplingRate: number): number[] {
  const list = edges === null ? [] : typeof edges === 'number' ? [edges] : [...edges]
  if (list.every((hertz) => hertz > 0 && hertz < samplingRate / 2)) return list
  return refuse(option, `between 0 and ${samplingRate / 2} Hz (half of the sampling rate)`, list.join(', '))
}

interface Design {
  gains: Gains
  /** Width in hertz of the narrowest transition. */
  narrowest: number
}

function passBand(lows: readonly number[], highs: readonly number[], rate: number, options: MneFirOptions): Design {
  if (lows.length > 1 || highs.length > 1) return refuse('low', 'one band that passes, or bands to stop', `${lows}`)
  const gains: [number, 0 | 1][] = []
  const widths: number[] = []
  const [low, high] = [lows[0], highs[0]]
  if (low === undefined) gains.push([0, 1])
  else {
    const width = lowerWidth(low, options.lTransBandwidth)
    if (low - width < 0) return refuse('lTransBandwidth', `at most ${low} Hz, the edge itself`, `${width}`)
    if (low - width > 0) gains.push([0, 0])
    gains.push([low - width, 0], [low, 1])
    widths.push(width)
  }
  if (high === undefined) gains.push([rate / 2, 1])
  else {
    const width = upperWidth(high, rate, options.hTransBandwidth)
    if (high + width > rate / 2) return refuse('hTransBandwidth', `at most ${rate / 2 - high} Hz`, `${width}`)
    gains.push([high, 1], [high + width, 0])
    if (high + width !== rate / 2) gains.push([rate / 2, 0])
    widths.push(width)
  }
  return { gains, narrowest: Math.min(...widths) }
}

/** @param from lower edges of the stopped bands, transitions included, in any order; @param to upper ones */
function bandStops(from: readonly number[], to: readonly number[], rate: number, options: MneFirOptions): Design {
  if (from.length !== to.length) return refuse('low', 'as many edges as high', `${to.length} and ${from.length}`)
  const widths: number[] = []
  const edges: [number, 0 | 1][] = from.flatMap((lower, i) => {
    const upper = to[i]!
    const [below, above] = [
      lowerWidth(lower, options.hTransBandwidth),
      upperWidth(upper, rate, options.lTransBandwidth),
    ]
    widths.push(below, above)
    return [
      [lower - below + below, 1],
      [lower + below, 0],
      [upper - above, 0],
      [upper + above - above, 1],
    ]
  })
  const gains: [number, 0 | 1][] = [[0, 1], ...edges.sort((a, b) => a[0] - b[0]), [rate / 2, 1]]
  // two transitions in a row would leave no band between
  const apart = gains.every(
    ([, gain], i) => Math.abs(gain - 2 * (gains[i + 1]?.[1] ?? gain) + (gains[i + 2]?.[1] ?? gain)) <= 1,
  )
  if (!apart) return refuse('low', 'bands to stop that are further apart, or wider than their transitions', `${from}`)
  return { gains, narrowest: Math.min(...widths) }
}

function lowerWidth(edge: number, width: number | 'auto' = 'auto'): number {
  return checkWidth('lTransBandwidth', width === 'auto' ? Math.min(Math.max(0.25 * edge, 2), edge) : width)
}

function upperWidth(edge: number, rate: number, width: number | 'auto' = 'auto'): number {
  return checkWidth('hTransBandwidth', width === 'auto' ? Math.min(Math.max(0.25 * edge, 2), rate / 2 - edge) : width)
}

function checkWidth(option: string, width: number): number {
  return width > 0 && Number.isFinite(width)
    ? width
    : refuse(option, "a number of hertz above 0, or 'auto'", `${width}`)
}

/** Taps, an odd number. */
function lengthOf(length: number | string, narrowest: number, samplingRate: number, factor: number): number {
  const seconds = length === 'auto' ? factor / narrowest : secondsOf(`${length}`)
  const taps = typeof length === 'number' ? length : Math.max(Math.ceil(seconds * samplingRate), 1)
  if (Number.isInteger(taps) && taps >= 1 && taps <= MOST_TAPS) return oddAtLeast(taps)
  return refuse('filterLength', `from 1 to ${MOST_TAPS} taps, or seconds such as '3.3s'`, `${length}, ${taps} taps`)
}

function secondsOf(text: string): number {
  const parts = /^\s*([\d.]+(?:e[+-]?\d+)?)\s*(m?)s$/i.exec(text)
  return parts === null ? Number.NaN : Number(parts[1]) * (parts[2] === '' ? 1 : 1e-3)
}

/** Each transition is a low-pass of its own, as long as it needs to be; they are added and taken away, centres on each other. */
function sumOfLowPasses(
  length: number,
  gains: Gains,
  samplingRate: number,
  window: keyof typeof LENGTH_FACTORS,
): Float64Array {
  const shares = gains.map(([hertz, gain]) => [hertz / (samplingRate / 2), gain] as const)
  const h = new Float64Array(length)
  let [above, gainAbove] = shares.at(-1)!
  if (gainAbove === 1) h[(length - 1) / 2] = 1
  for (const [share, gain] of shares.slice(0, -1).reverse()) {
    if (gain !== gainAbove) {
      const transition = (above - share) / 2
      const taps = oddAtLeast(roundHalfToEven(LENGTH_FACTORS[window] / transition))
      if (taps > length) {
        const needed = `${taps} taps, for a transition of ${(transition * samplingRate).toFixed(2)} Hz`
        return refuse('filterLength', `at least ${needed}`, `${length}`)
      }
      const lowPass = firwin(taps, (above + share) / 2, 2, { window })
      const offset = (length - taps) / 2
      for (let i = 0; i < taps; i++) h[offset + i]! += gain === 0 ? -lowPass[i]! : lowPass[i]!
    }
    ;[above, gainAbove] = [share, gain]
  }
  return h
}

const oddAtLeast = (n: number) => n + ((n + 1) % 2)

function refuse(option: string, expected: string, received: string): never {
  throw new EegTorchError('INVALID_OPTION', "MNE's filter cannot be designed", { option, expected, received })
}
