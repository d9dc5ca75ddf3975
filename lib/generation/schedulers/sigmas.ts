import type { SigmaConfig } from './config.ts'

/** The exponent of Karras et al. 2022, equation 5. */
const RHO = 7

/** Noise levels of a run, one more than its steps, and the timesteps that belong to them. */
export interface Levels {
  sigmas: number[]
  timesteps: number[]
}

/**
 * The levels at given timesteps, or, where the config asks for it, levels spread by Karras et al. or by their logarithm
 * with the timesteps that they fall on.
 *
 * @param schedule noise over signal at each timestep of training
 * @param range the largest and smallest level, unless the config names them
 */
export function makeLevels(
  config: SigmaConfig,
  timesteps: readonly number[],
  schedule: readonly number[],
  range: readonly [high: number, low: number],
  lastOfSpread = false,
): Levels {
  const high = config.sigmaMax ?? range[0]
  const low = config.sigmaMin ?? range[1]
  const spread = config.useKarrasSigmas ? karras : config.useExponentialSigmas ? exponential : undefined
  const levels = spread
    ? Array.from({ length: timesteps.length }, (_, i) => spread(high, low, i / Math.max(timesteps.length - 1, 1)))
    : timesteps.map((t) => interpolate(schedule, t))
  const smallest = spread && lastOfSpread ? levels.at(-1)! : schedule[0]!
  const last = config.finalSigmasType === 'zero' ? 0 : smallest
  return {
    sigmas: [...levels, last].map(Math.fround),
    timesteps: spread ? levels.map((sigma) => timestepOf(sigma, schedule)) : [...timesteps],
  }
}

export function interpolate(values: readonly number[], at: number): number {
  const low = Math.min(Math.max(Math.floor(at), 0), values.length - 1)
  const high = Math.min(low + 1, values.length - 1)
  return values[low]! + (values[high]! - values[low]!) * Math.min(Math.max(at - low, 0), 1)
}

function karras(high: number, low: number, share: number): number {
  const [from, to] = [high ** (1 / RHO), low ** (1 / RHO)]
  return (from + share * (to - from)) ** RHO
}

function exponential(high: number, low: number, share: number): number {
  return Math.exp(Math.log(high) + share * (Math.log(low) - Math.log(high)))
}

/** Where a level lies among those of training, by the logarithm. */
function timestepOf(sigma: number, schedule: readonly number[]): number {
  const logs = schedule.map((level) => Math.fround(Math.log(level)))
  const wanted = Math.log(Math.max(sigma, 1e-10))
  const below = logs.findLastIndex((log) => log <= wanted)
  const low = Math.min(Math.max(below, 0), logs.length - 2)
  const share = (logs[low]! - wanted) / (logs[low]! - logs[low + 1]!)
  return low + Math.min(Math.max(share, 0), 1)
}
