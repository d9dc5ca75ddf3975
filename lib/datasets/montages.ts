import { EegTorchError } from '../errors.ts'

/** Regions in the order of CSBrain's numbers: `region_0` of its weights is frontal. */
export const BRAIN_REGIONS = ['frontal', 'parietal', 'temporal', 'occipital', 'central'] as const

/** A part of the head, as CSBrain's weights tell them apart. */
export type BrainRegion = (typeof BRAIN_REGIONS)[number]

/** Electrodes of a data set and the brain regions under them, as CSBrain and the token reducer take them. */
export interface Montage {
  /** Names of the electrodes, in the order of the recording. */
  readonly channels: readonly string[]
  /** CSBrain's number of each channel's region. */
  readonly brainRegions: readonly number[]
  /** The recorded channel at each place, region by region: the order that CSBrain gives its output in. */
  readonly sortedIndices: readonly number[]
  /** The region at each of those places: `brain_regions` of what follows CSBrain. */
  readonly sortedRegions: readonly number[]
  /** Options for the network: `models.csbrain(montage.csbrain())`. */
  csbrain(): { brainRegions: number[]; sortedIndices: number[] }
}

const FRONT = ['Fp', 'AF', 'F']
const CENTRE = ['FC', 'C', 'CP']
const SIDES = ['FT', 'T', 'TP']
const BACK = ['PO', 'O', 'I']
const REGION_OF_ROW: ReadonlyMap<string, BrainRegion> = new Map([
  ...FRONT.map((row) => [row.toUpperCase(), 'frontal'] as const),
  ...CENTRE.map((row) => [row, 'central'] as const),
  ...SIDES.map((row) => [row, 'temporal'] as const),
  ...BACK.map((row) => [row, 'occipital'] as const),
  ['P', 'parietal'],
])

/** Parietal and temporal electrodes by their names before the 10-10 system. */
const OLDER_NAMES: Readonly<Record<string, string>> = { T5: 'P7', T6: 'P8' }

/**
 * The region under an electrode of the 10-10 system, by the letters of its name: Fp, AF, F frontal; FC, C, CP central; FT, T, TP temporal;
 * P parietal; PO, O, I occipital. Upper and lower case are equal.
 *
 * @throws EegTorchError `INVALID_OPTION` for a name that says no place, such as `EOG1`
 */
export function brainRegion(electrode: string): BrainRegion {
  const name = electrode.toUpperCase()
  const row = /^([A-Z]+?)(Z|\d{1,2})$/.exec(OLDER_NAMES[name] ?? name)?.[1]
  const region = row === undefined ? undefined : REGION_OF_ROW.get(row)
  if (region !== undefined) return region
  throw new EegTorchError('INVALID_OPTION', `there is no brain region for electrode ${JSON.stringify(electrode)}`, {
    expected: 'a name of the 10-10 system, such as FC3 or Oz',
  })
}

/**
 * The montage of any set of electrodes. Within a region they keep the order of the recording.
 *
 * @param regions CSBrain's number for each channel (default: by {@link brainRegion})
 * @throws EegTorchError `INVALID_OPTION` for a name without a region, another number of regions than channels, a number that is none
 */
export function montageOf(channels: readonly string[], regions?: readonly number[]): Montage {
  const brainRegions = regions ?? channels.map((name) => BRAIN_REGIONS.indexOf(brainRegion(name)))
  if (channels.length === 0 || brainRegions.length !== channels.length) {
    throw new EegTorchError('INVALID_OPTION', 'a montage needs channels, and one region for each', {
      option: 'regions',
      expected: `${channels.length} numbers`,
      received: String(brainRegions.length),
    })
  }
  const wrong = brainRegions.find((region) => !Number.isInteger(region) || region < 0)
  if (wrong !== undefined) {
    throw new EegTorchError('INVALID_OPTION', 'a brain region is no whole number', {
      option: 'regions',
      expected: '0 and above',
      received: String(wrong),
    })
  }
  const sortedIndices = channels.map((_, i) => i).sort((a, b) => brainRegions[a]! - brainRegions[b]! || a - b)
  return Object.freeze({
    channels: Object.freeze([...channels]),
    brainRegions: Object.freeze([...brainRegions]),
    sortedIndices: Object.freeze(sortedIndices),
    sortedRegions: Object.freeze(sortedIndices.map((i) => brainRegions[i]!)),
    csbrain: () => ({ brainRegions: [...brainRegions], sortedIndices: [...sortedIndices] }),
  })
}

const BCIC_IV_2A = 'Fz FC3 FC1 FCz FC2 FC4 C5 C3 C1 Cz C2 C4 C6 CP3 CP1 CPz CP2 CP4 P1 Pz P2 POz'.split(' ')

const VISUAL_IMAGERY =
  'Fpz Fp1 Fp2 Fz F3 F4 F7 F8 FCz FC3 FC4 FT7 FT8 Cz C3 C4 T7 T8 CP3 CP4 TP7 TP8 Pz P3 P4 P7 P8 PO3 PO4 Oz O1 O2'.split(
    ' ',
  )

/** Numbers for runs of channels: `[[8, 0], [5, 1]]` is eight of region 0, then five of region 1. */
function runs(...counts: [count: number, region: number][]): number[] {
  return counts.flatMap(([count, region]) => Array<number>(count).fill(region))
}

/** Montages of data sets. */
export const montages = Object.freeze({
  /** The 22 EEG channels of BCI Competition IV, data set 2a (Brunner et al. 2008), with the regions of CSBrain's authors: POz is parietal. */
  bcicIv2a: montageOf(BCIC_IV_2A, runs([1, 0], [17, 4], [4, 1])),
  /** The 32 channels of the Visual Imagery data set (doi 10.6084/m9.figshare.30227503), in CSBrain's five regions. */
  visualImagery: montageOf(VISUAL_IMAGERY),
  /**
   * The same channels as the published `eeg2image` code numbers them: 0 frontal, 1 fronto-central, 2 central, 3 parietal, 4 occipital. These
   * are not the regions that CSBrain was pretrained with; its `mapper_epochN.pth` and `projection_epochN.pth` need them.
   */
  visualImageryEeg2image: montageOf(VISUAL_IMAGERY, runs([8, 0], [5, 1], [5, 2], [9, 3], [5, 4])),
})
