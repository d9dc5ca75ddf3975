import { z } from 'zod'
import { EegTorchError } from '../errors.ts'
import { MONTAGES } from '../generation/window-channels.ts'
import { decodingSchema, PREFIX_PLACES, SENTENCE_TOKENS } from '../language/decoding.ts'
import { textVocabularies } from '../language/vocabularies.ts'
import { vocabularyOfClasses } from '../language/vocabulary-labels.ts'
import { presets } from '../training/presets.ts'
import { device, namesOf, positive, requireParts } from './config-fields.ts'
import { areDisjoint, DISJOINT, subjectFields } from './subject-parts.ts'

const TABLE = presets.eeg2image_text_bcic.options

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
    loraRank: positive.default(TABLE.loraRank).describe('of a new adapter'),
    loraAlpha: z.number().positive().default(TABLE.loraAlpha).describe('of a new adapter'),
    vocabulary: namesOf(textVocabularies).optional().describe('sentences and keywords'),
    place: z.enum(PREFIX_PLACES).default('before-prompt').describe('where the EEG stands'),
    maxNewTokens: decodingSchema.shape.maxNewTokens.default(SENTENCE_TOKENS),
    ...subjectFields,
    epochs: positive.optional(),
    warmupEpochs: z.number().int().min(0).optional(),
    batchSize: positive.default(TABLE.batchSize).describe('trials that make a step'),
    accumulate: positive.optional().describe('parts that a batch is cut into'),
    lr: z.number().positive().default(TABLE.lr),
    warmupLr: z.number().positive().default(TABLE.warmupLr),
    weightDecay: z.number().min(0).default(TABLE.weightDecay),
    clipNorm: z.number().positive().default(TABLE.clipNorm),
    gradientCheckpointing: z.boolean().default(false),
    device,
    dtype: z.enum(['float32', 'float16', 'bfloat16']).optional().describe('of the language model'),
    autocast: z.enum(['bfloat16', 'float16']).optional(),
    seed: z.number().int().min(0).max(Number.MAX_SAFE_INTEGER).default(0),
    threads: positive.optional(),
  })
  .refine(areDisjoint, DISJOINT)
  .superRefine(requireParts)

/** A configuration as it is written. */
type Written = z.infer<typeof finetuneTextSchema>

type Completed = 'vocabulary' | 'epochs' | 'warmupEpochs' | 'accumulate'

/** A complete configuration. */
export type FinetuneTextConfig = Omit<Written, Completed> & { [Name in Completed]: NonNullable<Written[Name]> }

/** The document's tables for its data sets, which the vocabulary tells. */
const TABLES = [TABLE, presets.eeg2image_text_vi.options]

/**
 * Fills in what depends on the windows: the vocabulary that knows their classes, and the document's epochs for it; and the parts of a batch.
 *
 * @throws EegTorchError `INVALID_OPTION` where no vocabulary knows the classes, or the warm-up is longer than the training
 */
export function completeConfig(written: Written, classNames: readonly string[]): FinetuneTextConfig {
  const vocabulary = written.vocabulary ?? (vocabularyOfClasses(classNames).name as keyof typeof textVocabularies)
  const table = TABLES.find((one) => one.vocabulary === vocabulary)!
  const { epochs = table.epochs, warmupEpochs = Math.min(table.warmupEpochs, epochs) } = written
  const { accumulate = Math.min(table.accumulate, written.batchSize) } = written
  if (warmupEpochs <= epochs) return { ...written, vocabulary, epochs, warmupEpochs, accumulate }
  throw new EegTorchError('INVALID_OPTION', 'the epochs of the warm-up are some of the epochs', {
    option: 'warmupEpochs',
    expected: `${epochs} at most, the epochs of the training`,
    received: String(warmupEpochs),
  })
}
