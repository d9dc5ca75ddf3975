import { defined } from '../defined.ts'
import type { PictureWork } from '../generation/generate-pictures.ts'
import type { PictureControl } from '../generation/pictures/controls.ts'
import type { LoadProgress } from '../models/load-weights.ts'
import type { GenerateConfig } from './generate-config.ts'

/** Where the networks go, and in which type. */
export function placementOf({ device, dtype }: GenerateConfig) {
  return { device, dtype }
}

/** How networks are loaded. */
export function loadOptions({ onLoad, signal, ...config }: Drawing) {
  return { ...placementOf(config), onProgress: onLoad, signal }
}

/** A configuration that is being drawn. */
export interface Drawing extends GenerateConfig {
  /** What stands in the place of the trials' EEG. */
  control?: PictureControl
  onLoad?: (progress: LoadProgress) => void
  signal?: AbortSignal
}

/** What all pipelines are told alike. */
export function drawOptions(config: GenerateConfig) {
  const { steps, guidance, negativePrompt, seed, height, width, previewEvery, cudaGraph } = config
  return { ...defined({ steps, guidance, negativePrompt, height, width, previewEvery }), seed, cudaGraph }
}

/** How Stable Diffusion is read. */
export function diffusionOptions(config: Drawing) {
  const { lowMemory, scheduler, tokenizer, controlnet } = config
  return { ...loadOptions(config), lowMemory, scheduler, tokenizer, controlNet: controlnet }
}

/** What the ControlNet of Stable Diffusion sees of some of the work, and how it is listened to. */
export function structureOptions(config: GenerateConfig, work: readonly PictureWork[], indices: readonly number[]) {
  if (config.structure === undefined) return {}
  return { structures: indices.map((i) => work[i]!.structure!), ...controlOptions(config) }
}

/** How a ControlNet is listened to. */
export function controlOptions({ structureWeight, structureStart, structureEnd, guessMode }: GenerateConfig) {
  return defined({ structureWeight, structureStart, structureEnd, guessMode })
}

/** The way to a picture, with the structure that it was given, for this may come from what was seen, and what stood in the place of the EEG. */
export function modeOf(mode: string, { structure, control }: Drawing): string {
  const parts = [mode, structure && 'given structure', control && STANDS_IN[control]]
  return parts.filter(Boolean).join(' + ')
}

const STANDS_IN: Readonly<Record<PictureControl, string | undefined>> = {
  shuffled: 'EEG of another trial',
  random: 'noise in place of EEG',
  label: undefined,
}
