import { z } from 'zod'
import { defined } from '../defined.ts'
import { EegTorchError } from '../errors.ts'
import { namesSubjects } from '../evaluation/protocols.ts'
import { readYamlFile } from '../files/yaml.ts'
import { isObject } from '../is-object.ts'
import { readOptions } from '../read-options.ts'
import { presetOptions } from '../training/presets.ts'
import { autocast, device, positive, range, requireParts, threads } from './config-fields.ts'
import { requireOneWay } from './config-pipeline.ts'
import { type OptionSource, writtenAs } from './option-source.ts'
import {
  augmentation,
  baseline,
  count,
  group,
  names,
  parameterGroup,
  protocol,
  recordingOptions,
  schedule,
} from './train-fields.ts'

const areDifferent = (list: readonly number[]) => new Set(list).size === list.length

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
    dataset: z
      .string()
      .optional()
      .describe('<name> a data set by its name (eegtorch datasets), or a YAML file that describes one'),
    data: z
      .union([names, z.string()], {
        error:
          'expected a folder, a file or a pattern of recordings, a list of these, or a store; or a dataset by its name',
      })
      .describe(
        '<path> recordings: folders, files or patterns; with --dataset, its folder; or a store of eegtorch prepare',
      ),
    read: recordingOptions.optional().describe('what the files do not say of themselves'),
    task: z
      .string()
      .optional()
      .describe(
        '<name> a task of the data set, or of EEGMMIDB: fists-feet, left-right, with or without -imagery or -execution',
      ),
    events: z
      .union([names, z.record(z.string(), z.string())])
      .optional()
      .describe(
        '<labels> of the events that are trials, in place of --task; in YAML also with the names of their classes',
      ),
    window: range.default([0.5, 3.5]).describe('<from..to> seconds around the cue'),
    // As a flag says it: commander makes an empty text of null.
    band: z
      .preprocess((said) => (said === 'none' ? null : said), range.nullable())
      .default([4, 38])
      .describe('<low..high> band-pass in hertz, or none'),
    channels: names.optional().describe('<names> channels to use (default: every EEG channel)'),
    upsample: positive.optional().describe('<factor> put samples between the samples'),
    leaveOut: group.optional().describe('<group> what one fold tests (default: run)'),
    folds: count.optional().describe('<n> folds of trials, in place of --leave-out'),
    protocol: protocol.optional(),
    seeds: z
      .union([positive, z.array(z.number().int().min(0)).min(1).refine(areDifferent, 'expected different seeds')])
      .default(1)
      .describe('<n> trainings of each fold'),
    validation: z
      .number()
      .gt(0)
      .lt(1)
      .optional()
      .describe('<share> of the training trials to choose the epoch by (default: none)'),
    standardise: z.boolean().default(true).describe('do not scale channels'),
    pipeline: z
      .union([z.string(), z.array(z.unknown()), z.record(z.string(), z.unknown())])
      .optional()
      .describe(
        '<name|file> preprocessing: a recipe, or a YAML file of steps, in place of --window, --band, --channels, --upsample and scaling',
      ),
    stimuliApart: z.boolean().optional().describe('refuse splits in which two parts share a stimulus'),
    permutations: positive.max(1_000_000).optional().describe('<n> hold the answers against labels shuffled so often'),
    retrainings: positive
      .max(1_000_000)
      .optional()
      .describe('<n> train each classical decoder so often on shuffled labels'),
    controls: z
      .array(z.enum(['block', 'time', 'shuffled']))
      .optional()
      .describe('<names> what else the same windows tell (default: what the card of the data set asks for)'),
    epochs: positive.default(60).describe('<n> rounds over the training windows'),
    batchSize: positive.default(16).describe('<n> windows in a batch'),
    optimizer: z
      .enum(['adam', 'adamw', 'sgd', 'rmsprop', 'lbfgs'])
      .default('adam')
      .describe('<name> how weights are changed'),
    lr: z.number().positive().optional().describe('<rate> learning rate (default: the optimiser’s own)'),
    weightDecay: z.number().min(0).optional().describe('<number> the optimiser’s weight decay (default: its own)'),
    momentum: z.number().min(0).optional().describe('<number> of sgd and rmsprop (default: 0)'),
    strongWolfe: z.boolean().optional().describe('search each line, with --optimizer lbfgs'),
    groups: z.array(parameterGroup).optional(),
    layerDecay: z
      .number()
      .gt(0)
      .max(1)
      .optional()
      .describe('<factor> learning rate of each layer against that of the layer after it'),
    freeze: names.optional().describe('<names> parameters that stay as they are: conv_temporal* bnorm_temporal*'),
    startFrom: z.string().optional().describe('<file> weights to start from, where names and shapes fit'),
    schedule: schedule.default('constant').describe('<name> how the learning rate goes; options in YAML'),
    warmUp: z.number().int().min(0).optional().describe('<steps> over which the learning rate rises'),
    augmentations: z
      .array(augmentation)
      .default([])
      .describe('<names> random changes of training windows: timeReverse ftSurrogate ...; options in YAML'),
    loss: z.enum(['crossEntropy', 'focal']).default('crossEntropy').describe('<name> what is made small'),
    labelSmoothing: z
      .number()
      .min(0)
      .max(1)
      .optional()
      .describe('<share> of the target that goes to all classes (default: 0)'),
    classWeights: z
      .union([z.enum(['balanced']), z.array(z.number().min(0)).min(2)])
      .optional()
      .describe('<how> weigh classes by their counts; in YAML also a number for each'),
    clipNorm: z.number().positive().optional().describe('<norm> largest norm of the gradient'),
    clipValue: z.number().positive().optional().describe('<size> largest size of each number of the gradient'),
    l1: z.number().min(0).optional().describe('<factor> penalty on the sizes of weights'),
    l2: z.number().min(0).optional().describe('<factor> penalty on the squares of weights'),
    penalise: names.optional().describe('<names> parameters that --l1 and --l2 concern (default: all)'),
    ema: z.number().min(0).max(1).optional().describe('<decay> test a running mean of the weights'),
    useEmaWarmup: z.boolean().optional().describe('let that decay grow with the steps'),
    emaInvGamma: z.number().positive().optional().describe('<updates> of the warm-up of the mean (default: 1)'),
    emaPower: z.number().positive().optional().describe('<power> of the warm-up of the mean (default: 2/3)'),
    accumulate: positive
      .optional()
      .describe('<n> micro-batches that a batch is cut into, as many as it has windows at most'),
    autocast: autocast.describe('<type> compute in a 16-bit type'),
    device,
    resident: z.boolean().optional().describe('hold the whole set on the device'),
    earlyStopping: positive
      .optional()
      .describe('<epochs> stop after so many without improvement on the validation part'),
    monitor: z
      .enum(['loss', 'accuracy'])
      .default('loss')
      .describe('<figure> of the validation part by which the best epoch is chosen'),
    baselines: z
      .union([z.boolean(), z.array(baseline).min(1)])
      .default(true)
      .describe('without classical decoders on the same folds'),
    threads,
    checkpointSteps: positive.optional().describe('<n> save the state every so many steps'),
    checkpointSeconds: z
      .number()
      .positive()
      .optional()
      .describe('<s> save the state every so many seconds (default: 10)'),
    checkpointEpochs: positive.optional().describe('<n> save the state every so many epochs'),
    keepEvery: positive.optional().describe('<epochs> keep the weights of every so many'),
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
  .refine(
    ({ monitor, validation, protocol: how }) =>
      monitor === 'loss' || validation !== undefined || (how !== undefined && namesSubjects(how)),
    'monitor says how the validation part chooses the epoch, so give validation too',
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
  if (isObject(value)) return value
  throw new EegTorchError('FILE_INVALID', 'is no configuration', {
    file,
    expected: 'YAML of named options',
    received: JSON.stringify(value) ?? 'nothing',
  })
}

/**
 * Checks a configuration, puts what its preset says under it, and fills in defaults.
 *
 * @param decided options that the preset has no say in
 * @throws EegTorchError `INVALID_OPTION` naming the option
 */
export function checkConfig(
  value: Record<string, unknown>,
  source: OptionSource = {},
  decided: readonly string[] = [],
): TrainConfig {
  requireOneWay(value, source)
  return checkOptions(trainSchema, withPreset(value, decided), source)
}

/** What the preset says that a person named. Another way to split takes the place of the preset's. */
export function statedByPreset({ preset, leaveOut, protocol }: Record<string, unknown>): Record<string, unknown> {
  const { folds, ...others } = presetOptions(preset, 'train')
  return leaveOut === undefined && protocol === undefined ? { ...others, ...defined({ folds }) } : others
}

/** What a preset says, under what a person said. */
function withPreset(said: Record<string, unknown>, decided: readonly string[]): Record<string, unknown> {
  if (said.preset === undefined) return said
  const stated = Object.entries(statedByPreset(said)).filter(([option]) => !decided.includes(option))
  const { modelOptions, ...preset } = Object.fromEntries(stated)
  return {
    ...preset,
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
