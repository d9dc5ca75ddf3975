import { EegTorchError } from '../../errors.ts'
import { logGamma } from '../../evaluation/special-functions.ts'
import { scope } from '../../memory.ts'
import { asyncOps } from '../../ops/index.ts'
import { Random } from '../../random.ts'
import type { Tensor } from '../../tensor.ts'
import { checkFeatures, numbersOf } from './picture-batch.ts'
import { correlations } from './pixels.ts'

/** What {@link twoWayIdentification} found. */
export interface TwoWay {
  /** Correlation of each real picture's features (rows) with each made one's. */
  correlation: number[][]
  /** For each made picture, the share of other real ones that are less like it than the right one. */
  perImage: number[]
  /** Their mean; a guess scores 0.5. */
  accuracy: number
}

/**
 * Two-way identification (Ozcelik and VanRullen 2023, Sci. Rep. 13, 15666): how often the features of a made picture correlate more with those of the
 * right real one than with those of another.
 *
 * @param real (pictures, features)
 * @param made (pictures, features), made from the trials of the same rows
 * @throws EegTorchError `SHAPE_MISMATCH`, `INVALID_OPTION` for fewer than two pictures
 */
export async function twoWayIdentification(real: Tensor, made: Tensor): Promise<TwoWay> {
  checkFeatures(real, made)
  const count = real.shape[0]!
  if (count < 2) throw tooFew('pictures', 'two at least, since one is told from another', count)
  const correlation = await correlations(real, made)
  const perImage = correlation.map((_, j) => {
    const right = correlation[j]![j]!
    return correlation.filter((row) => row[j]! < right).length / (count - 1)
  })
  return { correlation, perImage, accuracy: average(perImage) }
}

/** What {@link nWayTopK} found. */
export interface NWay {
  /** For each picture, the share of trials in which its class was among the first k. */
  perImage: number[]
  /** Their mean; a guess scores k / n. */
  accuracy: number
}

/**
 * n-way top-k identification (Chen et al. 2023, CVPR, arXiv 2211.06956): how often a classifier ranks the real picture's class among the first k of n
 * classes, the others drawn at random.
 *
 * @param scores what the classifier gives the made picture: pictures x classes
 * @param labels the real picture's class
 * @param picks for each picture and trial, the n - 1 other classes: {@link drawPicks}
 * @throws EegTorchError `INVALID_OPTION` for classes that are not there
 */
export function nWayTopK(
  scores: readonly (readonly number[])[],
  labels: readonly number[],
  picks: readonly (readonly (readonly number[])[])[],
  { k }: { k: number },
): NWay {
  const perImage = scores.map((row, i) => {
    const score = (label: number) => row[label] ?? missingClass(label, row.length)
    const right = score(labels[i] ?? Number.NaN)
    const hits = (picks[i] ?? []).filter((others) => others.filter((other) => score(other) > right).length < k)
    return hits.length / (picks[i]?.length ?? 0)
  })
  return { perImage, accuracy: average(perImage) }
}

/**
 * What {@link nWayTopK} tends to with the number of trials, exactly: the probability that fewer than k of n - 1 classes, drawn from all others without
 * repetition, score above the right one (a hypergeometric distribution).
 *
 * @param scores what the classifier gives the made picture: pictures x classes
 * @param labels the real picture's class
 * @throws EegTorchError `INVALID_OPTION` for classes that are not there, or more of them than there are
 */
export function nWayExpected(
  scores: readonly (readonly number[])[],
  labels: readonly number[],
  { n, k }: { n: number; k: number },
): NWay {
  const perImage = scores.map((row, i) => {
    if (!(n >= 2 && n <= row.length)) throw tooFew('n', `2 to ${row.length} classes`, n)
    const right = row[labels[i] ?? Number.NaN] ?? missingClass(labels[i] ?? Number.NaN, row.length)
    const above = row.filter((score) => score > right).length
    return fewerThan(k, { above, others: row.length - 1, drawn: n - 1 })
  })
  return { perImage, accuracy: average(perImage) }
}

/** The probability that fewer than k of those drawn are among the ones above. */
function fewerThan(k: number, { above, others, drawn }: { above: number; others: number; drawn: number }): number {
  const below = others - above
  let sum = 0
  for (let x = Math.max(0, drawn - below); x < Math.min(k, above + 1, drawn + 1); x++) {
    sum += Math.exp(logChoose(above, x) + logChoose(below, drawn - x) - logChoose(others, drawn))
  }
  return Math.min(1, sum)
}

function logChoose(n: number, k: number): number {
  return logGamma(n + 1) - logGamma(k + 1) - logGamma(n - k + 1)
}

