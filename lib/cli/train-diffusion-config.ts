import { z } from 'zod'
import { presets } from '../training/presets.ts'
import { autocast, device, positive, seedOf, threads } from './config-fields.ts'

const TABLE = presets.sgdm.options

const options = z.record(z.string(), z.unknown())

/** What a person may write: in a YAML file, or as flags of `eegtorch train-diffusion`. */
export const trainDiffusionSchema = z.strictObject({
  data: z
    .string()
    .describe('<store> training trials: a store that eegtorch prepare wrote; never those that are to be tested'),
  stimuli: z.string().describe('<folder> pictures named by stimulus or class'),
  vae: z.string().optional().describe('<folder> autoencoder whose latents are learned (default: pixels)'),
  controlnetOf: z
    .string()
    .optional()
    .describe(
      '<file> networks of an earlier run, last.safetensors: train a ControlNet of their UNet, which stays as it is',
    ),
  semantics: z
    .string()
    .optional()
    .describe('<file> safetensors: a vector for each stimulus, such as CLIP’s (default: which stimulus it is)'),
  size: positive.max(2048).default(32).describe('<pixels> height and width of the pictures'),
  latentDim: positive.default(64).describe('<n> width of what is read from the EEG'),
  encoderOptions: options.default({}).describe('options of sgdm_eeg_encoder'),
  unetOptions: options.default({}).describe('options of sgdm_unet'),
  structureSize: positive
    .max(256)
    .default(8)
    .describe('<pixels> side of the rough structure that is read from the EEG'),
  timesteps: positive.default(TABLE.timesteps).describe('<n> steps of the process that adds noise'),
  predictionType: z
    .enum(['epsilon', 'sample', 'v_prediction'])
    .default('epsilon')
    .describe('<what> what the UNet predicts'),
  snrGamma: z.number().positive().nullable().default(5).describe('<gamma> bound of min-SNR weighting'),
  conditionDropout: z.number().min(0).lt(1).default(0.1).describe('<share> conditions taken away, for guidance'),
  freeze: z
    .array(z.string())
    .optional()
    .describe('<names> parameters that stay as they are, such as networks.encoder.*'),
  epochs: positive.default(100).describe('<n> rounds over the trials'),
  batchSize: positive.default(16).describe('<n> trials in a batch'),
  lr: z.number().positive().default(TABLE.lr).describe('<rate> learning rate of AdamW'),
  clipNorm: z.number().positive().default(TABLE.clipNorm).describe('<norm> largest norm of the gradients'),
  ema: z.number().min(0).lt(1).default(0.999).describe('<decay> of the running mean of the weights'),
  useEmaWarmup: z
    .boolean()
    .default(true)
    .describe('that decay from the first step on; else update n has at most 1 - (1 + n / inv-gamma) ** -power'),
  emaInvGamma: z.number().positive().default(1).describe('<updates> of the warm-up of the mean'),
  emaPower: z
    .number()
    .positive()
    .default(2 / 3)
    .describe('<power> of the warm-up of the mean (default: 2/3; 3/4 forgets sooner)'),
  trainClassifier: z
    .boolean()
    .optional()
    .describe('train a classifier of noised latents besides, for eegtorch generate --classifier'),
  device,
  autocast,
  seed: seedOf('weights, order and noise'),
  threads,
})

/** A complete configuration. */
export type TrainDiffusionConfig = z.infer<typeof trainDiffusionSchema>
