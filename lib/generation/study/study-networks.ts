import type { EegWindows } from '../../datasets/windows.ts'
import type { SgdmConfig } from '../sgdm/sgdm.ts'

/** Pixels along a side of the pictures. */
export const STUDY_SIDE = 24

/** Networks small enough to learn within minutes on two cores: pixels in place of an autoencoder's latents. */
export function studyNetworks({ nChannels, nSamples, classNames }: EegWindows): SgdmConfig {
  return {
    encoder: {
      ...{ nChans: nChannels, nTimes: nSamples, latentDim: 32, convFilters: [16, 32], pooledLength: 16 },
      ...{ nHeads: 4, hiddenDim: 64, dropProb: 0.5 },
    },
    unet: {
      ...{ sampleSize: STUDY_SIDE, inChannels: 3, outChannels: 3, layersPerBlock: 1, nScales: 2 },
      ...{ blockOutChannels: [16, 32, 32], normNumGroups: 8, attentionHeadDim: 4 },
      downBlockTypes: ['DownBlock2D', 'CrossAttnDownBlock2D', 'DownBlock2D'],
      upBlockTypes: ['UpBlock2D', 'CrossAttnUpBlock2D', 'UpBlock2D'],
    },
    ...{ semanticDim: classNames.length, nClasses: classNames.length, structureSize: 4 },
  }
}