/** Other classes for {@link nWayTopK}. */
export interface PickOptions {
  /** Classes of the classifier. */
  classes: number
  /** Classes in a trial, the right one among them. Default 50, or all where there are fewer. */
  n?: number
  /** Trials for each picture. Default 1000. */
  trials?: number
  /** Default 0. */
  seed?: number
}

/** Draws n - 1 other classes for each picture and trial, without repetition. @throws EegTorchError `INVALID_OPTION` */
export function drawPicks(
  labels: readonly number[],
  { classes, n, trials = 1000, seed = 0 }: PickOptions,
): number[][][] {
  const among = n ?? Math.min(50, classes)
  if (!(among >= 2 && among <= classes)) throw tooFew('n', `2 to ${classes} classes`, among)
  const random = new Random(seed)
  return labels.map((label) => Array.from({ length: trials }, () => drawOthers(random, label, classes, among - 1)))
}

/** The first steps of a shuffle of all classes but one. */
function drawOthers(random: Random, label: number, classes: number, count: number): number[] {
  const moved = new Map<number, number>()
  const at = (i: number) => moved.get(i) ?? i
  return Array.from({ length: count }, (_, i) => {
    const other = i + random.below(classes - 1 - i)
    const drawn = at(other)
    moved.set(other, at(i))
    return drawn >= label ? drawn + 1 : drawn
  })
}

/**
 * Cosine of the angle between two embeddings of each picture: CLIP similarity, where they are CLIP's.
 *
 * @param real (pictures, features)
 * @param made of the same shape
 * @throws EegTorchError `SHAPE_MISMATCH`
 */
export async function cosineSimilarity(real: Tensor, made: Tensor): Promise<number[]> {
  checkFeatures(real, made)
  using a = plain(real)
  using b = plain(made)
  using each = await asyncOps.aten.cosine_similarity(a, b, { dim: 1 })
  return numbersOf(each)
}

/**
 * Fréchet distance between two clouds of features, each taken for a Gaussian (Heusel et al. 2017, NeurIPS, arXiv 1706.08500): FID, where they are
 * Inception-v3's. It falls with the number of pictures, so compare equal numbers.
 *
 * @param real (pictures, features), two at least
 * @param made (other pictures, features)
 * @throws EegTorchError `SHAPE_MISMATCH` for features that differ in their number, `INVALID_OPTION` for fewer than two pictures
 */
export async function frechetDistance(real: Tensor, made: Tensor): Promise<number> {
  if (real.shape.length !== 2 || made.shape.length !== 2 || real.shape[1] !== made.shape[1]) checkFeatures(real, made)
  for (const { shape } of [real, made]) if (shape[0]! < 2) throw tooFew('pictures', 'two at least', shape[0]!)
  using a = await cloudOf(real)
  using b = await cloudOf(made)
  using between = a.mean.sub(b.mean)
  // The roots of the eigenvalues of a product of covariances are the singular values of what is between the two clouds.
  using turned = b.spread.t()
  using cross = await asyncOps.aten.matmul(a.spread, turned)
  using common = await asyncOps.aten.linalg_svdvals(cross)
  const total = (values: Tensor) => numbersOf(values).reduce((sum, value) => sum + value, 0)
  const squares = (values: Tensor) => numbersOf(values).reduce((sum, value) => sum + value * value, 0)
  return Math.max(0, squares(between) + squares(a.spread) + squares(b.spread) - 2 * total(common))
}

interface Cloud extends Disposable {
  /** (1, features) */
  mean: Tensor
  /** (pictures, features): differences from the mean, whose products sum up to the covariance */
  spread: Tensor
}

async function cloudOf(features: Tensor): Promise<Cloud> {
  using values = plain(features)
  const mean = await asyncOps.aten.mean(values, [0], { keepdim: true })
  using centred = await asyncOps.aten.sub(values, mean)
  const spread = await asyncOps.aten.div(centred, Math.sqrt(features.shape[0]! - 1))
  const dispose = () => {
    mean.dispose()
    spread.dispose()
  }
  return { mean, spread, [Symbol.dispose]: dispose }
}

function plain(features: Tensor): Tensor {
  return scope(() => features.detach().to('float64'))
}

function average(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}

function tooFew(option: string, expected: string, received: number): EegTorchError {
  return new EegTorchError('INVALID_OPTION', `there is a wrong number of ${option}`, {
    option,
    expected,
    received: String(received),
  })
}

function missingClass(label: number, classes: number): never {
  throw new EegTorchError('INVALID_OPTION', 'a label is no class of the classifier', {
    option: 'labels',
    expected: `0 to ${classes - 1}`,
    received: String(label),
  })
}
