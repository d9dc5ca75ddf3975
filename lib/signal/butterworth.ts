import { EegTorchError } from '../errors.ts'

/** Second-order section: numerator b0 b1 b2, denominator a0 = 1, a1, a2. */
export type FilterSection = readonly [b0: number, b1: number, b2: number, a0: number, a1: number, a2: number]

interface Complex {
  readonly re: number
  readonly im: number
}

/** Digital filter as zeros, poles and gain. */
interface ZeroPoleGain {
  zeros: Complex[]
  poles: Complex[]
  gain: number
}

/**
 * Digital Butterworth filter as second-order sections, numerically equal to SciPy's `butter(order, ..., output='sos')`.
 *
 * @param order of the low-pass prototype; a band-pass has twice as many poles
 * @param low corner in hertz, undefined for a low-pass
 * @param high corner in hertz, undefined for a high-pass
 * @param stop take the band away instead of what is around it
 * @throws EegTorchError `INVALID_OPTION` if the corners do not lie in order between 0 and half the sampling rate
 */
export function butterworth(
  order: number,
  low: number | undefined,
  high: number | undefined,
  samplingRate: number,
  stop = false,
): FilterSection[] {
  checkCorners(order, low, high, samplingRate)
  const warp = (hertz: number) => 4 * Math.tan((Math.PI * hertz) / samplingRate)
  const prototype = prototypePoles(order)
  if (low === undefined) return pairSections(bilinear(lowPass(prototype, warp(high!))))
  if (high === undefined) return pairSections(bilinear(highPass(prototype, warp(low))))
  return pairSections(bilinear((stop ? bandStop : bandPass)(prototype, warp(low), warp(high))))
}

function checkCorners(order: number, low: number | undefined, high: number | undefined, samplingRate: number): void {
  if (!(Number.isInteger(order) && order >= 1 && order <= 20)) {
    throw new EegTorchError('INVALID_OPTION', 'the filter order is not usable', {
      option: 'order',
      expected: 'a whole number from 1 to 20',
      received: String(order),
    })
  }
  const corners = [low, high].filter((corner) => corner !== undefined)
  const inside = corners.every((corner) => corner > 0 && corner < samplingRate / 2)
  if (corners.length > 0 && inside && (corners.length < 2 || low! < high!)) return
  throw new EegTorchError('INVALID_OPTION', 'the frequency band is not usable', {
    option: 'band',
    expected: `frequencies in rising order between 0 and ${samplingRate / 2} Hz (half of the sampling rate)`,
    received: `${low ?? 'none'}..${high ?? 'none'} Hz`,
  })
}

/** Poles of the analogue low-pass with cut-off 1 rad/s: on the left half of the unit circle, in conjugate pairs. */
function prototypePoles(order: number): Complex[] {
  return Array.from({ length: order }, (_, i) => {
    const angle = (Math.PI * (-order + 1 + 2 * i)) / (2 * order)
    return { re: -Math.cos(angle), im: -Math.sin(angle) }
  })
}

function lowPass(poles: Complex[], cutoff: number): ZeroPoleGain {
  return { zeros: [], poles: poles.map((p) => scale(p, cutoff)), gain: cutoff ** poles.length }
}

function highPass(poles: Complex[], cutoff: number): ZeroPoleGain {
  // The product of the negated prototype poles is 1, so the gain stays 1.
  return { zeros: poles.map(() => ZERO), poles: poles.map((p) => divide({ re: cutoff, im: 0 }, p)), gain: 1 }
}

function bandPass(poles: Complex[], low: number, high: number): ZeroPoleGain {
  const width = high - low
  const split = poles.flatMap((p) => splitPole(scale(p, width / 2), low * high))
  return { zeros: poles.map(() => ZERO), poles: split, gain: width ** poles.length }
}

function bandStop(poles: Complex[], low: number, high: number): ZeroPoleGain {
  const split = poles.flatMap((p) => splitPole(divide({ re: (high - low) / 2, im: 0 }, p), low * high))
  const centre = Math.sqrt(low * high)
  const zeros = poles.flatMap(() => [
    { re: 0, im: centre },
    { re: 0, im: -centre },
  ])
  return { zeros, poles: split, gain: 1 }
}

/** The two places that a pole of the prototype goes to when zero becomes the centre of a band. */
function splitPole(half: Complex, centreSquared: number): [Complex, Complex] {
  const square = multiply(half, half)
  const root = squareRoot({ re: square.re - centreSquared, im: square.im })
  return [add(half, root), add(half, scale(root, -1))]
}

