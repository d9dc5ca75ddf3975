import { EegTorchError } from '../errors.ts'
import { type Taper, taperNames, taperOf } from './taper.ts'

/** The most taps that a design may ask for: 1,000 seconds at 10 kHz. */
export const MOST_TAPS = 1e7

/** What {@link firwin} takes beside taps, cutoffs and sampling rate. */
export interface FirwinOptions {
  /** Default: `'hamming'`. */
  window?: Taper | undefined
  /** Whether 0 Hz passes, default true: one cutoff makes a low-pass, two a band-stop; with false a high-pass, a band-pass. */
  passZero?: boolean | undefined
  /** Gain 1 at the centre of the first band that passes, default true. */
  scale?: boolean | undefined
}

/**
 * A filter of finite impulse response by windowing the ideal one: `scipy.signal.firwin(taps, cutoffs, fs=samplingRate)`.
 *
 * @param taps an odd number where half of the sampling rate is to pass
 * @param cutoffs hertz, in rising order
 * @returns symmetric taps; they delay a signal by (taps - 1) / 2 samples
 * @throws EegTorchError `INVALID_OPTION`
 */
export function firwin(
  taps: number,
  cutoffs: number | readonly number[],
  samplingRate: number,
  { window = 'hamming', passZero = true, scale = true }: FirwinOptions = {},
): Float64Array {
  const edges = (typeof cutoffs === 'number' ? [cutoffs] : [...cutoffs]).map((hertz) => (2 * hertz) / samplingRate)
  const bands = passBands(edges, passZero)
  checkDesign(taps, edges, bands, window)
  const centre = (taps - 1) / 2
  const taper = taperOf(window, taps)
  const h = taper.map((weight, i) => {
    const ideal = bands.reduce((sum, [low, high]) => sum + idealTap(high, i - centre) - idealTap(low, i - centre), 0)
    return weight * ideal
  })
  if (!scale) return h
  const [low, high] = bands[0]!
  const frequency = low === 0 ? 0 : high === 1 ? 1 : (low + high) / 2
  const gain = h.reduce((sum, tap, i) => sum + tap * Math.cos(Math.PI * (i - centre) * frequency), 0)
  return h.map((tap) => tap / gain)
}

/** Pairs of edges, as shares of half the sampling rate. */
function passBands(edges: readonly number[], passZero: boolean): [low: number, high: number][] {
  const all = passZero ? [0, ...edges] : [...edges]
  if (all.length % 2 === 1) all.push(1)
  return Array.from({ length: all.length / 2 }, (_, i) => [all[2 * i]!, all[2 * i + 1]!])
}

/** Tap at a distance from the centre of the ideal low-pass with this edge. */
function idealTap(edge: number, distance: number): number {
  const angle = Math.PI * edge * distance
  return angle === 0 ? edge : (edge * Math.sin(angle)) / angle
}

function checkDesign(taps: number, edges: readonly number[], bands: readonly [number, number][], window: Taper): void {
  const refuse = (option: string, expected: string, received: string) => {
    throw new EegTorchError('INVALID_OPTION', 'a filter of finite impulse response cannot be designed', {
      option,
      expected,
      received,
    })
  }
  if (!(Number.isInteger(taps) && taps >= 1 && taps <= MOST_TAPS))
    refuse('taps', `a whole number from 1 to ${MOST_TAPS}`, `${taps}`)
  const rising = edges.every((edge, i) => edge > (edges[i - 1] ?? 0) && edge < 1)
  if (edges.length === 0 || !rising)
    refuse(
      'cutoffs',
      'frequencies in rising order between 0 and half of the sampling rate',
      `${edges.join(', ')} of it`,
    )
  if (bands.at(-1)![1] === 1 && taps % 2 === 0)
    refuse('taps', 'an odd number, for the highest frequency passes', `${taps}`)
  const known = typeof window === 'string' ? taperNames.includes(window) : window?.[0] === 'kaiser' && window[1] >= 0
  if (!known) refuse('window', `${taperNames.join(', ')} or ['kaiser', beta]`, `${window}`)
}
