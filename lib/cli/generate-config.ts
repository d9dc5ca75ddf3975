import { z } from 'zod'
import { checkStructureSpan } from '../generation/controlnet/structure-guide.ts'
import { EEG_TO_IMAGE_MODES } from '../generation/eeg-to-image/eeg-to-image.ts'
import { pictureControls } from '../generation/pictures/controls.ts'
import { DRAWING_NEEDS, DRAWING_PIPELINES, type PictureDrawing } from '../generation/sources/drawing.ts'
import { MONTAGES } from '../generation/window-channels.ts'
import { decodingSchema, PREFIX_PLACES } from '../language/decoding.ts'
import { textVocabularies } from '../language/vocabularies.ts'
import { device, namesOf, positive } from './config-fields.ts'

type Pipeline = PictureDrawing['pipeline']

/** What a person may write: in a YAML file, or as flags of `eegtorch generate`. */
export const generateSchema = z
  .strictObject({
    pipeline: z.enum(DRAWING_PIPELINES).describe('how pictures are made'),
    eeg: z.string().optional().describe('a store that eegtorch prepare wrote'),
    encoder: z.string().optional().describe('CSBrain, for the pipelines text, amused and image'),
    montage: namesOf(MONTAGES).optional().describe('regions of the brain, where channel names do not tell them'),
    projection: z.string().optional().describe('eeg_projection, for text and amused'),
    language: z.string().optional().describe('folder of Llama in transformers’ layout, for text and amused'),
    adapter: z.string().optional().describe('folder of a LoRA adapter in peft’s layout'),
    nf4: z.boolean().default(false).describe('hold the language model in four bits'),
    vocabulary: namesOf(textVocabularies).optional().describe('sentences, keywords and prompts'),
    place: z.enum(PREFIX_PLACES).optional().describe('where the EEG stands'),
    ...decodingSchema.shape,
    checkpoint: z.string().optional().describe('the mapper of the pipeline image, or the networks of sgdm'),
    classifier: z.string().optional().describe('classifier of noised latents, for sgdm'),
    controlnet: z.string().optional().describe('folder of a ControlNet of the UNet that draws'),
    structure: z
      .string()
      .optional()
      .describe('a picture, or a folder of them, that the ControlNet of Stable Diffusion sees'),
    diffusion: z.string().optional().describe('folder of a diffusion model, or a single file'),
    tokenizer: z.string().optional().describe('folder of the tokenizer, where a single file has none'),
    scheduler: z.string().optional().describe('diffusers’ name of a scheduler, in place of the folder’s'),
    stimuli: z.string().optional().describe('folder with pictures named by stimulus or class'),
    prompts: z.array(z.string()).min(1).optional().describe('texts to draw, or one for each class'),
    mode: z.enum(EEG_TO_IMAGE_MODES).default('eeg-tokens').describe('what the diffusion model sees'),
    controls: z.array(z.enum(pictureControls)).optional().describe('what is drawn besides without the trials’ EEG'),
    n: positive.optional().describe('trials, from the first on'),
    steps: positive.optional(),
    guidance: z.number().min(0).optional(),
    negativePrompt: z.string().optional().describe('what pictures are kept away from'),
    classGuidance: z.number().min(0).optional().describe('how hard the class that is read pulls, for sgdm'),
    strength: z.number().gt(0).max(1).optional(),
    structureWeight: z.number().min(0).optional(),
    structureStart: z.number().min(0).max(1).optional(),
    structureEnd: z.number().min(0).max(1).optional(),
    guessMode: z.boolean().optional(),
    seed: z.number().int().min(0).max(Number.MAX_SAFE_INTEGER).default(0),
    height: positive.optional(),
    width: positive.optional(),
    batch: positive.default(1).describe('pictures at a time, and sentences'),
    previewEvery: z.number().int().min(0).default(0).describe('steps between two previews; 0: none'),
    lowMemory: z.boolean().default(false),
    cudaGraph: z.boolean().default(false).describe('launches each step as one CUDA graph'),
    device,
    dtype: z.enum(['float32', 'float16', 'bfloat16']).default('float32'),
    threads: positive.optional(),
  })
  .superRefine(({ pipeline, ...config }, context) => {
    checkStructureSpan(config, context)
    if (config.controls?.includes('label') && (pipeline !== 'image' || config.mode === 'label-prompt'))
      context.addIssue({ code: 'custom', path: ['controls'], message: LABEL_ALONE })
    for (const name of [...(pipeline === 'prompt' ? [] : ['eeg' as const]), ...DRAWING_NEEDS[pipeline]])
      if (config[name] === undefined)
        context.addIssue({ code: 'custom', path: [name], message: `the pipeline ${pipeline} needs it` })
    for (const [name, other] of lonelyOptions(pipeline, config))
      context.addIssue({ code: 'custom', path: [name], message: `does nothing without ${other}` })
    for (const [name, pipelines] of foreignOptions(pipeline, config))
      context.addIssue({
        code: 'custom',
        path: [name],
        message: `belongs to ${pipelines}, not to the pipeline ${pipeline}`,
      })
  })

