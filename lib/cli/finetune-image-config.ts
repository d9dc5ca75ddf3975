import { z } from 'zod'
import { presets } from '../training/presets.ts'
import { autocast, device, montage, positive, seedOf, threads } from './config-fields.ts'
import { areDisjoint, DISJOINT, subjectFields } from './subject-parts.ts'

const TABLE = presets.eeg2image_mapper.options
const DRAWING = presets.eeg2image_stable_diffusion.options

const weight = z.number().min(0)

/** What a person may write: in a YAML file, or as flags of `eegtorch finetune-image`. Defaults are the design document's. */
export const finetuneImageSchema = z
  .strictObject({
    data: z
      .string()
      .describe('<store> windows that eegtorch prepare wrote; with --stimuli and --targets, its CLIP targets too'),
    encoder: z.string().describe('<file> weights of CSBrain; they stay as they are'),
    montage,
    checkpoint: z.string().optional().describe('<file> a mapper to start from (default: a new one)'),
    mapperOptions: z.record(z.string(), z.unknown()).default({}).describe('options of a new eeg_clip_mapper'),
    stimuli: z.string().optional().describe('<folder> a picture of each class (default: the store’s own)'),
    clip: z
      .string()
      .optional()
      .describe('<folder> CLIP that sees the pictures, such as ViT-L/14 (default: the store’s targets)'),
    diffusion: z
      .string()
      .optional()
      .describe('<folder> the model that is to draw: its encoder reads the texts, and it draws while training'),
    prompts: z
      .array(z.string())
      .min(1)
      .optional()
      .describe('<texts> a text for each class (default: a photo of a NAME)'),
    ...subjectFields,
    epochs: positive.default(TABLE.epochs).describe('<n> in all'),
    warmupEpochs: z
      .number()
      .int()
      .min(0)
      .default(TABLE.warmupEpochs)
      .describe('<n> of these without the squared error to texts'),
    batchSize: positive.default(TABLE.batchSize).describe('<n> trials in a batch'),
    lr: z.number().positive().default(TABLE.lr).describe('<rate> after the warm-up'),
    warmupLr: z.number().positive().default(TABLE.warmupLr).describe('<rate> in the warm-up'),
    weightDecay: weight.default(TABLE.weightDecay).describe('<number> of AdamW'),
    lambdaCls: weight.default(TABLE.lambdaCls).describe('<weight> of the cross entropy of classes'),
    lambdaContrastive: weight.default(TABLE.lambdaContrastive).describe('<weight> of InfoNCE with the pictures'),
    lambdaCos: weight.default(TABLE.lambdaCos).describe('<weight> of the cosine with the picture'),
    lambdaMse: weight.default(TABLE.lambdaMse).describe('<weight> of the squared error to the text, after the warm-up'),
    temperature: z.number().positive().default(TABLE.temperature).describe('<number> of InfoNCE'),
    generateEvery: positive.optional().describe('<epochs> draw pictures of some trials after every so many epochs'),
    generateSamples: positive
      .default(4)
      .describe('<n> trials that are drawn: the first for validation, else for training'),
    steps: positive.default(DRAWING.steps).describe('<n> steps from noise to picture'),
    guidance: z.number().min(0).default(DRAWING.guidance).describe('<scale> classifier-free guidance'),
    height: positive.optional().describe('<pixels> default: what the model was trained on'),
    width: positive.optional().describe('<pixels> default: what the model was trained on'),
    device,
    dtype: z.enum(['float32', 'float16', 'bfloat16']).default('float32').describe('<type> of the diffusion model'),
    autocast,
    seed: seedOf('weights, order, dropout and noise'),
    threads,
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
