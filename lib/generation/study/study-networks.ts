import type { EegWindows } from '../../datasets/windows.ts'
import type { PictureCodec } from '../picture-codec.ts'
import { type Scheduler, schedulers } from '../schedulers/index.ts'
import type { SgdmConfig } from '../sgdm/sgdm.ts'

/** Pixels along a side of the pictures. */
export const STUDY_SIDE = 48

/** Networks small enough to learn within minutes on two cores. */
export function studyNetworks(
  { nChannels, nSamples, classNames }: Pick<EegWindows, 'nChannels' | 'nSamples' | 'classNames'>,
  { codec: { channels, factor } }: { codec: PictureCodec },
): SgdmConfig {
  return {
    encoder: {
      ...{ nChans: nChannels, nTimes: nSamples, latentDim: 32, convFilters: [16, 32], pooledLength: 16 },
      ...{ nHeads: 4, hiddenDim: 64, dropProb: 0.1 },
    },
    unet: {
      ...{
        sampleSize: STUDY_SIDE / factor,
        inChannels: channels,
        outChannels: channels,
        layersPerBlock: 1,
        nScales: 2,
      },
      ...{ blockOutChannels: [32, 64], normNumGroups: 8, attentionHeadDim: 4 },
      downBlockTypes: ['DownBlock2D', 'CrossAttnDownBlock2D'],
      upBlockTypes: ['CrossAttnUpBlock2D', 'UpBlock2D'],
    },
    ...{ semanticDim: classNames.length, nClasses: classNames.length, structureSize: 4 },
  }
}

/**
 * DDIM that predicts v and ends in pure noise (Lin et al. 2024, WACV, arXiv 2305.08891): what a network of few steps gets wrong about the noise would
 * stay in the picture.
 */
export function studyScheduler(): Scheduler {
  return schedulers.ddim({
    ...{ betaSchedule: 'scaled_linear', betaStart: 0.00085, betaEnd: 0.012, rescaleBetasZeroSnr: true },
    ...{ predictionType: 'v_prediction', timestepSpacing: 'trailing', clipSample: false },
  })
}
