import { defined } from '../../defined.ts'
import type { Device } from '../../dtype.ts'
import { EegTorchError } from '../../errors.ts'
import type { DecodingOptions, PrefixPlace } from '../../language/decoding.ts'
import type { LoadProgress } from '../../models/load-weights.ts'
import type { EegToImageMode } from '../eeg-to-image/eeg-to-image.ts'
import type { PictureWork } from '../generate-pictures.ts'
import type { PictureControl } from '../pictures/controls.ts'
import type { PredictionType } from '../schedulers/config.ts'
import type { MontageName } from '../window-channels.ts'

/** Ways from EEG, or from texts alone, to pictures. */
export const DRAWING_PIPELINES = ['text', 'amused', 'image', 'sgdm', 'prompt'] as const

/** What each way cannot do without. */
export const DRAWING_NEEDS = {
  text: ['encoder', 'projection', 'language'],
  amused: ['encoder', 'projection', 'language'],
  image: ['encoder', 'checkpoint', 'diffusion'],
  sgdm: ['checkpoint'],
  prompt: ['diffusion', 'prompts'],
} as const satisfies Record<(typeof DRAWING_PIPELINES)[number], readonly (keyof PictureDrawing)[]>

/** Which networks draw pictures, and how. The names are those of `eegtorch generate`; what a way does not know it does not heed. */
export interface PictureDrawing extends DecodingOptions {
  /** `text`: a sentence of Llama, its keyword's prompt to Stable Diffusion; `amused`: the same to aMUSEd; `image`: tokens to Stable Diffusion; `sgdm`; `prompt`: texts alone. */
  pipeline: (typeof DRAWING_PIPELINES)[number]
  /** File of CSBrain, for `text`, `amused` and `image`. */
  encoder?: string | undefined
  /** Regions of the brain, where the names of channels do not tell them. */
  montage?: MontageName | undefined
  /** File of `eeg_projection`, for `text` and `amused`. */
  projection?: string | undefined
  /** Folder of Llama in transformers' layout, for `text` and `amused`. */
  language?: string | undefined
  /** Folder of its LoRA adapter in peft's layout. */
  adapter?: string | undefined
  /** Hold the language model in four bits. */
  nf4?: boolean | undefined
  /** Sentences, keywords and prompts; default: the one that knows the classes. */
  vocabulary?: string | undefined
  /** Where the EEG stands; default `before-prompt`. */
  place?: PrefixPlace | undefined
  /** File of the mapper (`image`), or of the networks (`sgdm`). */
  checkpoint?: string | undefined
  /** File of a classifier of noised latents, for `sgdm`. */
  classifier?: string | undefined
  /** Folder of a ControlNet of the UNet that draws. */
  controlnet?: string | undefined
  /** Whether the work tells structures to the ControlNet of Stable Diffusion. */
  structure?: string | undefined
  /** A diffusion model: a folder of diffusers, or a single file; `sgdm` uses its autoencoder. */
  diffusion?: string | undefined
  /** Folder of its tokenizer, where a single file has none. */
  tokenizer?: string | undefined
  /** diffusers' name of a scheduler, in place of the folder's. */
  scheduler?: string | undefined
  /** What the UNet of Stable Diffusion predicts, in place of what its folder says or is assumed of a single file. */
  predictionType?: PredictionType | undefined
  /** Texts to draw, or one for each class. */
  prompts?: readonly string[] | undefined
  /** What the diffusion model of `image` sees; default `eeg-tokens`. */
  mode?: EegToImageMode | undefined
  /** From noise to picture; default: the pipeline's. */
  steps?: number | undefined
  guidance?: number | undefined
  negativePrompt?: string | undefined
  /** How hard the class that is read pulls, with a classifier. */
  classGuidance?: number | undefined
  /** Share of the steps that `sgdm` takes from the rough structure. */
  strength?: number | undefined
  /** Of what the ControlNet says; default 1. */
  structureWeight?: number | undefined
  /** Share of the steps before which it says nothing; default 0. */
  structureStart?: number | undefined
  /** Share of the steps after which it says nothing more; default 1. */
  structureEnd?: number | undefined
  guessMode?: boolean | undefined
  /** Of the noise, and of drawn words; default 0. */
  seed?: number | undefined
  /** Pixels; default: what the model was trained on. */
  height?: number | undefined
  width?: number | undefined
  /** Sentences at a time; default 8. */
  batch?: number | undefined
  /** Steps between two previews; 0, the default: none. */
  previewEvery?: number | undefined
  /** Free the EEG's networks before the diffusion model loads, decode one picture at a time. */
  lowMemory?: boolean | undefined
  /** On a GPU, launch each step as one CUDA graph. */
  cudaGraph?: boolean | undefined
  device?: Device | undefined
  dtype?: 'float32' | 'float16' | 'bfloat16' | undefined
  /** What stands in the place of the trials' EEG. */
  control?: PictureControl | undefined
  onLoad?: ((progress: LoadProgress) => void) | undefined
  signal?: AbortSignal | undefined
}

