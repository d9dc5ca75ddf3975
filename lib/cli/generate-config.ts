import { z } from 'zod'
import { EEG_TO_IMAGE_MODES } from '../generation/eeg-to-image/eeg-to-image.ts'

const positive = z.number().int().positive()

/** What a person may write: in a YAML file, or as flags of `eegtorch generate`. */
export const generateSchema = z
  .strictObject({
    pipeline: z.enum(['image', 'sgdm', 'prompt']).describe('how pictures are made'),
    eeg: z.string().optional().describe('a store that eegtorch prepare wrote'),
    encoder: z.string().optional().describe('CSBrain, for the pipeline image'),
    checkpoint: z.string().optional().describe('the mapper of the pipeline image, or the networks of sgdm'),
    classifier: z.string().optional().describe('classifier of noised latents, for sgdm'),
    diffusion: z.string().optional().describe('folder of a diffusion model in diffusers’ layout'),
    scheduler: z.string().optional().describe('diffusers’ name of a scheduler, in place of the folder’s'),
    stimuli: z.string().optional().describe('folder with pictures named by stimulus or class'),
    prompts: z.array(z.string()).min(1).optional().describe('texts to draw, or one for each class'),
    mode: z.enum(EEG_TO_IMAGE_MODES).default('eeg-tokens').describe('what the diffusion model sees'),
    n: positive.optional().describe('trials, from the first on'),
    steps: positive.optional(),
    guidance: z.number().min(0).optional(),
    strength: z.number().gt(0).max(1).optional(),
    seed: z.number().int().min(0).max(Number.MAX_SAFE_INTEGER).default(0),
    height: positive.optional(),
    width: positive.optional(),
    batch: positive.default(1).describe('pictures at a time'),
    lowMemory: z.boolean().default(false),
    device: z.string().default('cpu'),
    dtype: z.enum(['float32', 'float16', 'bfloat16']).default('float32'),
    threads: positive.optional(),
  })
  .superRefine(({ pipeline, ...config }, context) => {
    for (const name of NEEDED[pipeline])
      if (config[name] === undefined)
        context.addIssue({ code: 'custom', path: [name], message: `the pipeline ${pipeline} needs it` })
  })

const NEEDED = {
  image: ['eeg', 'encoder', 'checkpoint', 'diffusion'],
  sgdm: ['eeg', 'checkpoint'],
  prompt: ['diffusion', 'prompts'],
} as const

/** A complete configuration. */
export type GenerateConfig = z.infer<typeof generateSchema>
