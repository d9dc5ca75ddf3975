import { EegTorchError } from './errors.ts'

// Taken once: inside a vm context (jest, sandboxes) every look-up of a global costs more than the arithmetic.
const { floor, imul, log, sqrt } = Math
const MULTIPLIER_HIGH = 0x5851f42d
const MULTIPLIER_LOW = 0x4c957f2d

/**
 * Seeded random numbers: the generator PCG-XSH-RR 64/32 (O'Neill 2014), whose published test vectors it reproduces. The same
 * seed gives the same numbers on every machine.
 */
export class Random {
  // 64-bit state and increment as pairs of 32-bit halves: BigInt would be ten times slower.
  #high = 0
  #low = 0
  readonly #incrementHigh: number
  readonly #incrementLow: number
  #spare: number | undefined

  /**
   * @param seed a whole number from 0 to 2^53 - 1
   * @param stream numbers from different streams are independent
   */
  constructor(seed: number, stream = 54) {
    requireSeed(seed)
    requireSeed(stream)
    this.#incrementHigh = floor((stream * 2) / 2 ** 32) >>> 0
    this.#incrementLow = ((stream << 1) | 1) >>> 0
    this.#advance()
    this.#add(floor(seed / 2 ** 32), seed >>> 0)
    this.#advance()
  }

  /** A whole number, uniform in 0 .. 2^32 - 1. */
  uint32(): number {
    const high = this.#high
    const low = this.#low
    this.#advance()
    const mixedHigh = (high >>> 18) ^ high
    const mixedLow = ((high << 14) | (low >>> 18)) ^ low
    const word = (mixedHigh << 5) | (mixedLow >>> 27)
    const turn = high >>> 27
    return ((word >>> turn) | (word << (-turn & 31))) >>> 0
  }

  /** A number, uniform in [0, 1), with 53 random bits. */
  uniform(): number {
    return ((this.uint32() >>> 5) * 2 ** 26 + (this.uint32() >>> 6)) / 2 ** 53
  }

  /**
   * A whole number, uniform in 0 .. n - 1.
   *
   * @param n a whole number from 1 to 2^32
   * @throws EegTorchError `INVALID_OPTION`
   */
  below(n: number): number {
    if (!(n >= 1 && n <= 2 ** 32 && n === floor(n))) throw noBound(n)
    // Numbers from the incomplete last stretch would favour small results.
    const limit = 2 ** 32 - (2 ** 32 % n)
    for (;;) {
      const value = this.uint32()
      if (value < limit) return value % n
    }
  }

  /** A standard normal number (Marsaglia's polar method). */
  normal(): number {
    if (this.#spare !== undefined) {
      const value = this.#spare
      this.#spare = undefined
      return value
    }
    for (;;) {
      const x = 2 * this.uniform() - 1
      const y = 2 * this.uniform() - 1
      const square = x * x + y * y
      if (square >= 1 || square === 0) continue
      const factor = sqrt((-2 * log(square)) / square)
      this.#spare = y * factor
      return x * factor
    }
  }

  /** The items in random order, as a new array (Fisher and Yates). */
  shuffle<T>(items: Iterable<T>): T[] {
    const out = [...items]
    for (let i = out.length - 1; i > 0; i--) {
      const other = this.below(i + 1)
      const item = out[i]!
      out[i] = out[other]!
      out[other] = item
    }
    return out
  }

  /**
   * One of the items.
   *
   * @throws EegTorchError `INVALID_OPTION` if there are none
   */
  pick<T>(items: readonly T[]): T {
    if (items.length === 0) {
      throw new EegTorchError('INVALID_OPTION', 'there is nothing to pick from', { option: 'items' })
    }
    return items[this.below(items.length)]!
  }

  #advance(): void {
    const high = this.#high
    const low = this.#low
    const cross = imul(high, MULTIPLIER_LOW) + imul(low, MULTIPLIER_HIGH)
    this.#high = (highProduct(low, MULTIPLIER_LOW) + cross) >>> 0
    this.#low = imul(low, MULTIPLIER_LOW) >>> 0
    this.#add(this.#incrementHigh, this.#incrementLow)
  }

  #add(high: number, low: number): void {
    const sum = this.#low + low
    this.#low = sum >>> 0
    this.#high = (this.#high + high + (sum >= 2 ** 32 ? 1 : 0)) >>> 0
  }
}

function noBound(n: number): EegTorchError {
  return new EegTorchError('INVALID_OPTION', 'random numbers cannot stay below this', {
    option: 'n',
    expected: 'a whole number from 1 to 2^32',
    received: String(n),
  })
}

/** The upper half of the 64-bit product of two 32-bit numbers. */
function highProduct(a: number, b: number): number {
  const [aHigh, aLow, bHigh, bLow] = [a >>> 16, a & 0xffff, b >>> 16, b & 0xffff]
  const middle = aHigh * bLow + ((aLow * bLow) >>> 16)
  const carry = aLow * bHigh + (middle & 0xffff)
  return aHigh * bHigh + floor(middle / 65536) + floor(carry / 65536)
}

/** @throws EegTorchError `INVALID_OPTION` for what is no whole number from 0 to 2^53 - 1 */
export function requireSeed(seed: number): void {
  if (Number.isSafeInteger(seed) && seed >= 0) return
  throw new EegTorchError('INVALID_OPTION', 'the seed is not usable', {
    option: 'seed',
    expected: 'a whole number from 0 to 2^53 - 1',
    received: String(seed),
  })
}
