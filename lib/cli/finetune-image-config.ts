import { z } from 'zod'
import { MONTAGES } from '../generation/window-channels.ts'
import { presets } from '../training/presets.ts'
import { device, positive } from './config-fields.ts'
import { areDisjoint, DISJOINT, subjectFields } from './subject-parts.ts'

const TABLE = presets.eeg2image_mapper.options
const DRAWING = presets.eeg2image_stable_diffusion.options

const weight = z.number().min(0)

/** What a person may write: in a YAML file, or as flags of `eegtorch finetune-image`. Defaults are the design document's. */
export const finetuneImageSchema = z
  .strictObject({
    data: z.string().describe('a store that eegtorch prepare wrote'),
    encoder: z.string().describe('weights of CSBrain'),
    montage: z
      .enum(Object.keys(MONTAGES) as (keyof typeof MONTAGES)[])
      .optional()
      .describe('regions of the brain'),
    checkpoint: z.string().optional().describe('a mapper to start from'),
    mapper: z.record(z.string(), z.unknown()).default({}).describe('options of a new eeg_clip_mapper'),
    stimuli: z.string().optional().describe('folder with a picture of each class; default: the store’s own'),
    clip: z.string().optional().describe('the CLIP that sees the pictures; default: the store’s targets'),
    diffusion: z.string().optional().describe('the diffusion model that is to draw, in diffusers’ layout'),
    prompts: z.array(z.string()).min(1).optional().describe('a text for each class'),
    ...subjectFields,
    epochs: positive.default(TABLE.epochs),
    warmupEpochs: z.number().int().min(0).default(TABLE.warmupEpochs),
    batchSize: positive.default(TABLE.batchSize),
    lr: z.number().positive().default(TABLE.lr),
    warmupLr: z.number().positive().default(TABLE.warmupLr),
    weightDecay: weight.default(TABLE.weightDecay),
    lambdaCls: weight.default(TABLE.lambdaCls),
    lambdaContrastive: weight.default(TABLE.lambdaContrastive),
    lambdaCos: weight.default(TABLE.lambdaCos),
    lambdaMse: weight.default(TABLE.lambdaMse),
    temperature: z.number().positive().default(TABLE.temperature),
    generateEvery: positive.optional().describe('epochs between pictures'),
    generateSamples: positive.default(4).describe('pictures of an epoch'),
    steps: positive.default(DRAWING.steps),
    guidance: z.number().min(0).default(DRAWING.guidance),
    height: positive.optional(),
    width: positive.optional(),
    device,
    dtype: z.enum(['float32', 'float16', 'bfloat16']).default('float32').describe('of the diffusion model'),
    autocast: z.enum(['bfloat16', 'float16']).optional(),
    seed: z.number().int().min(0).max(Number.MAX_SAFE_INTEGER).default(0),
    threads: positive.optional(),
  })
  .refine(({ epochs, warmupEpochs }) => warmupEpochs <= epochs, 'warmupEpochs are some of the epochs')
  .refine(areDisjoint, DISJOINT)
  .refine(({ clip, diffusion }) => clip === undefined || diffusion !== undefined, {
    path: ['diffusion'],
    message: 'clip needs the diffusion model that is to draw: its encoder reads the texts',
  })
  .refine(({ generateEvery, diffusion }) => generateEvery === undefined || diffusion !== undefined, {
    path: ['diffusion'],
    message: 'generateEvery needs the diffusion model that is to draw',
  })

/** A complete configuration. */
export type FinetuneImageConfig = z.infer<typeof finetuneImageSchema>
