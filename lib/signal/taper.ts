/** A window that fades a filter's ends: its name, or Kaiser's with its beta. */
export type Taper = 'boxcar' | 'hann' | 'hamming' | 'blackman' | readonly ['kaiser', beta: number]

/** Weights of the cosines that windows of a name are sums of. */
const COSINES = { boxcar: [1], hann: [0.5, 0.5], hamming: [0.54, 0.46], blackman: [0.42, 0.5, 0.08] }

/** The names that {@link taperOf} knows beside Kaiser's. */
export const taperNames: readonly string[] = Object.keys(COSINES)

/** A symmetric window of `length` numbers: `scipy.signal.get_window(taper, length, fftbins=False)`. */
export function taperOf(taper: Taper, length: number): Float64Array {
  if (length === 1) return Float64Array.of(1)
  const half = (length - 1) / 2
  if (typeof taper === 'string') {
    const weights = COSINES[taper]
    return Float64Array.from({ length }, (_, i) => {
      const angle = (Math.PI * (i - half)) / half
      return weights.reduce((sum, weight, k) => sum + weight * Math.cos(k * angle), 0)
    })
  }
  const [, beta] = taper
  return Float64Array.from({ length }, (_, i) => {
    const x = (i - half) / half
    return besselI0(beta * Math.sqrt(Math.max(0, 1 - x * x))) / besselI0(beta)
  })
}

/** The modified Bessel function of order zero, by its power series. */
function besselI0(x: number): number {
  let [term, sum] = [1, 1]
  for (let k = 1; term > sum * 1e-17; k++) {
    term *= (x / (2 * k)) ** 2
    sum += term
  }
  return sum
}
