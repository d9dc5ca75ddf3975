import { z } from 'zod'
import { presets } from '../training/presets.ts'
import { device, positive } from './config-fields.ts'

const TABLE = presets.sgdm.options

const options = z.record(z.string(), z.unknown())

/** What a person may write: in a YAML file, or as flags of `eegtorch train-diffusion`. */
export const trainDiffusionSchema = z.strictObject({
  eeg: z.string().describe('a store of training trials that eegtorch prepare wrote'),
  stimuli: z.string().describe('folder with pictures named by stimulus or class'),
  vae: z
    .string()
    .optional()
    .describe('folder of an autoencoder, or of a diffusion model that has one; default: pixels'),
  controlnet: z
    .string()
    .optional()
    .describe('networks of a run: train a ControlNet of their UNet, and leave them as they are'),
  semantics: z.string().optional().describe('safetensors file: one row per stimulus in the order of their names'),
  size: positive.max(2048).default(32).describe('height and width of the pictures in pixels'),
  latentDim: positive.default(64),
  encoder: options.default({}).describe('options of sgdm_eeg_encoder'),
  unet: options.default({}).describe('options of sgdm_unet'),
  structureSize: positive.max(256).default(8),
  timesteps: positive.default(TABLE.timesteps),
  predictionType: z.enum(['epsilon', 'sample', 'v_prediction']).default('epsilon'),
  snrGamma: z.number().positive().nullable().default(5),
  conditionDropout: z.number().min(0).lt(1).default(0.1),
  freeze: z.array(z.string()).optional().describe('parameters that stay as they are'),
  epochs: positive.default(100),
  batchSize: positive.default(16),
  lr: z.number().positive().default(TABLE.lr),
  clipNorm: z.number().positive().default(TABLE.clipNorm),
  ema: z.number().min(0).lt(1).default(0.999),
  useEmaWarmup: z
    .boolean()
    .default(true)
    .describe('less decay at first, so that short runs do not keep the first weights'),
  emaInvGamma: z.number().positive().default(1),
  emaPower: z
    .number()
    .positive()
    .default(2 / 3),
  classifier: z.boolean().optional().describe('train a classifier of noised latents besides, for eegtorch generate'),
  device,
  autocast: z.enum(['bfloat16', 'float16']).optional().describe('train in a 16-bit type'),
  seed: z.number().int().min(0).max(Number.MAX_SAFE_INTEGER).default(0),
  threads: positive.optional(),
})

/** A complete configuration. */
export type TrainDiffusionConfig = z.infer<typeof trainDiffusionSchema>
