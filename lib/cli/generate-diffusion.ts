import { defined } from '../defined.ts'
import type { Device } from '../dtype.ts'
import type { PictureWork } from '../generation/generate-pictures.ts'
import type { GenerateConfig } from './generate-config.ts'

/** Where the networks go, and in which type. */
export function placementOf({ device, dtype }: GenerateConfig) {
  return { device: device as Device, dtype }
}

/** What all pipelines are told alike. */
export function drawOptions({ steps, guidance, seed, height, width, previewEvery }: GenerateConfig) {
  return { ...defined({ steps, guidance, height, width, previewEvery }), seed }
}

/** How Stable Diffusion is read. */
export function diffusionOptions(config: GenerateConfig) {
  const { lowMemory, scheduler, tokenizer, controlnet } = config
  return { ...placementOf(config), lowMemory, scheduler, tokenizer, controlNet: controlnet }
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

/** The way to a picture, with the structure that it was given, for this may come from what was seen. */
export function modeOf(mode: string, { structure }: GenerateConfig): string {
  return structure === undefined ? mode : `${mode} + given structure`
}
