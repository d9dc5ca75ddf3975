import type { AskedControl } from '../datasets/card.ts'
import type { EegWindows } from '../datasets/windows.ts'
import { EegTorchError } from '../errors.ts'
import { groupBy } from '../evaluation/group-by.ts'
import { assertNoLeak } from '../evaluation/leaks.ts'
import { type Prediction, predictionsFor } from '../evaluation/predictions.ts'
import { nearby, trialsByRecording } from '../evaluation/protocols.ts'
import { type Split, shapingWindows } from '../evaluation/split.ts'
import { chanceLevel, mean } from '../evaluation/statistics.ts'
import { summarisePredictions } from '../evaluation/summary.ts'
import type { BaselineWindows } from './band-windows.ts'
import { extractFeatures, logVariances, stretchMeans } from './baselines.ts'
import { ShrinkageLda } from './lda.ts'
import type { PermutationTest } from './permutation-tests.ts'
import { fitShrunkRegression } from './regression.ts'
import { type FeatureRows, takeRows } from './rows.ts'

/** A control for what is not brain: can the block be told, or the time; what is scored where labels mean nothing. */
export type ControlName = AskedControl

/** What a control found. */
export interface ControlResult {
  control: ControlName
  /** What was predicted, and by what. */
  what: string
  figure: 'accuracy' | 'explained variance' | 'ROC area'
  score: number
  low?: number
  high?: number
  /** The score of knowing nothing. */
  chance: number
  p?: number
  /** What it means for the score of the run. */
  reading: string
}

/** Stretches into which recordings are cut: blocks, where there is one recording; folds, inside of each block. */
const STRETCHES = 5
/** Means of each channel that controls look at: drifts and offsets show in them. */
const MEANS = 4

/**
 * Tells from the same windows in which block they were recorded: recordings, or fifths of a single one. Blocks differ by electrodes that dry, by posture
 * and fatigue; where they can be told, and classes are not mixed evenly within them, a score of classes may be a score of blocks. How far the block
 * alone would give the class is the second result.
 *
 * @throws EegTorchError `INVALID_OPTION` for windows of fewer than two trials a block
 */
export async function blockControl(windows: EegWindows): Promise<ControlResult[]> {
  const blocks = blocksOf(windows)
  const blockOf = new Int32Array(windows.length).fill(-1)
  for (const [block, trials] of blocks.entries()) for (const index of trials.flat()) blockOf[index] = block
  const features = await extractFeatures(windows, controlFeatures)
  const predictions: Prediction[] = []
  const folds = Math.min(STRETCHES, ...blocks.map((trials) => trials.length))
  if (folds < 2) throw tooFew('block', 'at least two trials in each recording')
  for (let fold = 0; fold < folds; fold++) {
    const test = blocks.flatMap((trials) =>
      trials.filter((_, i) => Math.floor((i * folds) / trials.length) === fold).flat(),
    )
    const out = new Set([...test, ...nearby(windows, test, Number.MIN_VALUE)])
    const train = [...windows.labels.keys()].filter((index) => !out.has(index))
    const lda = await ShrinkageLda.fit(
      takeRows(features, train),
      train.map((index) => blockOf[index]!),
      blocks.length,
    )
    const { predicted } = lda.predict(takeRows(features, test))
    const answers = predictionsFor(windows, test, { fold, seed: 0, predicted })
    for (const [i, answer] of answers.entries()) predictions.push({ ...answer, truth: blockOf[test[i]!]! })
  }
  const { accuracy } = summarisePredictions(predictions, { classes: blocks.length })
  const kind =
    new Set(windows.origins.map(({ recording }) => recording)).size > 1 ? 'recordings' : 'fifths of the recording'
  const told = accuracy.p < 0.05
  const { mean: score, low, high, chance, p } = accuracy
  return [
    {
      ...{
        control: 'block',
        what: `which of ${blocks.length} ${kind}, by LDA on powers and means`,
        figure: 'accuracy',
      },
      ...{ score, low, high, chance, p },
      reading: told
        ? 'Blocks can be told: leave whole blocks out, and see that classes are mixed within them.'
        : 'Blocks cannot be told from these features.',
    },
    classFromBlock(windows, blocks),
  ]
}

/** What the most frequent class of each block would score at best. */
function classFromBlock(windows: EegWindows, blocks: readonly number[][][]): ControlResult {
  const counts = blocks.map((trials) => countLabels(windows, trials))
  const whole = counts[0]!.map((_, label) => counts.reduce((sum, own) => sum + own[label]!, 0))
  const total = whole.reduce((a, b) => a + b, 0)
  const score = counts.reduce((sum, own) => sum + Math.max(...own), 0) / total
  const chance = chanceLevel(whole)
  return {
    ...{ control: 'block', what: 'the class, by the most frequent one of its block (at best)', figure: 'accuracy' },
    ...{ score, chance },
    reading:
      score > chance + (1 - chance) / 2
        ? 'Blocks give the classes away: a score of classes cannot be told from a score of blocks.'
        : 'Knowing the block alone gives the class no better than this.',
  }
}

