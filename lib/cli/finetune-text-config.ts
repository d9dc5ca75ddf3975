import { z } from 'zod'
import { decodingSchema, PREFIX_PLACES, SENTENCE_TOKENS } from '../language/decoding.ts'
import { textVocabularies } from '../language/vocabularies.ts'
import { namesOf, positive } from './config-fields.ts'
import { MONTAGES } from './generate-eeg.ts'
import { areDisjoint, DISJOINT, subjectFields } from './subject-parts.ts'

/** What a person may write: in a YAML file, or as flags of `eegtorch finetune-text`. Defaults are the design document's. */
export const finetuneTextSchema = z
  .strictObject({
    data: z.string().describe('a store that eegtorch prepare wrote, labelled by the classes of the vocabulary'),
    encoder: z.string().describe('weights of CSBrain'),
    montage: namesOf(MONTAGES).optional().describe('regions of the brain'),
    language: z.string().describe('folder of Llama in transformers’ layout'),
    nf4: z.boolean().default(false).describe('hold the language model in four bits'),
    projection: z.string().optional().describe('a projection to start from'),
    adapter: z.string().optional().describe('a LoRA adapter in peft’s layout to start from'),
    loraRank: positive.default(8).describe('of a new adapter'),
    loraAlpha: z.number().positive().default(16).describe('of a new adapter'),
    vocabulary: namesOf(textVocabularies).default('visual-imagery').describe('sentences and keywords'),
    place: z.enum(PREFIX_PLACES).default('before-prompt').describe('where the EEG stands'),
    maxNewTokens: decodingSchema.shape.maxNewTokens.default(SENTENCE_TOKENS),
    ...subjectFields,
    epochs: positive.default(20),
    warmupEpochs: z.number().int().min(0).default(5),
    batchSize: positive.default(32).describe('trials that make a step'),
    accumulate: positive.default(8).describe('parts that a batch is cut into'),
    lr: z.number().positive().default(2e-4),
    warmupLr: z.number().positive().default(5e-4),
    weightDecay: z.number().min(0).default(0.01),
    gradientCheckpointing: z.boolean().default(false),
    device: z.string().default('cpu'),
    dtype: z.enum(['float32', 'float16', 'bfloat16']).optional().describe('of the language model'),
    autocast: z.enum(['bfloat16', 'float16']).optional(),
    seed: z.number().int().min(0).max(Number.MAX_SAFE_INTEGER).default(0),
    threads: positive.optional(),
  })
  .refine(({ epochs, warmupEpochs }) => warmupEpochs <= epochs, 'warmupEpochs are some of the epochs')
  .refine(areDisjoint, DISJOINT)

/** A complete configuration. */
export type FinetuneTextConfig = z.infer<typeof finetuneTextSchema>
