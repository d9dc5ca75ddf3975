import { EegTorchError } from '../../errors.ts'
import type { Spacing } from './config.ts'

/** To the nearest integer, halves to the even one, as NumPy rounds. */
export function roundHalfEven(x: number): number {
  const floor = Math.floor(x)
  const rest = x - floor
  if (rest !== 0.5) return Math.round(x)
  return floor % 2 === 0 ? floor : floor + 1
}

/** From noisy to clean, as DDIM, DDPM and PNDM choose them. */
export function spacedTimesteps(kind: Spacing, steps: number, train: number, offset: number): number[] {
  const down = (f: (i: number) => number) => Array.from({ length: steps }, (_, i) => f(steps - 1 - i))
  if (kind === 'linspace') return down((i) => roundHalfEven(linear(i, steps, train)))
  if (kind === 'leading')
    return requireKnown(
      down((i) => i * Math.floor(train / steps) + offset),
      train,
    )
  return trailing(steps, train)
}

/** Refuses steps that an offset moves beyond what was trained, of which no level of noise is known. */
function requireKnown(timesteps: number[], train: number): number[] {
  if (timesteps[0]! < train) return timesteps
  throw new EegTorchError('INVALID_OPTION', 'this number of steps begins after the last timestep of training', {
    option: 'steps',
    expected: `fewer, or a scheduler without stepsOffset: timesteps up to ${train - 1}`,
    received: `${timesteps.length}, which begin at ${timesteps[0]}`,
  })
}

/** The same, not rounded: Euler's network is told fractions. */
export function fractionalTimesteps(kind: Spacing, steps: number, train: number, offset: number): number[] {
  if (kind !== 'linspace') return spacedTimesteps(kind, steps, train, offset)
  return Array.from({ length: steps }, (_, i) => Math.fround(linear(steps - 1 - i, steps, train)))
}

/**
 * As the multistep solvers choose them: one more than the steps, and the last of them left out.
 *
 * @param last one past the noisiest timestep that is used
 */
export function solverTimesteps(kind: Spacing, steps: number, train: number, offset: number, last = train): number[] {
  if (kind === 'trailing') return trailing(steps, train, last)
  const ratio = Math.floor(last / (steps + 1))
  const at = (i: number) => (kind === 'linspace' ? roundHalfEven(linear(i, steps + 1, last)) : i * ratio + offset)
  const timesteps = Array.from({ length: steps }, (_, i) => at(steps - i))
  return kind === 'leading' ? requireKnown(timesteps, train) : timesteps
}

function linear(i: number, count: number, train: number): number {
  return count === 1 ? 0 : (i * (train - 1)) / (count - 1)
}

function trailing(steps: number, train: number, last = train): number[] {
  const count = Math.ceil((last * steps) / train)
  return Array.from({ length: count }, (_, i) => roundHalfEven(last - (i * train) / steps) - 1)
}
