import { noGrad } from '../../autograd.ts'
import { randn, tensor } from '../../creation.ts'
import { Standardiser } from '../../datasets/standardise.ts'
import type { EegWindows } from '../../datasets/windows.ts'
import { defined } from '../../defined.ts'
import type { Split } from '../../evaluation/split.ts'
import { Random } from '../../random.ts'
import { manualSeed } from '../../runtime.ts'
import type { Tensor } from '../../tensor.ts'
import { optim } from '../../training/options.ts'
import { schedules } from '../../training/schedules.ts'
import { windowTensors } from '../../training/tensor-set.ts'
import { PixelCodec } from '../picture-codec.ts'
import { type Picture, picturesOf } from '../pictures/picture.ts'
import { schedulers } from '../schedulers/index.ts'
import { fitSgdm } from '../sgdm/fit-sgdm.ts'
import { type EegReading, Sgdm } from '../sgdm/sgdm.ts'
import { SgdmPipeline } from '../sgdm/sgdm-pipeline.ts'
import { studyNetworks } from './study-networks.ts'
import { type ClassScore, classScore, nearestTraining, type StudyScore, scorePictures } from './study-scores.ts'
import type { StimulusParts } from './study-stimuli.ts'
import { readingOfLabels, stimulusTables } from './study-tables.ts'

/** Where a study stands. */
export interface StudyProgress {
  stage: 'train' | 'draw'
  /** Of the stage: steps of training, or kinds of pictures. */
  done: number
  total: number
  loss?: number
}

/** How to run a study. */
export interface StudyOptions {
  /** Default 0. */
  seed?: number
  /** Passes over the training windows; default as many as make about 1200 batches of 16. */
  epochs?: number
  /** Test trials that are drawn, the same number of each class; default 24. */
  pictures?: number
  /** Steps of the sampling; default 25. */
  steps?: number
  onProgress?: (progress: StudyProgress) => void
  signal?: AbortSignal | undefined
}

/** A test trial and what was drawn of it. */
export interface DrawnTrial {
  /** Number of the window. */
  window: number
  truth: number
  predicted: number
  picture: Picture
}

/** What a study found. */
export interface StudyResult {
  /** Classes that were read from all test windows. */
  decoding: ClassScore
  drawn: DrawnTrial[]
  /** Of the pictures from EEG first, then of each control. */
  scores: StudyScore[]
  trainLoss: number
}

const BATCH = 16
const BATCHES = 1200
const GUIDANCE = 2
const LEARNING_RATE = 1e-3

/**
 * Trains an EEG encoder and a diffusion model together on the training part and draws pictures of test trials and of controls: EEG of other trials,
 * noise, the class that was read without any EEG, and the nearest training picture. Each training window is paired with a picture of its class.
 *
 * @throws EegTorchError `CANCELLED`, and as `fitSgdm`
 */
