import { z } from 'zod'
import { EegTorchError } from '../errors.ts'
import { decodingSchema, PREFIX_PLACES, SENTENCE_TOKENS } from '../language/decoding.ts'
import { textVocabularies } from '../language/vocabularies.ts'
import { vocabularyOfClasses } from '../language/vocabulary-labels.ts'
import { presets } from '../training/presets.ts'
import { autocast, device, montage, namesOf, positive, requireParts, seedOf, threads } from './config-fields.ts'
import { areDisjoint, DISJOINT, subjectFields } from './subject-parts.ts'

const TABLE = presets.eeg2image_text_bcic.options
/** The document's tables for its data sets, which the vocabulary tells. */
const TABLES = [TABLE, presets.eeg2image_text_vi.options]
const toldBy = (name: 'epochs' | 'warmupEpochs') =>
  TABLES.map((table) => `${table[name]} for ${table.vocabulary}`).join(', ')

/** What a person may write: in a YAML file, or as flags of `eegtorch finetune-text`. Defaults are the design document's. */
export const finetuneTextSchema = z
  .strictObject({
    data: z.string().describe('<store> windows that eegtorch prepare wrote, labelled by the classes of the vocabulary'),
    encoder: z.string().describe('<file> weights of CSBrain; they stay as they are'),
    montage,
    language: z.string().describe('<folder> Llama in transformers’ layout'),
    nf4: z.boolean().default(false).describe('hold the language model in four bits'),
    projection: z.string().optional().describe('<file> a projection to start from (default: a new one)'),
    adapter: z
      .string()
      .optional()
      .describe('<folder> a LoRA adapter in peft’s layout to start from (default: a new one)'),
    loraRank: positive.default(TABLE.loraRank).describe('<r> of a new adapter'),
    loraAlpha: z.number().positive().default(TABLE.loraAlpha).describe('<number> of a new adapter'),
    vocabulary: namesOf(textVocabularies)
      .optional()
      .describe('<name> sentences and keywords (default: the one that knows the classes)'),
    place: z.enum(PREFIX_PLACES).default('before-prompt').describe('<where> where the EEG stands'),
    maxNewTokens: decodingSchema.shape.maxNewTokens.default(SENTENCE_TOKENS),
    ...subjectFields,
    epochs: positive.optional().describe(`<n> in all (default: ${toldBy('epochs')})`),
    warmupEpochs: z
      .number()
      .int()
      .min(0)
      .optional()
      .describe(`<n> of these with the projection alone (default: ${toldBy('warmupEpochs')})`),
    batchSize: positive.default(TABLE.batchSize).describe('<n> trials that make a step'),
    accumulate: positive
      .optional()
      .describe(`<n> parts that a batch is cut into (default: ${TABLE.accumulate}, or as many as it has trials)`),
    lr: z.number().positive().default(TABLE.lr).describe('<rate> with the adapter'),
    warmupLr: z.number().positive().default(TABLE.warmupLr).describe('<rate> of the projection alone'),
    weightDecay: z.number().min(0).default(TABLE.weightDecay).describe('<number> of AdamW'),
    clipNorm: z.number().positive().default(TABLE.clipNorm).describe('<norm> largest norm of the gradients'),
    gradientCheckpointing: z
      .boolean()
      .default(false)
      .describe('compute layers twice in place of keeping what is inside them'),
    device,
    dtype: z
      .enum(['float32', 'float16', 'bfloat16'])
      .optional()
      .describe('<type> of the language model (default: float32)'),
    autocast,
    seed: seedOf('weights, sentences, order and dropout'),
    threads,
  })
  .refine(areDisjoint, DISJOINT)
  .superRefine(requireParts)

/** A configuration as it is written. */
type Written = z.infer<typeof finetuneTextSchema>

type Completed = 'vocabulary' | 'epochs' | 'warmupEpochs' | 'accumulate'

/** A complete configuration. */
export type FinetuneTextConfig = Omit<Written, Completed> & { [Name in Completed]: NonNullable<Written[Name]> }

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
