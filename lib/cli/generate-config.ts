import { z } from 'zod'
import { checkStructureSpan } from '../generation/controlnet/structure-guide.ts'
import { EEG_TO_IMAGE_MODES } from '../generation/eeg-to-image/eeg-to-image.ts'
import { pictureControls } from '../generation/pictures/controls.ts'
import { PREDICTIONS } from '../generation/schedulers/config.ts'
import { DRAWING_NEEDS, DRAWING_PIPELINES, type PictureDrawing } from '../generation/sources/drawing.ts'
import { decodingSchema, PREFIX_PLACES } from '../language/decoding.ts'
import { textVocabularies } from '../language/vocabularies.ts'
import { presets } from '../training/presets.ts'
import { device, montage, namesOf, positive, seedOf, threads } from './config-fields.ts'

const SD = presets.eeg2image_stable_diffusion.options
const AMUSED = presets.eeg2image_amused.options
const SGDM = presets.sgdm_pictures.options

type Pipeline = PictureDrawing['pipeline']

/** What a person may write: in a YAML file, or as flags of `eegtorch generate`. */
export const generateSchema = z
  .strictObject({
    pipeline: z
      .enum(DRAWING_PIPELINES)
      .describe(
        '<name> text: a sentence of Llama, its keyword’s prompt to Stable Diffusion; amused: the same to aMUSEd; image: tokens to Stable Diffusion; sgdm; prompt: texts alone',
      ),
    data: z.string().optional().describe('<store> a store that eegtorch prepare wrote'),
    encoder: z.string().optional().describe('<file> CSBrain, for text, amused and image'),
    montage,
    projection: z.string().optional().describe('<file> projection_epochN.pth, for text and amused'),
    language: z.string().optional().describe('<folder> Llama in transformers’ layout, for text and amused'),
    adapter: z.string().optional().describe('<folder> its LoRA adapter in peft’s layout: lora_epochN'),
    nf4: z.boolean().default(false).describe('hold the language model in four bits'),
    vocabulary: namesOf(textVocabularies)
      .optional()
      .describe('<name> keywords and prompts (default: the one that knows the classes)'),
    place: z.enum(PREFIX_PLACES).optional().describe('<where> where the EEG stands (default: before-prompt)'),
    ...decodingSchema.shape,
    checkpoint: z.string().optional().describe('<file> the mapper (image), or the networks (sgdm)'),
    classifier: z
      .string()
      .optional()
      .describe('<file> classifier of noised latents, for sgdm (train-diffusion --train-classifier)'),
    controlnet: z
      .string()
      .optional()
      .describe(
        '<folder> ControlNet in diffusers’ layout; sgdm tells it the structure that is read from the EEG (train-diffusion --controlnet-of)',
      ),
    structure: z
      .string()
      .optional()
      .describe(
        '<path> what the ControlNet of text, image and prompt sees: a picture, or a folder with one for each stimulus, class or, in the order of names, prompt',
      ),
    diffusion: z
      .string()
      .optional()
      .describe(
        '<path> a diffusion model: a folder of diffusers, or a single file; sgdm uses its autoencoder. Without one, text and amused read sentences alone',
      ),
    tokenizer: z.string().optional().describe('<folder> of the diffusion model, where a single file has none'),
    scheduler: z.string().optional().describe('<class> diffusers’ name of a scheduler, in place of the folder’s'),
    predictionType: z
      .enum(PREDICTIONS)
      .optional()
      .describe(
        '<name> what the UNet of Stable Diffusion predicts (default: what the folder says; of a single file epsilon for 1.x, v_prediction for 2.x, so say epsilon for a base model of 2.x)',
      ),
    stimuli: z
      .string()
      .optional()
      .describe('<folder> pictures named by stimulus or class, drawn beside the results (default: the store’s own)'),
    prompts: z
      .array(z.string())
      .min(1)
      .optional()
      .describe('<text> texts to draw; or one for each class, for --mode label-prompt'),
    mode: z
      .enum(EEG_TO_IMAGE_MODES)
      .default('eeg-tokens')
      .describe(
        '<mode> what the diffusion model sees: tokens read from the EEG, or a text about the class that was read',
      ),
    controls: z
      .array(z.enum(pictureControls))
      .optional()
      .describe(
        '<names> draw the trials besides without their EEG, for eegtorch score: from EEG of another trial, from noise, from the label’s prompt alone (image)',
      ),
    n: positive.optional().describe('<count> trials, from the first on (default: all)'),
    steps: positive
      .optional()
      .describe(`<n> steps from noise to picture (default: ${SD.steps}; sgdm ${SGDM.steps}; amused ${AMUSED.steps})`),
    guidance: z
      .number()
      .min(0)
      .optional()
      .describe(`<scale> classifier-free guidance (default: ${SD.guidance}; amused ${AMUSED.guidance})`),
    negativePrompt: z.string().optional().describe('<text> what pictures are kept away from; not for sgdm'),
    classGuidance: z
      .number()
      .min(0)
      .optional()
      .describe('<scale> how hard the class that was read pulls, with --classifier (default: 1)'),
    strength: z
      .number()
      .gt(0)
      .max(1)
      .optional()
      .describe('<share> of the steps that sgdm takes from the rough structure (default: 0.8)'),
    structureWeight: z.number().min(0).optional().describe('<number> of what the ControlNet says (default: 1)'),
    structureStart: z
      .number()
      .min(0)
      .max(1)
      .optional()
      .describe('<share> of the steps before which the ControlNet says nothing (default: 0)'),
    structureEnd: z
      .number()
      .min(0)
      .max(1)
      .optional()
      .describe('<share> of the steps after which it says nothing more (default: 1)'),
    guessMode: z
      .boolean()
      .optional()
      .describe(
        'let the ControlNet guess from the picture: under the condition alone, and less at the first skips than in the middle',
      ),
    seed: seedOf('the noise, and of drawn words'),
    height: positive.optional().describe('<pixels> default: what the model was trained on'),
    width: positive.optional().describe('<pixels> default: what the model was trained on'),
    batch: positive.default(1).describe('<n> pictures at a time, and sentences'),
    previewEvery: z.number().int().min(0).default(0).describe('<steps> show how the pictures stand in preview.png'),
    lowMemory: z
      .boolean()
      .default(false)
      .describe('free the EEG’s networks before the diffusion model loads, decode one picture at a time'),
    cudaGraph: z.boolean().default(false).describe('on a GPU, launch each step as one CUDA graph'),
    device,
    dtype: z.enum(['float32', 'float16', 'bfloat16']).default('float32').describe('<type> of the networks that draw'),
    threads,
  })
  .superRefine(({ pipeline, ...config }, context) => {
    checkStructureSpan(config, context)
    if (config.controls?.includes('label') && (pipeline !== 'image' || config.mode === 'label-prompt'))
      context.addIssue({ code: 'custom', path: ['controls'], message: LABEL_ALONE })
    for (const name of [...(pipeline === 'prompt' ? [] : ['data' as const]), ...DRAWING_NEEDS[pipeline]])
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
/** Pipelines that may draw by Stable Diffusion. */
export const BY_STABLE_DIFFUSION: Pipeline[] = ['text', 'image', 'prompt']
const BY_EEG: Pipeline[] = [...READING, 'image', 'sgdm']

/** How words are drawn. */
const DRAWS = ['temperature', 'topK', 'topP'] as const
const LABELLED = 'mode label-prompt, or label among the controls'
const tellsLabel = ({ mode, controls }: Readonly<Record<string, unknown>>) =>
  mode === 'label-prompt' || (controls as string[] | undefined)?.includes('label')

/** Pipelines that know a negative prompt are guided by more than 1 where nobody says otherwise. */
const isGuided = ({ guidance }: Readonly<Record<string, unknown>>) => guidance === undefined || Number(guidance) > 1

/** How a ControlNet is listened to. */
const SAYS = ['structureWeight', 'structureStart', 'structureEnd', 'guessMode'] as const

/** Options that only some pipelines heed: elsewhere they would be ignored in silence. */
const ONLY_OF: readonly { pipelines: readonly Pipeline[]; names: readonly string[] }[] = [
  { pipelines: BY_EEG, names: ['data', 'stimuli', 'controls', 'n'] },
  { pipelines: [...READING, 'image'], names: ['encoder', 'montage'] },
  { pipelines: READING, names: ['projection', 'language', 'adapter', 'nf4', 'vocabulary', 'place'] },
  { pipelines: READING, names: decodingSchema.keyof().options },
  { pipelines: ['image', 'sgdm'], names: ['checkpoint'] },
  { pipelines: ['image', 'prompt'], names: ['prompts'] },
  { pipelines: ['image'], names: ['mode'] },
  { pipelines: ['sgdm'], names: ['classifier', 'classGuidance', 'strength'] },
  { pipelines: [...READING, 'image', 'prompt'], names: ['negativePrompt'] },
  { pipelines: [...BY_STABLE_DIFFUSION, 'sgdm'], names: ['controlnet', ...SAYS] },
  { pipelines: BY_STABLE_DIFFUSION, names: ['structure', 'predictionType'] },
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
  pairs.push(['negativePrompt', config.negativePrompt, 'guidance above 1', isGuided(config) || undefined])
  for (const name of DRAWS) pairs.push([name, config[name], 'sample', config.sample || undefined])
  if (pipeline === 'image') pairs.push(['prompts', config.prompts, LABELLED, tellsLabel(config) || undefined])
  if (BY_STABLE_DIFFUSION.includes(pipeline)) {
    pairs.push(['structure', structure, 'controlnet', controlnet], ['controlnet', controlnet, 'structure', structure])
    pairs.push(['controlnet', controlnet, 'diffusion', diffusion])
    pairs.push(['predictionType', config.predictionType, 'diffusion', diffusion])
  }
  return pairs.flatMap(([name, value, other, needed]): [string, string][] =>
    !isUnset(value) && needed === undefined ? [[name, other]] : [],
  )
}

const isUnset = (value: unknown) => value === undefined || value === false || value === EEG_TO_IMAGE_MODES[0]

/** A complete configuration. */
export type GenerateConfig = z.infer<typeof generateSchema>
