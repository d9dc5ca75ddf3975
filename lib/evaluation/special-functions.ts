/**
 * The few special functions that exact binomial statistics need, in double precision. Nothing here checks its arguments:
 * statistics.ts does.
 */

const LOG_SQRT_TAU = 0.9189385332046728

/** Coefficients of Lanczos' approximation for g = 607/128, as computed by Godfrey: relative error below 1e-15. */
const LANCZOS = [
  0.9999999999999971, 57.15623566586292, -59.59796035547549, 14.136097974741746, -0.4919138160976202,
  3.399464998481189e-5, 4.652362892704858e-5, -9.837447530487956e-5, 0.0001580887032249125, -0.00021026444172410488,
  0.00021743961811521265, -0.0001643181065367639, 8.441822398385275e-5, -2.6190838401581408e-5, 3.6899182659531625e-6,
]

/** Logarithm of the gamma function for x > 0. */
export function logGamma(x: number): number {
  if (x === 1 || x === 2) return 0
  if (x < 0.5) return Math.log(Math.PI / Math.sin(Math.PI * x)) - logGamma(1 - x)
  if (x >= 15) return (x - 0.5) * Math.log(x) - x + LOG_SQRT_TAU + stirlingSeries(x)
  const series = LANCZOS.reduce((total, c, i) => (i === 0 ? c : total + c / (x - 1 + i)), 0)
  const t = x - 1 + 607 / 128 + 0.5
  return LOG_SQRT_TAU + (x - 0.5) * Math.log(t) - t + Math.log(series)
}

/**
 * Regularised incomplete beta function I_x(a, b) for 0 <= x <= 1 and a, b > 0: the probability that a Beta(a, b) variable
 * is at most x. Small values keep their relative accuracy; for a small complement call `regularisedBeta(1 - x, b, a)`.
 *
 * The power term follows Loader (2000), "Fast and accurate computation of binomial probabilities", which avoids the
 * cancellation of large log-gammas; the rest is the continued fraction of DLMF 8.17.22.
 */
export function regularisedBeta(x: number, a: number, b: number): number {
  if (x <= 0) return 0
  if (x >= 1) return 1
  if (x <= (a + 1) / (a + b + 2)) return (powerTerm(x, a, b) / a) * betaFraction(x, a, b)
  return 1 - (powerTerm(x, a, b) / b) * betaFraction(1 - x, b, a)
}

/** The x with I_x(a, b) = probability, to the last bits, by bisection. */
export function inverseRegularisedBeta(probability: number, a: number, b: number): number {
  let [low, high] = [0, 1]
  for (;;) {
    const middle = (low + high) / 2
    if (middle <= low || middle >= high) return middle
    if (regularisedBeta(middle, a, b) < probability) low = middle
    else high = middle
  }
}

/** The x with Phi(x) = probability for the standard normal distribution, by bisection. */
export function normalQuantile(probability: number): number {
  return probability < 0.5 ? -inverseNormalTail(probability) : inverseNormalTail(1 - probability)
}

/** The x >= 0 with P(Z > x) = tail, for tail <= 1/2. */
function inverseNormalTail(tail: number): number {
  let [low, high] = [0, 40]
  for (;;) {
    const middle = (low + high) / 2
    if (middle <= low || middle >= high || tail === 0.5) return low
    if (normalTail(middle) > tail) low = middle
    else high = middle
  }
}

/** P(Z > x) of a standard normal variable for x >= 0. */
export function normalTail(x: number): number {
  const square = (x * x) / 2
  if (x < 2) {
    // Series of the lower part around zero, DLMF 7.6.2.
    let [term, total] = [x, x]
    for (let n = 1; Math.abs(term) > 1e-17 * total; n++) {
      term *= (x * x) / (2 * n + 1)
      total += term
    }
    return 0.5 - (total * Math.exp(-square)) / Math.sqrt(2 * Math.PI)
  }
  // Continued fraction of Mills' ratio, DLMF 7.9.1, from the far end.
  let tail = x
  for (let n = 200; n >= 1; n--) tail = x + n / tail
  return Math.exp(-square) / (Math.sqrt(2 * Math.PI) * tail)
}

/** x^a (1 - x)^b / B(a, b). */
function powerTerm(x: number, a: number, b: number): number {
  const n = a + b
  const remainder = stirlingError(n) - stirlingError(a) - stirlingError(b)
  const exponent = remainder - deviance(a, n * x) - deviance(b, n * (1 - x))
  return Math.sqrt((a * b) / (2 * Math.PI * n)) * Math.exp(exponent)
}

/** What Stirling's formula leaves of log x!: log Gamma(x + 1) - (x + 1/2) log x + x - log sqrt(2 pi). */
function stirlingError(x: number): number {
  return x >= 15 ? stirlingSeries(x) : logGamma(x + 1) - (x + 0.5) * Math.log(x) + x - LOG_SQRT_TAU
}

function stirlingSeries(x: number): number {
  const square = x * x
  return (
    (1 / 12 -
      (1 / 360 - (1 / 1260 - (1 / 1680 - (1 / 1188 - 691 / 360360 / square) / square) / square) / square) / square) /
    x
  )
}

/** x log(x / mean) + mean - x without the cancellation near x = mean. */
function deviance(x: number, mean: number): number {
  const difference = x - mean
  if (Math.abs(difference) >= 0.1 * (x + mean)) return x * Math.log(x / mean) + mean - x
  const v = difference / (x + mean)
  let total = difference * v
  let power = 2 * x * v
  for (let j = 1; ; j++) {
    power *= v * v
    const next = total + power / (2 * j + 1)
    if (next === total) return total
    total = next
  }
}

/** Continued fraction of the incomplete beta function by Lentz's method as modified by Thompson and Barnett. */
function betaFraction(x: number, a: number, b: number): number {
  const tiny = 1e-300
  let c = 1
  let d = 1 / guard(1 - ((a + b) * x) / (a + 1))
  let value = d
  for (let m = 1; m < 100_000; m++) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m))
    d = 1 / guard(1 + even * d)
    c = guard(1 + even / c)
    value *= d * c
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1))
    d = 1 / guard(1 + odd * d)
    c = guard(1 + odd / c)
    const factor = d * c
    value *= factor
    if (Math.abs(factor - 1) < 1e-16) break
  }
  return value

  function guard(denominator: number): number {
    return Math.abs(denominator) < tiny ? tiny : denominator
  }
}
