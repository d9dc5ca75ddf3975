import { EegTorchError } from '../errors.ts'
import { Random } from '../random.ts'
import { normalTail } from './special-functions.ts'
import { mean } from './statistics.ts'

/** Pairs with a difference up to which tests are exact. */
const EXACT_WILCOXON = 200
const EXACT_SIGN_FLIP = 16

/**
 * Wilcoxon's signed-rank test, two-sided: the probability of rank sums at least this uneven if each difference were as likely to be
 * negative. Pairs without difference are left out, equal sizes share their mean rank. Exact, ties included, for up to 200 pairs with a difference;
 * beyond, the normal approximation with the variance corrected for ties. Equals `scipy.stats.wilcoxon` where that is exact.
 *
 * @param differences one number a pair
 * @returns the p-value; 1 where no pair differs
 * @throws EegTorchError `INVALID_OPTION` for numbers that are not finite
 */
export function wilcoxonSignedRank(differences: readonly number[]): number {
  requireFinite(differences)
  const unequal = differences.filter((value) => value !== 0)
  if (unequal.length === 0) return 1
  // Twice the mean rank is a whole number, so sums are exact.
  const ranks = doubledRanks(unequal.map(Math.abs))
  const total = ranks.reduce((a, b) => a + b, 0)
  const positive = ranks.reduce((sum, rank, i) => sum + (unequal[i]! > 0 ? rank : 0), 0)
  const smaller = Math.min(positive, total - positive)
  if (unequal.length <= EXACT_WILCOXON) return Math.min(1, 2 * shareUpTo(ranks, smaller))
  const variance = ranks.reduce((sum, rank) => sum + rank * rank, 0) / 4
  return Math.min(1, 2 * normalTail((total / 2 - smaller) / Math.sqrt(variance)))
}

/**
 * Sign-flip permutation test of a mean difference, two-sided: the share of all ways to turn the differences round that give a mean at least this
 * far from 0. Exact for up to 16 pairs with a difference; beyond, from random ways, this one counted among them.
 *
 * @param differences one number a pair
 * @throws EegTorchError `INVALID_OPTION` for numbers that are not finite
 */
export function signFlipTest(
  differences: readonly number[],
  {
    flips = 10_000,
    seed = 0,
  }: {
    /** Random ways, default 10,000. */
    flips?: number
    /** Of the random ways, default 0. */
    seed?: number
  } = {},
): number {
  requireFinite(differences)
  const unequal = differences.filter((value) => value !== 0)
  const total = (isFlipped: (i: number) => boolean) =>
    unequal.reduce((sum, value, i) => sum + (isFlipped(i) ? -value : value), 0)
  // Sums of equal numbers in another order differ in the last bits.
  const limit = Math.abs(total(() => false)) - 1e-12 * unequal.reduce((sum, value) => sum + Math.abs(value), 0)
  let asFar = 0
  if (unequal.length <= EXACT_SIGN_FLIP) {
    const ways = 2 ** unequal.length
    for (let way = 0; way < ways; way++) if (Math.abs(total((i) => ((way >> i) & 1) === 1)) >= limit) asFar++
    return asFar / ways
  }
  const random = new Random(seed)
  for (let n = 0; n < flips; n++) if (Math.abs(total(() => random.uint32() >= 2 ** 31)) >= limit) asFar++
  return (asFar + 1) / (flips + 1)
}

/** Holm's correction: p-values that keep the probability of any false alarm among them, in the order given. */
export function holmCorrection(pValues: readonly number[]): number[] {
  const order = [...pValues.keys()].sort((a, b) => pValues[a]! - pValues[b]!)
  const out = new Array<number>(pValues.length)
  let least = 0
  for (const [rank, at] of order.entries()) {
    least = Math.min(1, Math.max(least, (pValues.length - rank) * pValues[at]!))
    out[at] = least
  }
  return out
}

/** Two methods on the same units: subjects, or trials. */
export interface PairedComparison {
  a: string
  b: string
  /** Mean of a - b. */
  difference: number
  /** Pairs. */
  n: number
  /** Pairs with a difference. */
  unequal: number
  wilcoxon: { p: number; holm: number }
  signFlip: { p: number; holm: number }
}

/**
 * Compares each two of some methods on the same units, with both tests, each corrected by Holm over all pairs.
 *
 * @param scores a method's score of each unit, in the same order for all
 * @throws EegTorchError `INVALID_OPTION` for methods with different numbers of units
 */
export function comparePairs(
  scores: ReadonlyMap<string, readonly number[]>,
  options: { flips?: number; seed?: number } = {},
): PairedComparison[] {
  const names = [...scores.keys()]
  const pairs = names.flatMap((a, i) =>
    names.slice(i + 1).map((b) => ({ a, b, differences: subtract(scores.get(a)!, scores.get(b)!) })),
  )
  const wilcoxon = pairs.map(({ differences }) => wilcoxonSignedRank(differences))
  const signFlip = pairs.map(({ differences }) => signFlipTest(differences, options))
  const [wilcoxonHolm, signFlipHolm] = [holmCorrection(wilcoxon), holmCorrection(signFlip)]
  return pairs.map(({ a, b, differences }, i) => ({
    a,
    b,
    difference: mean(differences),
    n: differences.length,
    unequal: differences.filter((value) => value !== 0).length,
    wilcoxon: { p: wilcoxon[i]!, holm: wilcoxonHolm[i]! },
    signFlip: { p: signFlip[i]!, holm: signFlipHolm[i]! },
  }))
}

function subtract(a: readonly number[], b: readonly number[]): number[] {
  if (a.length === b.length && a.length > 0) return a.map((value, i) => value - b[i]!)
  throw new EegTorchError('INVALID_OPTION', 'paired tests need the same units of both methods', {
    expected: `${a.length} scores`,
    received: `${b.length}`,
  })
}

function doubledRanks(sizes: readonly number[]): number[] {
  const order = [...sizes.keys()].sort((a, b) => sizes[a]! - sizes[b]!)
  const ranks = new Array<number>(sizes.length)
  for (let first = 0; first < order.length; ) {
    let end = first
    while (end < order.length && isTied(sizes[order[end]!]!, sizes[order[first]!]!)) end++
    for (let i = first; i < end; i++) ranks[order[i]!] = first + end + 1
    first = end
  }
  return ranks
}

/** Shares such as 3/5 - 2/5 and 2/5 - 1/5 differ in the last bits. */
function isTied(a: number, b: number): boolean {
  return Math.abs(a - b) <= 1e-12 * Math.max(Math.abs(a), Math.abs(b))
}

/** Share of all subsets of the ranks whose sum is at most so much. */
function shareUpTo(ranks: readonly number[], limit: number): number {
  const share = new Float64Array(limit + 1)
  share[0] = 1
  for (const rank of ranks) {
    for (let sum = limit; sum >= 0; sum--) share[sum] = (share[sum]! + (sum >= rank ? share[sum - rank]! : 0)) / 2
  }
  return share.reduce((a, b) => a + b, 0)
}

function requireFinite(differences: readonly number[]): void {
  const wrong = differences.find((value) => !Number.isFinite(value))
  if (wrong === undefined) return
  throw new EegTorchError('INVALID_OPTION', 'paired differences are not usable', {
    expected: 'finite numbers',
    received: String(wrong),
  })
}
