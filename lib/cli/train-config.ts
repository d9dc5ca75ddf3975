import { z } from 'zod'
import { isObject } from '../checkpoints/json-file.ts'
import { EegTorchError } from '../errors.ts'
import { namesSubjects } from '../evaluation/protocols.ts'
import { readYamlFile } from '../files/yaml.ts'
import { readOptions } from '../read-options.ts'
import { presetOptions } from '../training/presets.ts'
import { device, positive, range, requireParts } from './config-fields.ts'
import { requireOneWay } from './config-pipeline.ts'
import { type OptionSource, writtenAs } from './option-source.ts'

/** A name of `augment`, alone or with options; C++ judges them. */
const augmentation = z.union([z.string().transform((name) => ({ name })), z.looseObject({ name: z.string() })])
const names = z.array(z.string()).min(1)
const parameterGroup = z.strictObject({
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
const schedule = z.preprocess(
  (said) => (isObject(said) ? { ...said, name: presentName(said.name) } : presentName(said)),
  describedSchedule,
)
const group = z.enum(['subject', 'session', 'run', 'trial', 'stimulus'])

const count = z.number().int().min(2)
const within = { within: z.enum(['subject', 'session']).optional() }
const protocol = z.discriminatedUnion('name', [
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

const recordingOptions = z.strictObject({
  samplingRate: z.number().positive().optional(),
  unit: z.string().optional(),
  channelNames: names.optional(),
  stream: z.string().optional(),
  subject: z.string().optional(),
  session: z.string().optional(),
})
const baseline = z.union([
  z.string(),
  z.strictObject({ model: z.string(), modelOptions: z.record(z.string(), z.unknown()).optional() }),
])

/** What a person may write: in a YAML file, or as flags of `eegtorch train`. Defaults that concern C++ are C++'s. */
export const trainSchema = z
  .strictObject({
    regime: z
      .literal('classification', { error: 'expected classification, or mapper with the options of finetune-image' })
      .optional()
      .describe('what is trained'),
    preset: z.string().optional().describe('hyper-parameters of a design document'),
    model: z.string().describe('network of the registry'),
    modelOptions: z.record(z.string(), z.unknown()).default({}),
    dataset: z.string().optional().describe('data set by name, or a YAML file that describes one, in the folder data'),
    data: z
      .union([z.string(), z.array(z.string()).min(1)], {
        error:
          'expected a folder, a file or a pattern of recordings, a list of these, or a store; or a dataset by its name',
      })
      .describe('folder, file or pattern of recordings'),
    read: recordingOptions.optional().describe('what the files do not say of themselves'),
    task: z.string().optional(),
    events: z
      .union([names, z.record(z.string(), z.string())])
      .optional()
      .describe('labels of trials, or labels with the names of their classes'),
    window: range.default([0.5, 3.5]),
    // As a flag says it: commander makes an empty text of null.
    band: z.preprocess((said) => (said === 'none' ? null : said), range.nullable()).default([4, 38]),
    channels: z.array(z.string()).min(1).optional(),
    upsample: positive.optional(),
    leaveOut: group.optional(),
    folds: count.optional(),
    protocol: protocol.optional(),
    seeds: z.union([positive, z.array(z.number().int().min(0)).min(1)]).default(1),
    validation: z.number().gt(0).lt(1).optional(),
    standardise: z.boolean().default(true),
    pipeline: z
      .union([z.string(), z.array(z.unknown()), z.record(z.string(), z.unknown())])
      .optional()
      .describe(
        'preprocessing: a recipe, a YAML file, or the steps, in place of window, band, channels, upsample, standardise',
      ),
    stimuliApart: z.boolean().optional().describe('no stimulus in two parts of a split'),
    permutations: positive.max(1_000_000).optional().describe('shufflings of labels to hold the answers against'),
    retrainings: positive.max(1_000_000).optional().describe('trainings of each classical decoder on shuffled labels'),
    controls: z
      .array(z.enum(['block', 'time', 'shuffled']))
      .optional()
      .describe('what else the same windows tell; default what the card of the data set asks for, [] for nothing'),
    epochs: positive.default(60),
    batchSize: positive.default(16),
    optimizer: z.enum(['adam', 'adamw', 'sgd', 'rmsprop', 'lbfgs']).default('adam'),
    lr: z.number().positive().optional(),
    weightDecay: z.number().min(0).optional(),
    momentum: z.number().min(0).optional(),
    strongWolfe: z.boolean().optional(),
    groups: z.array(parameterGroup).optional(),
    layerDecay: z.number().gt(0).max(1).optional(),
    freeze: names.optional(),
    startFrom: z.string().optional().describe('weights to start from, where names and shapes fit'),
    schedule: schedule.default('constant'),
    warmUp: z.number().int().min(0).optional(),
    augmentations: z.array(augmentation).default([]),
    loss: z.enum(['crossEntropy', 'focal']).default('crossEntropy'),
    labelSmoothing: z.number().min(0).max(1).optional(),
    classWeights: z.union([z.literal('balanced'), z.array(z.number().min(0)).min(2)]).optional(),
    clipNorm: z.number().positive().optional(),
    clipValue: z.number().positive().optional(),
    l1: z.number().min(0).optional(),
    l2: z.number().min(0).optional(),
    penalise: names.optional(),
    ema: z.number().min(0).max(1).optional(),
    useEmaWarmup: z.boolean().optional(),
    emaInvGamma: z.number().positive().optional(),
    emaPower: z.number().positive().optional(),
    accumulate: positive.optional(),
    autocast: z.enum(['bfloat16', 'float16']).optional(),
    device,
    resident: z.boolean().optional().describe('hold the whole set on the device'),
    earlyStopping: positive.optional().describe('epochs without improvement on the validation part'),
    monitor: z.enum(['loss', 'accuracy']).default('loss'),
    baselines: z.union([z.boolean(), z.array(baseline).min(1)]).default(true),
    threads: positive.optional(),
    checkpointSteps: positive.optional(),
    checkpointSeconds: z.number().positive().optional(),
    checkpointEpochs: positive.optional(),
    keepEvery: positive.optional(),
  })
  .refine(({ task, events }) => task === undefined || events === undefined, 'give either task or events, not both')
  .refine(
    ({ leaveOut, folds, protocol }) => [leaveOut, folds, protocol].filter((way) => way !== undefined).length <= 1,
    'give one of leaveOut, folds and protocol',
  )
  .refine(
    ({ earlyStopping, validation, protocol: how }) =>
      earlyStopping === undefined || validation !== undefined || (how !== undefined && namesSubjects(how)),
    'earlyStopping decides by the validation part, so give validation too',
  )
  .superRefine(requireParts)

/** A complete configuration of a run. */
export type TrainConfig = z.infer<typeof trainSchema>

/**
 * Reads a configuration as it was written; {@link checkConfig} judges it.
 *
 * @throws EegTorchError `FILE_NOT_FOUND`, `FILE_INVALID`, `FILE_UNSAFE` for a file whose aliases multiply
 */
export async function readConfigFile(file: string): Promise<Record<string, unknown>> {
  const value = await readYamlFile(file, 'configuration')
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>
  throw new EegTorchError('FILE_INVALID', 'is no configuration', {
    file,
    expected: 'YAML of named options',
    received: JSON.stringify(value) ?? 'nothing',
  })
}

/**
 * Checks a configuration, puts what its preset says under it, and fills in defaults.
 *
 * @throws EegTorchError `INVALID_OPTION` naming the option
 */
export function checkConfig(value: Record<string, unknown>, source: OptionSource = {}): TrainConfig {
  requireOneWay(value, source)
  return checkOptions(trainSchema, withPreset(value), source)
}

/** What a preset says, under what a person said. Another way to split takes the place of the preset's. */
function withPreset(said: Record<string, unknown>): Record<string, unknown> {
  if (said.preset === undefined) return said
  const { folds, modelOptions, ...preset } = presetOptions(said.preset, 'train')
  return {
    ...preset,
    ...(said.leaveOut === undefined && said.protocol === undefined && { folds }),
    // Options of one model say nothing of another.
    ...((said.model ?? preset.model) === preset.model && { modelOptions }),
    ...said,
  }
}

/**
 * What a schema makes of options that a person wrote.
 *
 * @throws EegTorchError `INVALID_OPTION` naming the flag, or the key and its file, that holds the wrong value
 */
export function checkOptions<S extends z.ZodObject>(
  schema: S,
  value: Record<string, unknown>,
  source: OptionSource = {},
): z.infer<S> {
  return readOptions(schema, value, (path) => writtenAs(path, value, source))
}
