import { defined } from '../defined.ts'
import { EegTorchError } from '../errors.ts'

/**
 * A learning rate schedule: the factor on the optimiser's learning rate in a step.
 *
 * @param step from 0
 * @param steps of the whole training
 */
export type Schedule = (step: number, steps: number) => number

/** Options of {@link schedules}.oneCycle. */
export interface OneCycleOptions {
  /** Share of the steps over which the rate rises. Default 0.3. */
  rise?: number
  /** Factor at the start. Default 1/25. */
  start?: number
  /** Factor at the end. Default 1/250000. */
  end?: number
  /** Along half a cosine or a straight line. Default `cosine`. */
  anneal?: 'cosine' | 'linear'
  /** Falls to `start` as slowly as it rose, then to `end` in what is left. Default false. */
  threePhase?: boolean
}

/** Learning rates over the course of a training, as factors on the optimiser's. They count steps, that is batches, and agree with PyTorch's. */
export const schedules: {
  constant(): Schedule
  /** Times `factor` after each `every` steps. */
  step(options: { every: number; factor?: number }): Schedule
  /** Times `factor` after each of these steps. */
  multiStep(options: { milestones: readonly number[]; factor?: number }): Schedule
  /** Times `factor` after every step. */
  exponential(options: { factor: number }): Schedule
  /** From 1 to 0, as the share of steps that are left to the given power; a straight line by default. */
  polynomial(options?: { power?: number }): Schedule
  /** Half a cosine from 1 to `final` (Loshchilov and Hutter 2017). */
  cosine(options?: { final?: number }): Schedule
  /** One half cosine after the other, the first over `first` steps, each next one `times` as long (Loshchilov and Hutter 2017). */
  cosineRestarts(options: { first: number; times?: number; final?: number }): Schedule
  /** Up to 1 in the first part, down to almost nothing after it (Smith and Topin 2018). Momentum stays as it is. */
  oneCycle(options?: OneCycleOptions): Schedule
  /** A straight rise from `start` to 1 over the first `steps`, then another schedule for the steps that are left. */
  warmUp(options: { steps: number; start?: number }, then?: Schedule): Schedule
} = {
  constant: () => () => 1,

  step({ every, factor = 0.1 }) {
    requirePositive('every', every)
    return (step) => factor ** Math.floor(step / every)
  },

  multiStep({ milestones, factor = 0.1 }) {
    for (const milestone of milestones) requirePositive('milestones', milestone)
    return (step) => factor ** milestones.filter((milestone) => milestone <= step).length
  },

  exponential({ factor }) {
    requirePositive('factor', factor)
    return (step) => factor ** step
  },

  polynomial({ power = 1 } = {}) {
    requirePositive('power', power)
    return (step, steps) => Math.max(0, 1 - step / steps) ** power
  },

  cosine({ final = 0 } = {}) {
    return (step, steps) => final + (1 - final) * halfCosine(step / steps)
  },

  cosineRestarts({ first, times = 1, final = 0 }) {
    requirePositive('first', first)
    if (!(times >= 1)) requirePositive('times', times - 1)
    return (step) => {
      let [from, length] = [0, first]
      while (step >= from + length) {
        from += length
        length *= times
      }
      return final + (1 - final) * halfCosine((step - from) / length)
    }
  },

  oneCycle({ rise = 0.3, start = 1 / 25, end = 1 / 250_000, anneal = 'cosine', threePhase = false } = {}) {
    const share = anneal === 'cosine' ? halfCosine : straight
    return (step, steps) => {
      const top = rise * steps - 1
      const phases = [
        { until: top, from: start, to: 1 },
        ...(threePhase ? [{ until: 2 * top, from: 1, to: start }] : []),
        { until: steps - 1, from: threePhase ? start : 1, to: end },
      ]
      const place = Math.max(
        0,
        phases.findIndex(({ until }) => step <= until),
      )
      const { until, from, to } = phases[place]!
      const since = phases[place - 1]?.until ?? 0
      return to + (from - to) * share((step - since) / Math.max(until - since, Number.EPSILON))
    }
  },

  warmUp({ steps: rise, start = 0 }, then = () => 1) {
    requirePositive('steps', rise)
    return (step, steps) =>
      step < rise ? start + ((1 - start) * (step + 1)) / rise : then(step - rise, Math.max(1, steps - rise))
  },
}

/** A schedule as configurations write it: its name, alone or with its options. */
export type DescribedSchedule =
  | 'constant'
  | 'cosine'
  | 'oneCycle'
  | 'polynomial'
  | 'step'
  | { name: 'step'; every: number; factor?: number | undefined }
  | { name: 'multiStep'; milestones: readonly number[]; factor?: number | undefined }
  | { name: 'exponential'; factor: number }
  | { name: 'polynomial'; power?: number | undefined }
  | { name: 'cosine'; final?: number | undefined }
  | { name: 'cosineRestarts'; first: number; times?: number | undefined; final?: number | undefined }
  | ({ name: 'oneCycle' } & { [Option in keyof OneCycleOptions]: OneCycleOptions[Option] | undefined })

/** The schedule that a configuration describes, after a warm-up of some steps. `step` alone falls to a tenth at each third of the way. */
export function describedSchedule(described: DescribedSchedule, warmUp = 0): Schedule {
  const schedule = typeof described === 'string' ? namedSchedule(described) : scheduleWith(described)
  return warmUp > 0 ? schedules.warmUp({ steps: warmUp }, schedule) : schedule
}

function namedSchedule(name: Extract<DescribedSchedule, string>): Schedule {
  const byName = {
    constant: schedules.constant(),
    cosine: schedules.cosine(),
    oneCycle: schedules.oneCycle(),
    polynomial: schedules.polynomial(),
    step: (step: number, steps: number) => 0.1 ** Math.floor((3 * step) / steps),
  }
  return byName[name]
}

function scheduleWith({ name, ...options }: Exclude<DescribedSchedule, string>): Schedule {
  const make = schedules[name] as (options: object) => Schedule
  return make(defined(options))
}

/** From 1 at 0 to 0 at 1. */
function halfCosine(part: number): number {
  return (1 + Math.cos(Math.PI * Math.min(1, Math.max(0, part)))) / 2
}

/** From 1 at 0 to 0 at 1. */
function straight(part: number): number {
  return 1 - Math.min(1, Math.max(0, part))
}

function requirePositive(option: string, value: number): void {
  if (Number.isFinite(value) && value > 0) return
  throw new EegTorchError('INVALID_OPTION', 'the schedule is not usable', {
    option,
    expected: 'a number above 0',
    received: String(value),
  })
}
