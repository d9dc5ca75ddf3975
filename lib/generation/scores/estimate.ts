import { signFlipTest } from '../../evaluation/paired-tests.ts'
import { mean } from '../../evaluation/statistics.ts'
import { Random } from '../../random.ts'

/** A mean over trials with its interval. */
export interface Estimate {
  /** NaN where no trial has a finite value. */
  mean: number
  /** Ends of the interval: percentiles of means of trials drawn again with replacement. Absent for fewer than two trials. */
  low?: number
  high?: number
  /** Trials with a finite value. */
  n: number
}

/** A control beside a score. */
export interface ControlEstimate extends Estimate {
  /** Two-sided sign-flip test over trials that the score differs from this control; absent for fewer than two trials. */
  p?: number
}

const DRAWS = 2000

/** The mean of one value a trial. @param confidence of the interval */
export function estimate(values: readonly number[], { confidence = 0.95, seed = 0 } = {}): Estimate {
  const known = values.filter(Number.isFinite)
  if (known.length === 0) return { mean: Number.NaN, n: 0 }
  if (known.length === 1) return { mean: known[0]!, n: 1 }
  const random = new Random(seed)
  const means = Array.from({ length: DRAWS }, () => mean(known.map(() => random.pick(known)))).sort((a, b) => a - b)
  const at = (share: number) => means[Math.min(DRAWS - 1, Math.max(0, Math.round(share * DRAWS - 0.5)))]!
  const half = (1 - confidence) / 2
  return { mean: mean(known), low: at(half), high: at(1 - half), n: known.length }
}

/** A control's mean, and whether the score differs from it: both one value for each trial, in the same order. */
export function compareWithControl(
  own: readonly number[],
  control: readonly number[],
  options: { confidence?: number; seed?: number } = {},
): ControlEstimate {
  const differences = own.map((value, i) => value - control[i]!).filter(Number.isFinite)
  const made = estimate(control, options)
  return differences.length < 2 ? made : { ...made, p: signFlipTest(differences) }
}
