import { stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import { z } from 'zod'
import { defined } from '../defined.ts'
import { Pipeline } from '../preprocessing/pipeline.ts'
import type { TrialOptions } from '../preprocessing/step.ts'
import type { Recording } from '../recordings/recording.ts'
import { SAMPLE_TYPES } from '../store/samples.ts'
import { pipelineOf, requireOneWay, trialsOf, withPipeline } from './config-pipeline.ts'
import { checkOptions, trainSchema } from './train-config.ts'

const { dataset, data, read, task, events, pipeline, window, band, channels, upsample, standardise } = trainSchema.shape

/** What a person may write: in a YAML file, or as flags of `eegtorch prepare`. */
export const prepareSchema = z.strictObject({
  ...{ dataset, data, read, task, events, pipeline, window, band, channels, upsample, standardise },
  sampleType: z.enum(SAMPLE_TYPES).default('float32').describe('how samples are kept'),
  workers: z.number().int().min(1).max(1024).optional(),
})

/** A complete configuration. */
export type PrepareConfig = z.infer<typeof prepareSchema>

/**
 * Checks a configuration and fills in defaults; its pipeline stands in it with every option, and its paths hold from anywhere.
 *
 * @throws EegTorchError `INVALID_OPTION` naming the option
 */
export async function checkPrepare(said: Record<string, unknown>, file?: string): Promise<PrepareConfig> {
  requireOneWay(said, file)
  const config = await withPipeline(checkOptions(prepareSchema, said, file))
  return {
    ...config,
    data: Array.isArray(config.data) ? config.data.map((path) => resolve(path)) : resolve(config.data),
  }
}

/** What makes two unfinished stores the same work: the pipeline, and files of the same names, sizes and times. */
export interface PreparePlan {
  pipeline: { text: string; hash: string }
  sampleType: string
  trials: TrialOptions
  recordings: { name: string; identity: string; bytes: number; modified: number }[]
}

/** @throws EegTorchError `INVALID_OPTION` for a pipeline that cuts no windows */
export async function planOf(config: PrepareConfig, recordings: readonly Recording[]): Promise<PreparePlan> {
  const whole = pipelineOf(config as never, recordings)
  return {
    pipeline: { text: whole.toYaml(), hash: whole.prepared.hash },
    sampleType: config.sampleType,
    trials: trialsOf(config as never),
    recordings: await Promise.all(
      recordings.map(async ({ name, identity, file }) => {
        const status = file === undefined ? undefined : await stat(file)
        return { name, identity, bytes: status?.size ?? 0, modified: status?.mtimeMs ?? 0 }
      }),
    ),
  }
}

/** The steps that a plan runs, and which events are trials where these say so. */
export function workOf({ pipeline, trials }: Pick<PreparePlan, 'pipeline' | 'trials'>) {
  const { prepared } = Pipeline.parse(pipeline.text)
  const said = prepared.steps.find(({ name }) => name === 'windows')?.options as TrialOptions | undefined
  const { events, task } = trials.events === undefined && trials.task === undefined ? (said ?? {}) : trials
  return { prepared, trials, order: defined({ events, task }) as TrialOptions }
}
