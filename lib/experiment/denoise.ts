import { cat, fromTypedArray } from '../creation.ts'
import type { EegWindows } from '../datasets/windows.ts'
import { EegTorchError } from '../errors.ts'
import type { DenoisedExample, DenoiseResult, DenoiseScore, Gain } from '../evaluation/denoising-scores.ts'
import { type GroupBy, leaveOneOut, type Split } from '../evaluation/split.ts'
import { mean, standardDeviation } from '../evaluation/statistics.ts'
import { scope } from '../memory.ts'
import { EegImages, type ImageSize } from '../regimes/eeg-images.ts'
import { addNoise, snrGained } from '../regimes/noise.ts'
import type { Tensor } from '../tensor.ts'
import type { TrainingStore } from '../training/fit.ts'
import { windowTensors } from '../training/tensor-set.ts'
import { type Denoiser, type DenoiserOptions, denoisers, type LearnDenoiser, untrainedDenoisers } from './denoisers.ts'

/** How to measure denoising. */
export interface DenoiseOptions
  extends Omit<DenoiserOptions, 'store' | 'validation' | 'earlyStopping' | 'monitor' | 'minDelta' | 'onEpoch'> {
  /** Which networks; default `aae`. */
  models?: readonly ('aae' | 'vae')[]
  /** Decibels of the noisy signal, per channel and window; default 0: as much noise as signal. */
  snr?: number
  /** Draws of noise for each training window; default 4. */
  copies?: number
  /** What one fold tests; default `run`. */
  leaveOut?: GroupBy
  /** Rows and columns of images; default 64 x 64. */
  size?: ImageSize
  /** Where the training of a network on a fold keeps its state. */
  storeOf?: (place: DenoisePlace) => TrainingStore
  onEpoch?: (place: DenoisePlace, epoch: number, loss: number) => void
}

/** One training: of which network, on which fold, from 0. */
export interface DenoisePlace {
  model: string
  fold: number
  folds: number
}

/** One kind of data of held-out windows. */
type Kinds<T> = { images: T; signals: T }

/** What one way of denoising did on one fold. */
interface FoldOutcome {
  gains: Kinds<number[]>
  /** Sums of squares: what the estimate gets wrong, and what there is. */
  wrong: Kinds<number>
  whole: Kinds<number>
  example: DenoisedExample
}

/**
 * Adds noise at a known level to recordings, trains denoisers on what each fold keeps, and measures by how much they raise the signal-to-noise
 * ratio of what it left out. Scales and networks are learned from the training part; the noise of training and test is drawn apart.
 *
 * @throws EegTorchError `INVALID_OPTION`, `SPLIT_LEAKS`, `SHAPE_MISMATCH`, and those of training
 */
export async function denoise(windows: EegWindows, options: DenoiseOptions): Promise<DenoiseResult> {
  const { models = ['aae'], snr = 0, size = [64, 64] } = options
  const splits = leaveOneOut(windows, options.leaveOut ?? 'run')
  const ways: [string, LearnDenoiser][] = [...models.map(learnerOf), ...Object.entries(untrainedDenoisers)]
  const outcomes = ways.map((): FoldOutcome[] => [])
  const { inputs: eeg } = windowTensors(windows)
  for (const [fold, split] of splits.entries()) {
    const data = foldData(eeg, split, fold, options)
    for (const [i, [name, learn]] of ways.entries()) {
      const denoiser = await learn(data.training, data.images, loopOptions(name, fold, splits.length, options))
      outcomes[i]!.push(await measure(name, denoiser, data))
    }
  }
  return {
    snr,
    windows: windows.length,
    folds: splits.map(({ name }) => name),
    size,
    scores: ways.map(([name], i) => score(name, outcomes[i]!)),
    examples: outcomes.map(([first]) => first!.example),
  }
}

interface FoldData {
  training: { clean: Tensor; noisy: Tensor }
  test: { clean: Tensor; noisy: Tensor }
  images: EegImages
}

