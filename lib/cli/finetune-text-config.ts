import { z } from 'zod'
import { EegTorchError } from '../errors.ts'
import { readYamlFile } from '../files/yaml.ts'
import { decodingSchema, PREFIX_PLACES, SENTENCE_TOKENS } from '../language/decoding.ts'
import { textVocabularies } from '../language/vocabularies.ts'
import { areDisjoint, DISJOINT, subjectFields } from './subject-parts.ts'

const positive = z.number().int().min(1)

/** What a person may write for `eegtorch finetune-text`: in a YAML file, or as flags. */
const schema = z
  .strictObject({
    data: z.string(),
    language: z.string(),
    encoder: z.string(),
    adapter: z.string().optional(),
    projection: z.string().optional(),
    vocabulary: z.enum(Object.keys(textVocabularies) as [string, ...string[]]).default('visual-imagery'),
    place: z.enum(PREFIX_PLACES).default('before-prompt'),
    ...subjectFields,
    quantize: z.enum(['nf4']).optional(),
    device: z.string().default('cpu'),
    dtype: z.enum(['float32', 'float16', 'bfloat16']).optional(),
    autocast: z.enum(['bfloat16', 'float16']).optional(),
    gradientCheckpointing: z.boolean().default(false),
    epochs: positive.default(20),
    warmupEpochs: z.number().int().min(0).default(5),
    batchSize: positive.default(4),
    gradientAccumulationSteps: positive.default(8),
    lr: z.number().positive().default(2e-4),
    warmupLr: z.number().positive().default(5e-4),
    weightDecay: z.number().min(0).default(0.01),
    loraRank: positive.default(8),
    loraAlpha: z.number().positive().default(16),
    maxNewTokens: decodingSchema.shape.maxNewTokens.default(SENTENCE_TOKENS),
    seed: z.number().int().min(0).default(0),
    threads: positive.optional(),
  })
  .refine(({ epochs, warmupEpochs }) => warmupEpochs <= epochs, 'warmupEpochs are some of the epochs')
  .refine(areDisjoint, DISJOINT)

export type FinetuneTextConfig = z.infer<typeof schema>

/**
 * The configuration of flags and a YAML file; flags win.
 *
 * @throws EegTorchError `INVALID_OPTION` naming the option
 */
export async function readFinetuneConfig(
  flags: Readonly<Record<string, unknown>>,
  file: string | undefined,
): Promise<FinetuneTextConfig> {
  const written = file === undefined ? {} : ((await readYamlFile(file, 'configuration')) as object)
  const parsed = schema.safeParse({ ...written, ...flags })
  if (parsed.success) return parsed.data
  const { path, message } = parsed.error.issues[0]!
  const option = path.join('.')
  throw new EegTorchError(
    'INVALID_OPTION',
    `${option === '' ? 'the configuration' : option} does not hold (${message})`,
    {
      ...(option !== '' && { option }),
      ...(file !== undefined && { file }),
    },
  )
}