const LABEL_ALONE =
  'label belongs to the pipeline image in the mode eeg-tokens; text, amused and label-prompt draw from the label as it is, sgdm from no text'
const READING: Pipeline[] = ['text', 'amused']
const BY_STABLE_DIFFUSION: Pipeline[] = ['text', 'image', 'prompt']
const BY_EEG: Pipeline[] = [...READING, 'image', 'sgdm']

/** How words are drawn. */
const DRAWS = ['temperature', 'topK', 'topP'] as const
const LABELLED = 'mode label-prompt, or label among the controls'
const tellsLabel = ({ mode, controls }: Readonly<Record<string, unknown>>) =>
  mode === 'label-prompt' || (controls as string[] | undefined)?.includes('label')

/** How a ControlNet is listened to. */
const SAYS = ['structureWeight', 'structureStart', 'structureEnd', 'guessMode'] as const

/** Options that only some pipelines heed: elsewhere they would be ignored in silence. */
const ONLY_OF: readonly { pipelines: readonly Pipeline[]; names: readonly string[] }[] = [
  { pipelines: BY_EEG, names: ['eeg', 'stimuli', 'controls', 'n'] },
  { pipelines: [...READING, 'image'], names: ['encoder', 'montage'] },
  { pipelines: READING, names: ['projection', 'language', 'adapter', 'nf4', 'vocabulary', 'place'] },
  { pipelines: READING, names: decodingSchema.keyof().options },
  { pipelines: ['image', 'sgdm'], names: ['checkpoint'] },
  { pipelines: ['image', 'prompt'], names: ['prompts'] },
  { pipelines: ['image'], names: ['mode'] },
  { pipelines: ['sgdm'], names: ['classifier', 'classGuidance', 'strength'] },
  { pipelines: [...READING, 'image', 'prompt'], names: ['negativePrompt'] },
  { pipelines: [...BY_STABLE_DIFFUSION, 'sgdm'], names: ['controlnet', ...SAYS] },
  { pipelines: BY_STABLE_DIFFUSION, names: ['structure'] },
]

/** What is set though the pipeline does not heed it, with those that do. */
function foreignOptions(pipeline: Pipeline, config: Readonly<Record<string, unknown>>): [string, string][] {
  return ONLY_OF.filter(({ pipelines }) => !pipelines.includes(pipeline)).flatMap(({ pipelines, names }) =>
    names.filter((name) => !isUnset(config[name])).map((name): [string, string] => [name, pipelines.join(', ')]),
  )
}

/** What is set without what it belongs to, which is missing. */
function lonelyOptions(pipeline: Pipeline, config: Readonly<Record<string, unknown>>): [string, string][] {
  const { controlnet, structure, diffusion } = config
  const pairs = SAYS.map((name): [string, unknown, string, unknown] => [name, config[name], 'controlnet', controlnet])
  pairs.push(['classGuidance', config.classGuidance, 'classifier', config.classifier])
  for (const name of DRAWS) pairs.push([name, config[name], 'sample', config.sample || undefined])
  if (pipeline === 'image') pairs.push(['prompts', config.prompts, LABELLED, tellsLabel(config) || undefined])
  if (BY_STABLE_DIFFUSION.includes(pipeline)) {
    pairs.push(['structure', structure, 'controlnet', controlnet], ['controlnet', controlnet, 'structure', structure])
    pairs.push(['controlnet', controlnet, 'diffusion', diffusion])
  }
  return pairs.flatMap(([name, value, other, needed]): [string, string][] =>
    !isUnset(value) && needed === undefined ? [[name, other]] : [],
  )
}

const isUnset = (value: unknown) => value === undefined || value === false || value === EEG_TO_IMAGE_MODES[0]

/** A complete configuration. */
export type GenerateConfig = z.infer<typeof generateSchema>
