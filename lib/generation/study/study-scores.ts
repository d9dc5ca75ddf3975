import { binomialTest, clopperPearson } from '../../evaluation/statistics.ts'
import { asyncOps } from '../../ops/index.ts'
import { numbersOf } from '../metrics/picture-batch.ts'
import { standardisedRows } from '../metrics/pixels.ts'
import { type Picture, tensorOfPictures } from '../pictures/picture.ts'
import type { Stimulus, StimulusParts } from './study-stimuli.ts'

/** How often a class was right. */
export interface ClassScore {
  accuracy: number
  correct: number
  n: number
  /** Exact (Clopper-Pearson) interval of 95 %. */
  low: number
  high: number
  /** What the best constant answer scores, and the exact one-sided binomial test against it. */
  chance: number
  p: number
}

export function classScore(correct: number, n: number, chance: number): ClassScore {
  return {
    accuracy: correct / n,
    correct,
    n,
    chance,
    p: binomialTest(correct, n, chance),
    ...clopperPearson(correct, n),
  }
}

/** What pictures of one kind score. Which picture was shown is not known, so each is held against the held-out pictures of its class. */
export interface StudyScore {
  /** What the pictures were made of. */
  name: string
  /** How often the pixels correlate more with the held-out pictures of the true class, on average, than with those of any other. */
  identification: ClassScore
  /** Mean correlation of pixels with the held-out pictures of the true class. */
  correlation: number
  /** Mean correlation with the nearest picture that was trained on, and with the nearest held-out one: far apart, pictures are memorised. */
  nearestTraining: number
  nearestHeldOut: number
}

/**
 * Scores pictures by their pixels.
 *
 * @param drawn pictures and the true classes of their trials
 */
export async function scorePictures(
  name: string,
  drawn: readonly { picture: Picture; label: number }[],
  { training, heldOut }: StimulusParts,
  classes: number,
): Promise<StudyScore> {
  const pictures = drawn.map(({ picture }) => picture)
  const withHeldOut = await correlations(pictures, heldOut)
  const withTraining = await correlations(pictures, training)
  const perClass = withHeldOut.map((row) => meansByClass(row, heldOut, classes))
  const correct = perClass.filter((means, i) => isLargest(means, drawn[i]!.label)).length
  return {
    name,
    identification: classScore(correct, drawn.length, 1 / classes),
    correlation: average(perClass.map((means, i) => means[drawn[i]!.label]!)),
    nearestTraining: average(withTraining.map((row) => Math.max(...row))),
    nearestHeldOut: average(withHeldOut.map((row) => Math.max(...row))),
  }
}

/** For each picture the one of the training pictures that its pixels correlate with most. */
export async function nearestTraining(pictures: readonly Picture[], { training }: StimulusParts): Promise<Picture[]> {
  const rows = await correlations(pictures, training)
  return rows.map((row) => training[row.indexOf(Math.max(...row))]!.picture)
}

/** Correlation of the pixels of each picture with those of each stimulus. */
async function correlations(pictures: readonly Picture[], stimuli: readonly Stimulus[]): Promise<number[][]> {
  using made = await rowsOf(pictures)
  using real = await rowsOf(stimuli.map(({ picture }) => picture))
  using products = await asyncOps.aten.matmul(made, real.t())
  const flat = numbersOf(products)
  return pictures.map((_, i) => flat.slice(i * stimuli.length, (i + 1) * stimuli.length))
}

async function rowsOf(pictures: readonly Picture[]) {
  using images = tensorOfPictures(pictures)
  using flat = images.flatten(1)
  return standardisedRows(flat)
}

function meansByClass(row: readonly number[], stimuli: readonly Stimulus[], classes: number): number[] {
  return Array.from({ length: classes }, (_, label) => average(row.filter((_, i) => stimuli[i]!.label === label)))
}

const isLargest = (values: readonly number[], index: number) =>
  values.every((value, i) => i === index || value < values[index]!)

const average = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length
