import { fromTypedArray } from '../creation.ts'
import { type Montage, montageOf, montages } from '../datasets/montages.ts'
import type { EegWindows } from '../datasets/windows.ts'
import { defined } from '../defined.ts'
import type { Device } from '../dtype.ts'
import { EegTorchError } from '../errors.ts'
import type { PictureWork } from '../generation/generate-pictures.ts'
import type { Tensor } from '../tensor.ts'
import type { GenerateConfig } from './generate-config.ts'

/** Montages by the names that people write. */
export const MONTAGES = {
  'bcic-iv-2a': montages.bcicIv2a,
  'visual-imagery': montages.visualImagery,
  'visual-imagery-eeg2image': montages.visualImageryEeg2image,
} as const satisfies Record<string, Montage>

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

/** What the ControlNet of Stable Diffusion sees of some of the work. */
export function structureOptions(
  { structure, structureWeight }: GenerateConfig,
  work: readonly PictureWork[],
  indices: readonly number[],
) {
  if (structure === undefined) return {}
  return { structures: indices.map((i) => work[i]!.structure!), ...defined({ structureWeight }) }
}

/** The way to a picture, with the structure that it was given, for this may come from what was seen. */
export function modeOf(mode: string, { structure }: GenerateConfig): string {
  return structure === undefined ? mode : `${mode} + given structure`
}

/** (trials, channels, samples) */
export function tensorOf(windows: EegWindows, indices: readonly number[]): Tensor {
  const { data, shape } = windows.batch(indices)
  return fromTypedArray(data, { shape })
}

/**
 * The channels of a store, with the regions of a montage where one is named.
 *
 * @throws EegTorchError `INVALID_OPTION` for a channel that the montage does not have
 */
export function channelsOf({ channelNames: channels }: EegWindows, { montage: name }: Pick<GenerateConfig, 'montage'>) {
  if (name === undefined) return { channels }
  const named = MONTAGES[name]
  const places = channels.map((channel) =>
    named.channels.findIndex((known) => known.toUpperCase() === channel.toUpperCase()),
  )
  const strange = channels[places.indexOf(-1)]
  if (strange !== undefined) {
    throw new EegTorchError('INVALID_OPTION', `the montage ${name} has no channel ${strange}`, {
      option: 'montage',
      expected: named.channels.join(', '),
    })
  }
  const regions = places.map((place) => named.brainRegions[place]!)
  return { channels, montage: montageOf(channels, regions) }
}