function foldData(eeg: Tensor, split: Split, fold: number, options: DenoiseOptions): FoldData {
  const { snr = 0, copies = 4, seed = 0, size = [64, 64] } = options
  const [kept, held] = [rowsOf(eeg, split.train), rowsOf(eeg, split.test)]
  const images = EegImages.fit(kept, { size })
  const shown = (signals: Tensor) => signals.narrow(2, 0, images.shown(eeg.shape[2]!)).contiguous()
  // Streams of noise: one for each fold's test, and one for each copy of each fold's training part.
  const stream = (copy: number) => (seed * 1000 + fold) * 1000 + copy
  const draws = Array.from({ length: copies }, (_, copy) => addNoise(shown(kept), { snr, seed: stream(1 + copy) }))
  return {
    training: { clean: shown(kept), noisy: cat(draws, 0) },
    test: { clean: shown(held), noisy: addNoise(shown(held), { snr, seed: stream(0) }) },
    images,
  }
}

function loopOptions(model: string, fold: number, folds: number, options: DenoiseOptions): DenoiserOptions {
  const { models: _, snr, copies, leaveOut, size, storeOf, onEpoch, ...loop } = options
  const place = { model, fold, folds }
  return {
    ...loop,
    ...(storeOf && { store: storeOf(place) }),
    ...(onEpoch && {
      onEpoch: ({ epoch, trainLoss }: { epoch: number; trainLoss: number }) => onEpoch(place, epoch, trainLoss),
    }),
  }
}

/** What a denoiser gains on the held-out windows of a fold. */
async function measure(name: string, denoiser: Denoiser, { training, test, images }: FoldData): Promise<FoldOutcome> {
  const estimate = await denoiser(test.noisy)
  return scope(() => {
    const denoised = {
      images: estimate.images ?? images.draw(estimate.signals!),
      signals: estimate.signals ?? images.restore(estimate.images!, test.noisy),
    }
    const clean = { images: images.draw(test.clean), signals: test.clean }
    const noisy = { images: images.draw(test.noisy), signals: test.noisy }
    const centre = { images: images.draw(training.clean).mean([0], true), signals: training.clean.mean([0], true) }
    const each = <T>(value: (kind: keyof Kinds<T>) => T): Kinds<T> => ({
      images: value('images'),
      signals: value('signals'),
    })
    return {
      gains: each((kind) => snrGained(clean[kind], noisy[kind], denoised[kind])),
      wrong: each((kind) => squares(denoised[kind].sub(clean[kind]))),
      whole: each((kind) => squares(clean[kind].sub(centre[kind]))),
      example: {
        name,
        images: { clean: first(clean.images), noisy: first(noisy.images), denoised: first(denoised.images) },
        signals: { clean: first(clean.signals), noisy: first(noisy.signals), denoised: first(denoised.signals) },
      },
    }
  })
}

function score(name: string, folds: readonly FoldOutcome[]): DenoiseScore {
  const gain = (kind: keyof Kinds<Gain>): Gain => ({
    mean: mean(folds.flatMap(({ gains }) => gains[kind])),
    deviation: standardDeviation(folds.map(({ gains }) => mean(gains[kind]))),
  })
  const explained = (kind: keyof Kinds<number>) =>
    1 - mean(folds.map(({ wrong }) => wrong[kind])) / mean(folds.map(({ whole }) => whole[kind]))
  return {
    name,
    images: gain('images'),
    signals: gain('signals'),
    explained: { images: explained('images'), signals: explained('signals') },
  }
}

function learnerOf(name: 'aae' | 'vae'): [string, LearnDenoiser] {
  const learn = denoisers[name]
  if (learn !== undefined) return [name, learn]
  throw new EegTorchError('UNKNOWN_NAME', `no denoiser is called ${name}`, {
    option: 'models',
    expected: Object.keys(denoisers).join(' or '),
    received: String(name),
  })
}

function rowsOf(eeg: Tensor, indices: readonly number[]): Tensor {
  return eeg.index_select(0, fromTypedArray(BigInt64Array.from(indices, BigInt)))
}

const first = (tensor: Tensor): number[] => Array.from(tensor.select(0, 0).contiguous().toTypedArray() as Float32Array)
const squares = (tensor: Tensor): number => tensor.to('float64').square().sum().item() as number
