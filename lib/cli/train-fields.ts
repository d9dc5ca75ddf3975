import { z } from 'zod'
import { isObject } from '../is-object.ts'
import { positive } from './config-fields.ts'

/** A name of `augment`, alone or with options; C++ judges them. */
export const augmentation = z.union([z.string().transform((name) => ({ name })), z.looseObject({ name: z.string() })])
export const names = z.array(z.string()).min(1)
/** Parameters by name that learn at a rate of their own. */
export const parameterGroup = z.strictObject({
  params: names,
  lr: z.number().min(0).optional(),
  weightDecay: z.number().min(0).optional(),
})
const factor = z.number().positive().optional()
/** How schedules were spelt before they had the names of `schedules`. */
const OLDER_SCHEDULES = new Map<unknown, string>([
  ['multi-step', 'multiStep'],
  ['cosine-restarts', 'cosineRestarts'],
  ['one-cycle', 'oneCycle'],
])
const presentName = (name: unknown) => OLDER_SCHEDULES.get(name) ?? name
const describedSchedule = z.union([
  z.enum(['constant', 'cosine', 'oneCycle', 'polynomial', 'step']),
  z.discriminatedUnion('name', [
    z.strictObject({ name: z.literal('step'), every: positive, factor }),
    z.strictObject({ name: z.literal('multiStep'), milestones: z.array(positive).min(1), factor }),
    z.strictObject({ name: z.literal('exponential'), factor: z.number().positive() }),
    z.strictObject({ name: z.literal('polynomial'), power: z.number().positive().optional() }),
    z.strictObject({ name: z.literal('cosine'), final: z.number().min(0).optional() }),
    z.strictObject({
      name: z.literal('cosineRestarts'),
      first: positive,
      times: z.number().min(1).optional(),
      final: z.number().min(0).optional(),
    }),
    z.strictObject({
      name: z.literal('oneCycle'),
      rise: z.number().gt(0).lt(1).optional(),
      start: factor,
      end: factor,
      anneal: z.enum(['cosine', 'linear']).optional(),
      threePhase: z.boolean().optional(),
    }),
  ]),
])
/** How the learning rate goes: a name, or a name with its options. */
export const schedule = z.preprocess(
  (said) => (isObject(said) ? { ...said, name: presentName(said.name) } : presentName(said)),
  describedSchedule,
)
/** What keeps trials together. */
export const group = z.enum(['subject', 'session', 'run', 'trial', 'stimulus'])

/** Folds: two at least. */
export const count = z.number().int().min(2)
const within = { within: z.enum(['subject', 'session']).optional() }
/** How a split is made, by its name. */
export const protocol = z.discriminatedUnion('name', [
  z.strictObject({ name: z.literal('hold-out'), test: z.number().gt(0).lt(1), by: group.optional(), ...within }),
  z.strictObject({ name: z.literal('k-fold'), folds: count, by: group.optional(), ...within }),
  z.strictObject({ name: z.literal('blocks'), folds: count, gap: z.number().min(0).optional(), ...within }),
  z.strictObject({ name: z.literal('leave-one-out'), by: group, ...within }),
  z.strictObject({ name: z.literal('leave-one-subject-out') }),
  z.strictObject({ name: z.literal('cross-session'), forward: z.boolean().optional() }),
  z.strictObject({ name: z.literal('subjects'), train: names, validation: names.optional(), test: names }),
  z.strictObject({ name: z.literal('bcic-iv-2a') }),
  z.strictObject({ name: z.literal('visual-imagery') }),
])

/** What files may not say of themselves. */
export const recordingOptions = z.strictObject({
  samplingRate: z.number().positive().optional(),
  unit: z.string().optional(),
  channelNames: names.optional(),
  stream: z.string().optional(),
  subject: z.string().optional(),
  session: z.string().optional(),
})
/** A classical decoder, alone or with options. */
export const baseline = z.union([
  z.string(),
  z.strictObject({ model: z.string(), modelOptions: z.record(z.string(), z.unknown()).optional() }),
])