export async function runPictureStudy(
  windows: EegWindows,
  { train, test }: Split,
  stimuli: StimulusParts,
  options: StudyOptions = {},
): Promise<StudyResult> {
  const { seed = 0, pictures = 24, steps = 25, onProgress, signal } = options
  manualSeed(seed)
  const scheduler = schedulers.ddim({ betaSchedule: 'scaled_linear', betaStart: 0.00085, betaEnd: 0.012 })
  const networks = new Sgdm(studyNetworks(windows)).scaleEeg(Standardiser.fit(windows, train))
  const { trainLoss, tables } = await trainNetworks()
  using pipeline = new SgdmPipeline({ networks, codec: new PixelCodec(), scheduler })
  const { predicted, decoding } = await readClasses(pipeline, windows, test)
  const chosen = choosePerClass(windows, test, pictures, seed)
  const labels = chosen.map((window) => windows.labels[window]!)
  const read = chosen.map((window) => predicted.get(window)!)

  const eeg = windowTensors(windows.subset(chosen)).inputs
  const sources: [string, () => Promise<EegReading>][] = [
    ['EEG', () => pipeline.read(eeg)],
    ['EEG of other trials', () => pipeline.read(eeg.index_select(0, otherTrials(chosen.length, seed)))],
    ['noise', () => pipeline.read(noiseLike(eeg, networks))],
    ['class that was read, no EEG', async () => readingOfLabels(networks, tables, read)],
  ]
  const sets: { name: string; pictures: Picture[] }[] = []
  for (const [i, [name, reading]] of sources.entries()) {
    const draw = pipeline.draw(await reading(), { steps, guidance: GUIDANCE, seed, ...defined({ signal }) })
    using images = await draw.images()
    sets.push({ name, pictures: await picturesOf(images) })
    onProgress?.({ stage: 'draw', done: i + 1, total: sources.length })
  }
  sets.push({ name: 'nearest training picture', pictures: await nearestTraining(sets[0]!.pictures, stimuli) })
  const scores: StudyScore[] = []
  for (const { name, pictures: made } of sets) {
    const drawn = made.map((picture, i) => ({ picture, label: labels[i]! }))
    scores.push(await scorePictures(name, drawn, stimuli, windows.classNames.length))
  }
  const drawn = chosen.map((window, i) => ({
    ...{ window, truth: labels[i]!, predicted: read[i]!, picture: sets[0]!.pictures[i]! },
  }))
  return { decoding, drawn, scores, trainLoss }

  async function trainNetworks() {
    const tables = await stimulusTables(stimuli, windows.classNames.length)
    const random = new Random(seed, 1)
    const targets = train.map((window) => tables.draw(windows.labels[window]!, random))
    const set = { inputs: windowTensors(windows.subset(train)).inputs, targets: tensor(targets.map(BigInt)) }
    const epochs = options.epochs ?? Math.max(1, Math.round((BATCHES * BATCH) / train.length))
    const batches = Math.ceil(train.length / BATCH)
    const { epochs: figures } = await fitSgdm(networks, set, tables.stimuli, {
      ...{ scheduler, epochs, batchSize: BATCH, seed, optimizer: optim.adamW({ lr: LEARNING_RATE }) },
      schedule: schedules.cosine(),
      onStep: ({ loss }, { step }) => onProgress?.({ stage: 'train', done: step, total: epochs * batches, loss }),
      ...defined({ signal }),
    })
    return { trainLoss: figures.at(-1)!.trainLoss, tables }
  }
}

/** The class that is read from each test window. */
async function readClasses(
  pipeline: SgdmPipeline,
  windows: EegWindows,
  test: readonly number[],
): Promise<{ predicted: Map<number, number>; decoding: ClassScore }> {
  const reading = await pipeline.read(windowTensors(windows.subset(test)).inputs)
  const classes = noGrad(() => reading.logits!.argmax(1)).toArray() as bigint[]
  const predicted = new Map(test.map((window, i) => [window, Number(classes[i])]))
  const correct = test.filter((window) => predicted.get(window) === windows.labels[window]).length
  const largest = Math.max(...windows.countClasses(test))
  return { predicted, decoding: classScore(correct, test.length, largest / test.length) }
}

/** So many test windows, the same number of each class, drawn without a look at what is read from them. */
function choosePerClass(windows: EegWindows, test: readonly number[], count: number, seed: number): number[] {
  const classes = windows.classNames.length
  return windows.classNames.flatMap((_, label) => {
    const own = test.filter((window) => windows.labels[window] === label)
    return new Random(seed, 2 + label).shuffle(own).slice(0, Math.max(1, Math.floor(count / classes)))
  })
}

/** For each trial another one. */
function otherTrials(count: number, seed: number): Tensor {
  const order = new Random(seed, 100).shuffle(Array.from({ length: count }, (_, i) => i))
  const other = new Array<bigint>(count)
  for (const [i, trial] of order.entries()) other[trial] = BigInt(order[(i + 1) % count]!)
  return tensor(other)
}

/** Noise with the mean and deviation of the training windows' channels. */
function noiseLike(eeg: Tensor, { eegMean, eegStd }: Sgdm): Tensor {
  return noGrad(() => (randn([...eeg.shape]) as Tensor).mul(eegStd).add(eegMean))
}
