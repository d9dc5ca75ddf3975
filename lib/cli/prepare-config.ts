import { createHash } from 'node:crypto'
import { readFile, stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import { z } from 'zod'
import { defined } from '../defined.ts'
import { Pipeline } from '../preprocessing/pipeline.ts'
import type { TrialOptions } from '../preprocessing/step.ts'
import type { Recording } from '../recordings/recording.ts'
import { packageVersion } from '../setup/paths.ts'
import { SAMPLE_TYPES } from '../store/samples.ts'
import { pipelineOf, requireOneWay, trialsOf, withPipeline } from './config-pipeline.ts'
import type { OptionSource } from './option-source.ts'
import { checkOptions, trainSchema } from './train-config.ts'

const { dataset, data, read, task, events, pipeline, window, band, channels, upsample, standardise } = trainSchema.shape

/** What a person may write: in a YAML file, or as flags of `eegtorch prepare`. */
export const prepareSchema = z
  .strictObject({
    dataset,
    data: data.describe('<path> recordings: folders, files or patterns; or an LMDB folder of CBraMod or CSBrain'),
    ...{ read, task, events, pipeline, window, band, channels, upsample, standardise },
    sampleType: z.enum(SAMPLE_TYPES).default('float32').describe('<type> how samples are kept'),
    stimuli: z
      .string()
      .optional()
      .describe('<folder> pictures named by stimulus or class: the store gets those that were seen'),
    targets: z
      .string()
      .optional()
      .describe('<clip> CLIP, such as ViT-L/14: the store gets what it makes of the pictures, for finetune-image'),
    diffusion: z
      .string()
      .optional()
      .describe('<folder> the model that is to draw: its encoder reads the texts of --targets'),
    prompts: z
      .array(z.string())
      .min(1)
      .optional()
      .describe('<texts> a text for each class, for --targets (default: a photo of a NAME)'),
    workers: z
      .number()
      .int()
      .min(1)
      .max(1024)
      .optional()
      .describe('<n> processes at a time (default: as many as cores)'),
  })
  .superRefine(({ stimuli, targets, diffusion, prompts }, context) => {
    const needs = (option: string, other: string, why: string) =>
      context.addIssue({ code: 'custom', path: [option], message: `${other} needs it: ${why}` })
    if (targets !== undefined && stimuli === undefined) needs('stimuli', 'targets', 'the pictures that CLIP is to see')
    if (targets !== undefined && diffusion === undefined)
      needs('diffusion', 'targets', 'the model that is to draw, whose encoder reads the texts')
    const [idle] = Object.entries({ diffusion, prompts }).filter(([, value]) => value !== undefined)
    if (targets === undefined && idle !== undefined) needs('targets', idle[0], 'a CLIP that sees the pictures')
  })

/** A complete configuration. */
export type PrepareConfig = z.infer<typeof prepareSchema>

/**
 * Checks a configuration and fills in defaults; its pipeline stands in it with every option, and its paths hold from anywhere.
 *
 * @throws EegTorchError `INVALID_OPTION` naming the option
 */
export async function checkPrepare(said: Record<string, unknown>, source: OptionSource = {}): Promise<PrepareConfig> {
  requireOneWay(said, source)
  const config = await withPipeline(checkOptions(prepareSchema, said, source))
  return {
    ...config,
    data: Array.isArray(config.data) ? config.data.map((path) => resolve(path)) : resolve(config.data),
  }
}

/**
 * What makes two unfinished stores the same work: the program, the pipeline, how files are read, and recordings that say the same and whose
 * files have the same sizes and times.
 */
export interface PreparePlan {
  version: string
  pipeline: { text: string; hash: string }
  sampleType: string
  trials: TrialOptions
  /** The data set by its name, or the text that describes it. */
  dataset?: string
  read?: PrepareConfig['read']
  recordings: RecordingPlan[]
}

/** One recording of a {@link PreparePlan}. */
export interface RecordingPlan {
  name: string
  identity: string
  /** SHA-256 of what is known of it but its samples: channels, segments, events, whose it is. */
  description: string
  files: { bytes: number; modified: number }[]
}

/** @throws EegTorchError `INVALID_OPTION` for a pipeline that cuts no windows */
export async function planOf(config: PrepareConfig, recordings: readonly Recording[]): Promise<PreparePlan> {
  const whole = pipelineOf(config as never, recordings)
  const { dataset, read } = config
  return {
    version: packageVersion(),
    pipeline: { text: whole.toYaml(), hash: whole.prepared.hash },
    sampleType: config.sampleType,
    trials: trialsOf(config as never),
    ...(dataset !== undefined && { dataset: await describedIn(dataset) }),
    ...(read && { read }),
    recordings: await Promise.all(recordings.map(planOfRecording)),
  }
}

async function describedIn(dataset: string): Promise<string> {
  return /\.ya?ml$/i.test(dataset) ? await readFile(dataset, 'utf8') : dataset
}

async function planOfRecording(recording: Recording): Promise<RecordingPlan> {
  const { name, identity, channels, samplingRate, nSamples, segments, events } = recording
  const { subject, session, run, dataset } = recording
  const known = { channels, samplingRate, nSamples, segments, events, subject, session, run, dataset }
  const statuses = await Promise.all(recording.files.map((file) => stat(file)))
  return {
    ...{ name, identity },
    description: createHash('sha256').update(JSON.stringify(known)).digest('hex'),
    files: statuses.map(({ size, mtimeMs }) => ({ bytes: size, modified: mtimeMs })),
  }
}

/** The steps that a plan runs, and which events are trials where these say so. */
export function workOf({ pipeline, trials }: Pick<PreparePlan, 'pipeline' | 'trials'>) {
  const { prepared } = Pipeline.parse(pipeline.text)
  const said = prepared.steps.find(({ name }) => name === 'windows')?.options as TrialOptions | undefined
  const { events, task } = trials.events === undefined && trials.task === undefined ? (said ?? {}) : trials
  return { prepared, trials, order: defined({ events, task }) as TrialOptions }
}
