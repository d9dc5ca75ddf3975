import type { EegWindows } from '../../datasets/windows.ts'
import type { PictureCodec } from '../picture-codec.ts'
import type { SgdmConfig } from './sgdm.ts'

/** What is wished of the networks; options of each win over what is usual here. */
export interface SgdmSizes {
  /** Height and width of the pictures in pixels. */
  size: number
  /** Width of what is read from the EEG. */
  latentDim: number
  /** Width of the semantic vectors. */
  semanticDim: number
  /** Side of the rough structure; never more than that of the latents. */
  structureSize: number
  encoderOptions?: Readonly<Record<string, unknown>>
  unetOptions?: Readonly<Record<string, unknown>>
}

const DOWN = ['DownBlock2D', 'CrossAttnDownBlock2D', 'CrossAttnDownBlock2D']
const UP = ['CrossAttnUpBlock2D', 'CrossAttnUpBlock2D', 'UpBlock2D']

/** Options of {@link Sgdm} for windows and the latents of a codec: by default networks so small that a CPU trains them. */
export function smallSgdm(
  { nChannels, nSamples, classNames }: Pick<EegWindows, 'nChannels' | 'nSamples' | 'classNames'>,
  { channels, factor }: Pick<PictureCodec, 'channels' | 'factor'>,
  { size, latentDim, semanticDim, structureSize, encoderOptions, unetOptions }: SgdmSizes,
): SgdmConfig {
  const side = size / factor
  return {
    encoder: { pooledLength: 32, ...encoderOptions, nChans: nChannels, nTimes: nSamples, latentDim },
    unet: {
      ...{ blockOutChannels: [32, 64, 64], downBlockTypes: DOWN, upBlockTypes: UP, layersPerBlock: 1 },
      ...{ normNumGroups: 8, attentionHeadDim: 4, nScales: 2, ...unetOptions },
      ...{ sampleSize: side, inChannels: channels, outChannels: channels },
    },
    ...{ semanticDim, nClasses: classNames.length, structureSize: Math.min(structureSize, side) },
  } as SgdmConfig
}