/** Maps s to z = (4 + s) / (4 - s): the bilinear transform at a sampling rate of 2. */
function bilinear({ zeros, poles, gain }: ZeroPoleGain): ZeroPoleGain {
  const four = { re: 4, im: 0 }
  const toDigital = (s: Complex) => divide(add(four, s), add(four, scale(s, -1)))
  const denominator = poles.reduce((product, p) => multiply(product, add(four, scale(p, -1))), { re: 1, im: 0 })
  const numerator = zeros.reduce((product, z) => multiply(product, add(four, scale(z, -1))), { re: 1, im: 0 })
  return {
    zeros: [...zeros.map(toDigital), ...new Array<Complex>(poles.length - zeros.length).fill({ re: -1, im: 0 })],
    poles: poles.map(toDigital),
    gain: gain * divide(numerator, denominator).re,
  }
}

/**
 * Pairs poles and zeros into sections as SciPy's `zpk2sos(pairing='nearest')` does: the pole nearest the unit circle goes into the
 * last section, with the zeros nearest to it. Pairing changes rounding only, so the same pairing gives the same digits.
 */
function pairSections({ zeros, poles, gain }: ZeroPoleGain): FilterSection[] {
  const left = onePerPair(poles)
  const zerosLeft = onePerPair(zeros)
  if (poles.length % 2 === 1) {
    left.push(ZERO)
    zerosLeft.push(ZERO)
  }
  const sections: FilterSection[] = []
  while (left.length > 0) {
    const pole = takeMin(left, (p) => Math.abs(1 - Math.hypot(p.re, p.im)))
    const partner = isReal(pole) ? takeReal(left, (p) => Math.abs(1 - Math.abs(p.re))) : conjugate(pole)
    const distance = (z: Complex) => Math.hypot(pole.re - z.re, pole.im - z.im)
    const zero = takeMin(zerosLeft, distance)
    const second = isReal(zero) ? takeReal(zerosLeft, distance) : conjugate(zero)
    const [poleSum, zeroSum] = [add(pole, partner), add(zero, second)]
    sections.unshift([1, -zeroSum.re, multiply(zero, second).re, 1, -poleSum.re, multiply(pole, partner).re])
  }
  const [first, ...rest] = sections
  return [[first![0] * gain, first![1] * gain, first![2] * gain, 1, first![4], first![5]], ...rest]
}

/** Of each conjugate pair the number above the real axis, then the real ones. */
function onePerPair(numbers: readonly Complex[]): Complex[] {
  const real = numbers.filter((c) => isReal(c)).map(({ re }) => ({ re, im: 0 }))
  return [...numbers.filter((c) => !isReal(c) && c.im > 0), ...real]
}

function takeReal(items: Complex[], score: (item: Complex) => number): Complex {
  return takeMin(items, (c) => (isReal(c) ? score(c) : Number.POSITIVE_INFINITY))
}

function takeMin<T>(items: T[], score: (item: T) => number): T {
  let best = 0
  for (let i = 1; i < items.length; i++) if (score(items[i]!) < score(items[best]!)) best = i
  return items.splice(best, 1)[0]!
}

const ZERO: Complex = { re: 0, im: 0 }
const conjugate = ({ re, im }: Complex) => ({ re, im: -im })
const isReal = (c: Complex) => Math.abs(c.im) <= 100 * Number.EPSILON * Math.hypot(c.re, c.im)
const add = (a: Complex, b: Complex) => ({ re: a.re + b.re, im: a.im + b.im })
const scale = (a: Complex, factor: number) => ({ re: a.re * factor, im: a.im * factor })
const multiply = (a: Complex, b: Complex) => ({ re: a.re * b.re - a.im * b.im, im: a.re * b.im + a.im * b.re })

function divide(a: Complex, b: Complex): Complex {
  const norm = b.re * b.re + b.im * b.im
  return { re: (a.re * b.re + a.im * b.im) / norm, im: (a.im * b.re - a.re * b.im) / norm }
}

function squareRoot({ re, im }: Complex): Complex {
  const size = Math.hypot(re, im)
  const root = Math.sqrt((size + Math.abs(re)) / 2)
  if (root === 0) return { re: 0, im: 0 }
  const other = im / (2 * root)
  // The half that is not found by cancellation is computed first.
  return re >= 0 ? { re: root, im: other } : { re: Math.abs(other), im: im < 0 ? -root : root }
}