/**
 * Tells from the same windows when they were recorded, in seconds since the start of their recording, on the splits of the run: linear regression with
 * the covariance shrunk by Ledoit and Wolf's rule. Where time can be told, neighbours in time are alike: random folds then flatter.
 *
 * @throws EegTorchError `INVALID_OPTION` for windows that all start at one time; `SPLIT_LEAKS` as {@link assertNoLeak}
 */
export async function timeControl(windows: EegWindows, splits: readonly Split[]): Promise<ControlResult[]> {
  for (const split of splits) assertNoLeak(windows, split)
  const features = await extractFeatures(windows, controlFeatures)
  const onset = (index: number) => windows.origins[index]!.onset
  let [error, spread] = [0, 0]
  for (const split of splits) {
    const seen = shapingWindows(split)
    const centre = mean(seen.map(onset))
    const predict = await fitShrunkRegression(
      takeRows(features, seen),
      seen.map((index) => onset(index) - centre),
    )
    const told = predict(takeRows(features, split.test))
    for (const [i, index] of split.test.entries()) {
      const time = onset(index) - centre
      error += (time - told[i]!) ** 2
      spread += time ** 2
    }
  }
  if (spread === 0) throw tooFew('time', 'windows of different times')
  const score = 1 - error / spread
  return [
    {
      ...{
        control: 'time',
        what: 'the time in the recording, by regression on powers and means',
        figure: 'explained variance',
      },
      ...{ score, chance: 0 },
      reading:
        score > 0.1
          ? 'The signal drifts with time in the same way in training and test: see that classes are mixed in time.'
          : 'Time cannot be told on what was left out.',
    },
  ]
}

/** Decoders that were trained on shuffled labels, as a control. */
export function shuffledControl(name: string, tests: readonly PermutationTest[], chance: number): ControlResult[] {
  return tests.map(({ statistic, nullMean, nullHigh, permutations }) => {
    const level = statistic === 'accuracy' ? chance : 0.5
    return {
      control: 'shuffled',
      what: `the class, by ${name} trained ${permutations} times on shuffled labels`,
      ...{ figure: statistic, score: nullMean, chance: level },
      reading: `What training cannot teach stays at chance; 95 % of these trainings score at most ${nullHigh.toFixed(3)}.`,
    }
  })
}

/** A network that was trained on shuffled labels, as a control. */
export function shuffledNetwork(name: string, predictions: readonly Prediction[], classes: number): ControlResult[] {
  const { accuracy, rocAuc } = summarisePredictions(predictions, { classes })
  const what = `the class, by ${name} trained on shuffled labels`
  const { mean: score, low, high, chance, p } = accuracy
  const reading =
    p < 0.05
      ? 'Above chance where nothing could be learned: something other than training leads to right answers.'
      : 'At chance, as it must be.'
  const common = { control: 'shuffled', what, reading } as const
  return [
    { ...common, figure: 'accuracy', score, low, high, chance, p },
    ...(rocAuc === undefined
      ? []
      : [
          {
            ...common,
            figure: 'ROC area' as const,
            score: rocAuc.mean,
            low: rocAuc.low,
            high: rocAuc.high,
            chance: 0.5,
          },
        ]),
  ]
}

/** `control, block: which of 3 recordings, by LDA: accuracy 0.98 (chance 0.33, p < 1e-15). Blocks can be told: ...` */
export function formatControl({ control, what, figure, score, chance, reading }: ControlResult): string {
  return `control, ${control}: ${what}: ${figure} ${score.toFixed(3)} (chance ${chance.toFixed(3)}). ${reading}`
}

/** Log power of each channel, and its mean over quarters of the window. */
function controlFeatures(windows: BaselineWindows): FeatureRows {
  const powers = logVariances(windows.data, windows.nChannels, windows.nSamples)
  const means = stretchMeans(windows, Math.min(MEANS, windows.nSamples))
  const width = powers.width + means.width
  const rows = powers.values.length / powers.width
  const values = new Float64Array(rows * width)
  for (let row = 0; row < rows; row++) {
    values.set(powers.values.subarray(row * powers.width, (row + 1) * powers.width), row * width)
    values.set(means.values.subarray(row * means.width, (row + 1) * means.width), row * width + powers.width)
  }
  return { values, width }
}

/** Trials of each block in the order of time, each with its windows. */
function blocksOf(windows: EegWindows): number[][][] {
  const recordings = [...trialsByRecording(windows).values()].map((trials) => trials.map(({ indices }) => indices))
  if (recordings.length > 1) return recordings
  const trials = recordings[0] ?? []
  const blocks = Array.from({ length: STRETCHES }, (_, block) =>
    trials.filter((_, i) => Math.floor((i * STRETCHES) / trials.length) === block),
  )
  if (blocks.every((block) => block.length > 1)) return blocks
  throw tooFew('block', `at least ${2 * STRETCHES} trials`)
}

function countLabels(windows: EegWindows, trials: readonly number[][]): number[] {
  const counts = new Array<number>(windows.classNames.length).fill(0)
  for (const [label, own] of groupBy(trials, ([first]) => windows.labels[first!]!)) counts[label] = own.length
  return counts
}

function tooFew(control: string, expected: string): EegTorchError {
  return new EegTorchError('INVALID_OPTION', `the ${control} control has too little to work on`, {
    option: 'controls',
    expected,
    received: 'fewer',
  })
}
