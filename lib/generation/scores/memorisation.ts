import { correlations } from '../metrics/pixels.ts'
import type { PictureSide } from './picture-side.ts'

/** Whether pictures come from training pictures rather than from the trial. */
export interface Memorisation {
  /** Where likeness was looked for: `pixels`, or a place in a network. */
  place: string
  /** Training pictures that were looked through. */
  trainingPictures: number
  /** Share of made pictures that are more like a training picture than like their own stimulus; above one half, they are recalled rather than read. */
  closerToTraining: number
  /** Made pictures whose correlation with a training picture, in that place, is above 0.95. */
  copies: number
  /**
   * Different stimuli that are among the training pictures: the pixels of both, scaled to 32 x 32, correlate by more than 1 - 1e-6. With any, scores
   * say nothing about new pictures.
   */
  stimuliInTraining: number
}

const COPY = 0.95
const SAME = 1 - 1e-6

/** @returns what {@link Memorisation} tells, and for each made picture the index of the training picture that is most like it */
export async function findMemorised(
  real: PictureSide,
  made: PictureSide,
  training: PictureSide,
  place: string,
): Promise<{ memorisation: Memorisation; nearest: number[] }> {
  const toTraining = await correlations(await made.features(place), await training.features(place))
  const own = await correlations(await made.features(place), await real.features(place))
  const nearest = toTraining.map(indexOfLargest)
  const likeness = nearest.map((index, i) => toTraining[i]![index]!)
  const pixels = await correlations(await real.features('pixels'), await training.features('pixels'))
  return {
    nearest,
    memorisation: {
      place,
      trainingPictures: training.pictures.length,
      closerToTraining: share(likeness, (value, i) => value > own[i]![i]!),
      copies: likeness.filter((value) => value > COPY).length,
      stimuliInTraining: new Set(pixels.flatMap((row, i) => (row.some((value) => value > SAME) ? [real.keys[i]!] : [])))
        .size,
    },
  }
}

function indexOfLargest(values: readonly number[]): number {
  return values.reduce((best, value, i) => (value > values[best]! ? i : best), 0)
}

function share(values: readonly number[], holds: (value: number, i: number) => boolean): number {
  return values.filter(holds).length / values.length
}
