import { z } from 'zod'
import { EegTorchError } from '../../errors.ts'
import { camelCase } from '../../names.ts'

const whole = z.number().int().positive()
const fraction = z.number().min(0).max(1)
/** What the network predicts: the noise, the clean sample, or their mixture v (Salimans and Ho 2022). */
export const PREDICTIONS = ['epsilon', 'sample', 'v_prediction'] as const

/** What every scheduler reads of a `scheduler_config.json`. */
export const noiseFields = {
  numTrainTimesteps: whole.default(1000),
  betaStart: z.number().positive().default(1e-4),
  betaEnd: z.number().positive().default(0.02),
  betaSchedule: z.enum(['linear', 'scaled_linear', 'squaredcos_cap_v2', 'sigmoid']).default('linear'),
  trainedBetas: z.array(z.number().positive().lt(1)).min(1).optional(),
  predictionType: z.enum(PREDICTIONS).default('epsilon'),
  stepsOffset: z.number().int().min(0).default(0),
  rescaleBetasZeroSnr: z.boolean().default(false),
}

/** How timesteps are chosen: diffusers has another default in each class. */
export const spacing = (usual: 'leading' | 'linspace') =>
  ({ timestepSpacing: z.enum(['leading', 'trailing', 'linspace']).default(usual) }) as const

/** How a prediction of the clean sample is kept within its range. */
export const rangeFields = {
  clipSample: z.boolean().default(true),
  clipSampleRange: z.number().positive().default(1),
}

export const thresholdFields = {
  thresholding: z.boolean().default(false),
  dynamicThresholdingRatio: fraction.default(0.995),
  sampleMaxValue: z.number().positive().default(1),
}

/** Levels of noise other than those of the timesteps. */
export const sigmaFields = {
  useKarrasSigmas: z.boolean().default(false),
  useExponentialSigmas: z.boolean().default(false),
  sigmaMin: z.number().positive().optional(),
  sigmaMax: z.number().positive().optional(),
  finalSigmasType: z.enum(['zero', 'sigma_min']).default('zero'),
}

/** Ways of diffusers that are not here: a config that asks for one is refused. */
const REFUSED = ['useBetaSigmas', 'useFlowSigmas', 'useLuLambdas', 'useDynamicShifting', 'solverP', 'shiftTerminal']

/** The same of fields that choose a way by its name. */
const REFUSED_WAYS: Readonly<Record<string, readonly unknown[]>> = {
  timestepType: ['continuous'],
  interpolationType: ['log_linear'],
  varianceType: ['learned', 'learned_range'],
}

export type NoiseConfig = z.infer<z.ZodObject<typeof noiseFields>>
export type Spacing = z.infer<z.ZodObject<ReturnType<typeof spacing>>>['timestepSpacing']
/** What a network answers to a noisy picture: its noise, the picture without it, or the velocity between both. */
export type PredictionType = NoiseConfig['predictionType']
export type Threshold = z.infer<z.ZodObject<typeof thresholdFields>>
export type SigmaConfig = z.infer<z.ZodObject<typeof sigmaFields>>

/**
 * Reads the config of a scheduler, in our spelling or in that of a `scheduler_config.json`. Fields that belong to other
 * schedulers are left aside, since one file serves several; null means the default.
 *
 * @param foreign what other schedulers write into a field of the same name: it means the default too, as in diffusers
 * @throws EegTorchError `INVALID_OPTION` naming the field
 */
export function readConfig<S extends z.ZodObject>(
  schema: S,
  config: object,
  foreign: Readonly<Record<string, readonly unknown[]>> = {},
): z.infer<S> {
  const named = Object.entries(config).map(([name, value]) => [camelCase(name), value] as const)
  const isSaid = (name: string, value: unknown) =>
    value !== null && value !== undefined && !foreign[name]?.includes(value)
  const given = Object.fromEntries(named.filter(([name, value]) => isSaid(name, value)))
  const refused = REFUSED.find((name) => given[name] === true || typeof given[name] === 'object')
  if (refused !== undefined) throw invalid(refused, 'false', JSON.stringify(given[refused]))
  for (const [name, ways] of Object.entries(REFUSED_WAYS))
    if (ways.includes(given[name])) throw invalid(name, `another than ${ways.join(', ')}`, JSON.stringify(given[name]))
  const result = schema.safeParse(given)
  if (result.success) return result.data
  const issue = result.error.issues[0]!
  const field = String(issue.path[0] ?? '')
  throw invalid(field, issue.message, JSON.stringify(given[field]))
}

/** @throws EegTorchError `INVALID_OPTION` unless there are between 1 and `most` steps */
export function checkSteps(steps: number, most: number): void {
  if (Number.isInteger(steps) && steps >= 1 && steps <= most) return
  throw new EegTorchError('INVALID_OPTION', 'this number of steps cannot be taken', {
    option: 'steps',
    expected: `an integer from 1 to ${most}, the timesteps of training`,
    received: String(steps),
  })
}

function invalid(field: string, expected: string, received: string): EegTorchError {
  return new EegTorchError('INVALID_OPTION', `the scheduler's ${field} does not hold`, {
    option: field,
    expected,
    received,
  })
}