/** @throws EegTorchError `INVALID_OPTION` for what the pipeline cannot do without */
export function requireDrawing(drawing: PictureDrawing, ...pipelines: readonly PictureDrawing['pipeline'][]): void {
  const { pipeline } = drawing
  if (!pipelines.includes(pipeline)) {
    throw new EegTorchError('INVALID_OPTION', 'another source draws these pictures', {
      ...{ option: 'pipeline', expected: `one of ${pipelines.join(', ')}`, received: pipeline },
    })
  }
  const option = DRAWING_NEEDS[pipeline].find((name) => drawing[name] === undefined)
  if (option !== undefined)
    throw new EegTorchError('INVALID_OPTION', `the pipeline ${pipeline} needs ${option}`, { option })
}

/** Where the networks go, and in which type. */
export function wantedPlacement({ device, dtype }: PictureDrawing) {
  return defined({ device, dtype })
}

/** How networks are loaded. */
export function loadOptions({ onLoad, signal, ...config }: PictureDrawing) {
  return { ...wantedPlacement(config), onProgress: onLoad, signal }
}

/** What all pipelines are told alike. */
export function drawOptions(config: PictureDrawing) {
  const { steps, guidance, negativePrompt, seed, height, width, previewEvery, cudaGraph } = config
  return defined({ steps, guidance, negativePrompt, seed, height, width, previewEvery, cudaGraph })
}

/** How Stable Diffusion is read. */
export function diffusionOptions(config: PictureDrawing) {
  const { lowMemory, scheduler, predictionType, tokenizer, controlnet } = config
  return {
    ...loadOptions(config),
    ...defined({ lowMemory, scheduler, predictionType, tokenizer, controlNet: controlnet }),
  }
}

/** What the ControlNet of Stable Diffusion sees of some of the work, and how it is listened to. */
export function structureOptions(config: PictureDrawing, work: readonly PictureWork[], indices: readonly number[]) {
  if (config.structure === undefined) return {}
  return { structures: indices.map((i) => work[i]!.structure!), ...controlNetOptions(config) }
}

/** How a ControlNet is listened to. */
export function controlNetOptions({ structureWeight, structureStart, structureEnd, guessMode }: PictureDrawing) {
  return defined({ structureWeight, structureStart, structureEnd, guessMode })
}

/** The way to a picture, with the structure that it was given, for this may come from what was seen, and what stood in the place of the EEG. */
export function modeOf(mode: string, { structure, control }: PictureDrawing): string {
  const parts = [mode, structure && 'given structure', control && STANDS_IN[control]]
  return parts.filter(Boolean).join(' + ')
}

const STANDS_IN: Readonly<Record<PictureControl, string | undefined>> = {
  shuffled: 'EEG of another trial',
  random: 'noise in place of EEG',
  label: undefined,
}
