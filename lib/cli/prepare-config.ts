import { resolve } from 'node:path'
import { z } from 'zod'
import { SAMPLE_TYPES } from '../store/samples.ts'
import { requireOneWay, withPipeline } from './config-pipeline.ts'
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
