import { EegTorchError } from '../../errors.ts'
import { groupBy } from '../../evaluation/group-by.ts'
import { mean } from '../../evaluation/statistics.ts'
import type { Tensor } from '../../tensor.ts'
import { cosineSimilarity, nWayExpected, twoWayIdentification } from '../metrics/identification.ts'
import type { ImageNetworks } from '../metrics/image-networks.ts'
import { numbersOf } from '../metrics/picture-batch.ts'
import { mse, pixelCorrelation, psnr } from '../metrics/pixels.ts'
import { PAPER_SSIM, ssim } from '../metrics/ssim.ts'
import type { PictureSide } from './picture-side.ts'

/** One way to say how alike pictures and their stimuli are. */
export interface Measure {
  /** As `--metrics` names it. */
  readonly name: string
  readonly title: string
  readonly better: 'higher' | 'lower'
  /** What knowing nothing scores, where that is known beforehand. */
  readonly chance?: number
  /** One number for each made picture, in order; NaN where it is not defined. */
  values(real: PictureSide, made: PictureSide): Promise<number[]>
}

/** Measures that a user may ask for, and what each needs. */
export const measureNames = ['mse', 'psnr', 'ssim', 'pixcorr', 'class', 'two-way', 'lpips', 'n-way', 'clip'] as const

/** One of {@link measureNames}. */
export type MeasureName = (typeof measureNames)[number]

/** Among how many classes `n-way` looks for the right one, and how many of the first count. */
const N_WAY = { n: 50, k: 1 }

type PairMeasure = (real: Tensor, made: Tensor) => Promise<number[]>

/** What measures are made with. */
interface MeasureOptions {
  /** Default: all that the networks and the stimuli allow. */
  names?: readonly MeasureName[] | undefined
  /** Classes of the stimuli; 0 where they are not known. */
  classes: number
}

/**
 * The measures of some names. `two-way` and `class` are one measure for each place whose features there are.
 *
 * @throws EegTorchError `INVALID_OPTION` for one whose network, or whose classes are missing
 */
export function makeMeasures(networks: ImageNetworks, { names, classes }: MeasureOptions): Measure[] {
  const isThere = (name: MeasureName) => missingFor(name, networks) === undefined && (name !== 'class' || classes > 1)
  return (names ?? measureNames.filter(isThere)).flatMap((name) => {
    if (isThere(name)) return make(name, networks, classes)
    if (name === 'class') throw fewClasses(classes)
    const missing = missingFor(name, networks)!
    throw new EegTorchError('INVALID_OPTION', `${name} needs a network whose weights were not given`, {
      option: missing,
      expected: `--${missing}`,
      received: 'nothing',
    })
  })
}

function fewClasses(classes: number): EegTorchError {
  return new EegTorchError('INVALID_OPTION', 'class needs stimuli of two classes at least', {
    option: 'metrics',
    expected: 'a log that names the true class of every picture, two classes or more',
    received: classes === 0 ? 'a log without them' : 'one class',
  })
}

function missingFor(name: MeasureName, networks: ImageNetworks): string | undefined {
  if (name === 'lpips' && !networks.hasLpips) return 'lpips'
  if (name === 'n-way' && networks.classes === undefined) return 'inception'
  if (name === 'clip' && !networks.places.includes('clip')) return 'clip'
  return undefined
}

function make(name: MeasureName, networks: ImageNetworks, classes: number): Measure[] {
  switch (name) {
    case 'mse':
      return [inPairs(name, 'mean squared error', 'lower', mse)]
    case 'psnr':
      return [inPairs(name, 'PSNR (dB)', 'higher', psnr)]
    case 'ssim':
      return [inPairs(name, 'SSIM', 'higher', (real, made) => ssim(real, made, PAPER_SSIM))]
    case 'pixcorr':
      return [inPairs(name, 'pixel correlation', 'higher', pixelCorrelation)]
    case 'class':
      return ['pixels', ...networks.places].map((place) => byClass(place, classes))
    case 'lpips':
      return [inPairs(name, 'LPIPS', 'lower', (real, made) => lpips(networks, real, made))]
    case 'two-way':
      return ['pixels', ...networks.places].map(twoWay)
    case 'n-way':
      return [nWay(networks.classes!)]
    case 'clip':
      return [{ name, title: 'CLIP similarity', better: 'higher', values: clipSimilarity }]
  }
}

/** Measures that look at one pair at a time, small enough for pictures of every size. */
function inPairs(name: MeasureName, title: string, better: Measure['better'], measure: PairMeasure): Measure {
  const values = async (real: PictureSide, made: PictureSide) => {
    const each: number[] = []
    for (let i = 0; i < made.pictures.length; i++) {
      using a = real.one(i)
      using b = made.one(i)
      each.push(...(await measure(a, b)))
    }
    return each
  }
  return { name, title, better, values }
}

async function lpips(networks: ImageNetworks, real: Tensor, made: Tensor): Promise<number[]> {
  using distances = await networks.distances(real, made)
  return numbersOf(distances)
}

function twoWay(place: string): Measure {
  const values = async (real: PictureSide, made: PictureSide) => {
    if (made.pictures.length < 2) return [Number.NaN]
    const { correlation } = await twoWayIdentification(await real.features(place), await made.features(place))
    // Trials that saw the same picture are not told apart by it.
    return correlation.map((_, j) => {
      const others = correlation.filter((_, i) => real.keys[i] !== real.keys[j])
      return others.filter((row) => row[j]! < correlation[j]![j]!).length / others.length
    })
  }
  return { name: `two-way:${place}`, title: `two-way, ${place}`, better: 'higher', chance: 0.5, values }
}

/** How often a picture is more like the stimuli of its true class, on average, than like those of any other. */
function byClass(place: string, classes: number): Measure {
  const values = async (real: PictureSide, made: PictureSide) => {
    const { correlation } = await twoWayIdentification(await real.features(place), await made.features(place))
    const labels = real.labels!
    const rowsOf = groupBy(differentRows(real), (row) => labels[row]!)
    return labels.map((truth, j) => {
      const likeness = (label: string) => mean(rowsOf.get(label)!.map((row) => correlation[row]![j]!))
      const others = [...rowsOf.keys()].filter((label) => label !== truth)
      if (others.length === 0) return Number.NaN
      return Number(others.every((label) => likeness(label) < likeness(truth)))
    })
  }
  return { name: `class:${place}`, title: `like its class, ${place}`, better: 'higher', chance: 1 / classes, values }
}

/** Rows of which none has the pixels of another: a stimulus counts once, however often it was shown. */
function differentRows({ keys }: PictureSide): number[] {
  return [...new Map(keys.map((key, row) => [key, row])).values()]
}

function nWay(classes: number): Measure {
  const { k } = N_WAY
  const n = Math.min(N_WAY.n, classes)
  const values = async (real: PictureSide, made: PictureSide) => {
    const truths = (await real.features('classes')).toArray() as number[][]
    const scores = (await made.features('classes')).toArray() as number[][]
    const labels = truths.map((row) => row.indexOf(Math.max(...row)))
    return nWayExpected(scores, labels, { n, k }).perImage
  }
  return { name: 'n-way', title: `${n}-way top-${k}`, better: 'higher', chance: k / n, values }
}

async function clipSimilarity(real: PictureSide, made: PictureSide): Promise<number[]> {
  return cosineSimilarity(await real.features('clip'), await made.features('clip'))
}
