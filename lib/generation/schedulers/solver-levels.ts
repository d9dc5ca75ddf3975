import type { NoiseConfig, SigmaConfig, Spacing } from './config.ts'
import type { NoiseSchedule } from './noise-schedule.ts'
import { type Levels, makeLevels } from './sigmas.ts'
import { roundHalfEven, solverTimesteps } from './timesteps.ts'

/** What a sample is made of at a noise level: signal and noise, and half the logarithm of their ratio squared. */
export interface Level {
  signal: number
  noise: number
  lambda: number
}

/** @param sigma noise over signal */
export function levelOf(sigma: number): Level {
  const signal = 1 / Math.sqrt(sigma ** 2 + 1)
  const noise = sigma * signal
  return { signal, noise, lambda: Math.log(signal) - Math.log(noise) }
}

/**
 * Levels and timesteps of a multistep solver.
 *
 * @param lastOfSpread whether the final level follows the spread ones
 * @param leastLambda noisier timesteps are not used
 */
export function solverLevels(
  config: NoiseConfig & SigmaConfig & { timestepSpacing: Spacing },
  schedule: NoiseSchedule,
  steps: number,
  lastOfSpread: boolean,
  leastLambda = Number.NEGATIVE_INFINITY,
): Levels {
  const all = schedule.sigmas()
  const last = all.filter((sigma) => levelOf(sigma).lambda >= leastLambda).length
  const plain = solverTimesteps(config.timestepSpacing, steps, schedule.length, config.stepsOffset, last)
  const { sigmas, timesteps } = makeLevels(config, plain, all, [all.at(-1)!, all[0]!], lastOfSpread)
  const round = config.useKarrasSigmas && (lastOfSpread || config.betaSchedule !== 'squaredcos_cap_v2')
  return { sigmas, timesteps: timesteps.map(round ? roundHalfEven : Math.trunc) }
}

/** The step that a timestep stands for; rounded levels can share one, of which the reference takes the second. */
export function stepOf(timestep: number, timesteps: readonly number[]): number {
  const first = timesteps.indexOf(timestep)
  const second = timesteps.indexOf(timestep, first + 1)
  return second === -1 ? first : second
}
