import { EegTorchError } from '../errors.ts'

/**
 * A learning rate schedule: the factor on the optimiser's learning rate in a step.
 *
 * @param step from 0
 * @param steps of the whole training
 */
export type Schedule = (step: number, steps: number) => number

/** A schedule by name, as configurations write it. */
export type ScheduleName = 'constant' | 'cosine' | 'one-cycle' | 'step'

/** Learning rates over the course of a training, as factors on the optimiser's. */
export const schedules: {
  constant(): Schedule
  /** Times `factor` after each `every` steps. */
  step(options: { every: number; factor?: number }): Schedule
  /** Half a cosine from 1 to `final` (Loshchilov and Hutter 2017). */
  cosine(options?: { final?: number }): Schedule
  /** Up to 1 in the first part, down to almost nothing after it, both along half a cosine (Smith and Topin 2018). */
  oneCycle(options?: { rise?: number; start?: number; end?: number }): Schedule
  /** A straight rise from `start` to 1 over the first `steps`, then another schedule for the steps that are left. */
  warmUp(options: { steps: number; start?: number }, then?: Schedule): Schedule
} = {
  constant: () => () => 1,

  step({ every, factor = 0.1 }) {
    requirePositive('every', every)
    return (step) => factor ** Math.floor(step / every)
  },

  cosine({ final = 0 } = {}) {
    return (step, steps) => final + (1 - final) * halfCosine(step / steps)
  },

  // The defaults are those of PyTorch's OneCycleLR: a rise over 0.3, from 1/25 and down to 1/250000.
  oneCycle({ rise = 0.3, start = 1 / 25, end = 1 / 250_000 } = {}) {
    return (step, steps) => {
      const top = rise * steps - 1
      if (step <= top) return 1 + (start - 1) * halfCosine(step / top)
      return end + (1 - end) * halfCosine((step - top) / Math.max(steps - 1 - top, Number.EPSILON))
    }
  },

  warmUp({ steps: rise, start = 0 }, then = () => 1) {
    requirePositive('steps', rise)
    return (step, steps) =>
      step < rise ? start + ((1 - start) * (step + 1)) / rise : then(step - rise, Math.max(1, steps - rise))
  },
}

/** The schedule that a configuration names, after a warm-up of some steps. `step` falls to a tenth at each third of the way. */
export function scheduleByName(name: ScheduleName, warmUp = 0): Schedule {
  const byName: Record<ScheduleName, Schedule> = {
    constant: schedules.constant(),
    cosine: schedules.cosine(),
    'one-cycle': schedules.oneCycle(),
    step: (step, steps) => 0.1 ** Math.floor((3 * step) / steps),
  }
  return warmUp > 0 ? schedules.warmUp({ steps: warmUp }, byName[name]) : byName[name]
}

/** From 1 at 0 to 0 at 1. */
function halfCosine(part: number): number {
  return (1 + Math.cos(Math.PI * Math.min(1, Math.max(0, part)))) / 2
}

function requirePositive(option: string, value: number): void {
  if (Number.isFinite(value) && value > 0) return
  throw new EegTorchError('INVALID_OPTION', 'the schedule is not usable', {
    option,
    expected: 'a number above 0',
    received: String(value),
  })
}
