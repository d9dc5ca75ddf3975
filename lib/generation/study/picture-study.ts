import { noGrad } from '../../autograd.ts'
import { Standardiser } from '../../datasets/standardise.ts'
import type { EegWindows } from '../../datasets/windows.ts'
import { defined } from '../../defined.ts'
import { type LeakProof, proveSplit } from '../../evaluation/leaks.ts'
import type { Split } from '../../evaluation/split.ts'
import { type AccuracySummary, summarisePredictions } from '../../evaluation/summary.ts'
import { Random } from '../../random.ts'
import { manualSeed } from '../../runtime.ts'
import { windowTensors } from '../../training/tensor-set.ts'
import { controlWindows } from '../control-windows.ts'
import type { PictureControl } from '../pictures/controls.ts'
import { type Picture, picturesOf } from '../pictures/picture.ts'
import { type EegReading, Sgdm } from '../sgdm/sgdm.ts'
import { SgdmPipeline } from '../sgdm/sgdm-pipeline.ts'
import { studyNetworks, studyScheduler } from './study-networks.ts'
import type { StimulusParts } from './study-stimuli.ts'
import { readingOfLabels, stimulusTables } from './study-tables.ts'
import { type StudyTraining, trainStudy } from './train-study.ts'

/** What a study draws: pictures of the EEG, and of each control. */
export type DrawnKind = 'made' | PictureControl

/** How to run a study. */
export interface StudyOptions {
  /** Default 0. */
  seed?: number
  /** Batches of 16 windows to train on; default 1200. */
  batches?: number
  /** Test trials that are drawn, the same number of each class; default 48. */
  pictures?: number
  /** Steps of the sampling; default 25. */
  steps?: number
  onTraining?: (progress: StudyTraining) => void
  /** Called before the pictures of a kind are drawn. */
  onDrawing?: (kind: DrawnKind) => void
  signal?: AbortSignal | undefined
}

/** A test trial and what was drawn of it. */
export interface DrawnTrial {
  /** Number of the window. */
  window: number
  truth: number
  predicted: number
  pictures: Readonly<Record<DrawnKind, Picture>>
}

/** What a study found. */
export interface StudyResult {
  /** Classes that were read from all test windows. */
  decoding: AccuracySummary
  /** Classes take turns. */
  drawn: DrawnTrial[]
  trainLoss: number
  /** That training and test part share no trial, no time and no samples. */
  proof: LeakProof
}

const GUIDANCE = 2

/**
 * Trains an EEG encoder and a diffusion model together on the training part and draws pictures of test trials, and of what they are held against: EEG
 * of trials of another class, noise, and the class that was read without any EEG. Each training window is paired with pictures of its class.
 *
 * @throws EegTorchError `SPLIT_LEAKS` before anything is trained; `CANCELLED`, and as `fitSgdm`
 */
export async function runPictureStudy(
  windows: EegWindows,
  split: Split,
  stimuli: StimulusParts,
  options: StudyOptions = {},
): Promise<StudyResult> {
  const { seed = 0, batches = 1200, pictures = 48, steps = 25, onTraining, onDrawing, signal } = options
  const proof = proveSplit(windows, split)
  const { train, test } = split
  manualSeed(seed)
  const scheduler = studyScheduler()
  const tables = await stimulusTables(stimuli, windows.classNames.length)
  const networks = new Sgdm(studyNetworks(windows, tables)).scaleEeg(Standardiser.fit(windows, train))
  const trainLoss = await trainStudy(networks, windows.subset(train), tables, {
    ...{ scheduler, batches, seed },
    ...defined({ onTraining, signal }),
  })
  using pipeline = new SgdmPipeline({ networks, codec: tables.codec, scheduler })
  const { predicted, decoding } = await readClasses(pipeline, windows, test)
  const chosen = choosePerClass(windows, test, pictures, seed)
  const labels = chosen.map((window) => windows.labels[window]!)
  const read = chosen.map((window) => predicted.get(window)!)

  const shown = windows.subset(chosen)
  const readEeg = (eeg: EegWindows) => pipeline.read(windowTensors(eeg).inputs)
  const sources: Record<DrawnKind, () => Promise<EegReading>> = {
    made: () => readEeg(shown),
    shuffled: async () => readEeg(await controlWindows(shown, 'shuffled', { seed })),
    random: async () => readEeg(await controlWindows(shown, 'random', { seed })),
    label: async () => readingOfLabels(networks, tables, read),
  }
  const drawn = {} as Record<DrawnKind, Picture[]>
  for (const kind of Object.keys(sources) as DrawnKind[]) {
    onDrawing?.(kind)
    const draw = pipeline.draw(await sources[kind](), { steps, guidance: GUIDANCE, seed, ...defined({ signal }) })
    using images = await draw.images()
    drawn[kind] = await picturesOf(images)
  }
  const picturesAt = (i: number): DrawnTrial['pictures'] => {
    const { made, shuffled, random, label } = drawn
    return { made: made[i]!, shuffled: shuffled[i]!, random: random[i]!, label: label[i]! }
  }
  const trials = chosen.map((window, i) => {
    return { window, truth: labels[i]!, predicted: read[i]!, pictures: picturesAt(i) }
  })
  return { decoding, drawn: trials, trainLoss, proof }
}

/** The class that is read from each test window. */
async function readClasses(
  pipeline: SgdmPipeline,
  windows: EegWindows,
  test: readonly number[],
): Promise<{ predicted: Map<number, number>; decoding: AccuracySummary }> {
  const reading = await pipeline.read(windowTensors(windows.subset(test)).inputs)
  const classes = (noGrad(() => reading.logits!.argmax(1)).toArray() as bigint[]).map(Number)
  const predictions = test.map((window, i) => {
    const answer = { truth: windows.labels[window]!, predicted: classes[i]! }
    return { subject: '', trial: String(window), seed: 0, fold: 0, ...answer }
  })
  const { accuracy } = summarisePredictions(predictions, { classes: windows.classNames.length })
  return { predicted: new Map(test.map((window, i) => [window, classes[i]!])), decoding: accuracy }
}

/** So many test windows, the same number of each class in turns, drawn without a look at what is read from them. */
function choosePerClass(windows: EegWindows, test: readonly number[], count: number, seed: number): number[] {
  const each = Math.max(1, Math.floor(count / windows.classNames.length))
  const perClass = windows.classNames.map((_, label) => {
    const own = test.filter((window) => windows.labels[window] === label)
    return new Random(seed, 2 + label).shuffle(own).slice(0, each)
  })
  return Array.from({ length: each }, (_, i) => perClass.flatMap((own) => own.slice(i, i + 1))).flat()
}
