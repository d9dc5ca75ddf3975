import { Standardiser } from '../datasets/standardise.ts'
import type { EegWindows } from '../datasets/windows.ts'
import { EegTorchError } from '../errors.ts'
import { type GroupBy, leaveOneOut } from '../evaluation/split.ts'
import { clopperPearson } from '../evaluation/statistics.ts'
import { models } from '../models/models.ts'
import { type AlignmentOptions, fitAlignment, retrieveImages } from '../regimes/alignment.ts'
import { manualSeed } from '../runtime.ts'
import type { Tensor } from '../tensor.ts'
import type { TrainingStore } from '../training/fit.ts'
import { windowTensors } from '../training/tensor-set.ts'

/** How to measure alignment. */
export interface AlignOptions
  extends Omit<AlignmentOptions, 'store' | 'validation' | 'earlyStopping' | 'monitor' | 'minDelta' | 'onEpoch'> {
  /** What one fold tests; default `run`. */
  leaveOut?: GroupBy
  /** Options of `sgdm_eeg_encoder` besides its sizes. */
  model?: Readonly<Record<string, unknown>>
  /** Where the training of a fold keeps its state. */
  storeOf?: (fold: number) => TrainingStore
  onEpoch?: (place: { fold: number; folds: number }, epoch: number, loss: number) => void
}

/** A share of held-out windows, its 95 % interval (Clopper and Pearson), and what the best constant answer gets. */
export interface RetrievalShare {
  share: number
  low: number
  high: number
  chance: number
}

/** How often the image that was seen is found among all, by the EEG that no training saw. */
export interface AlignResult {
  /** Held-out windows that were scored. */
  windows: number
  images: number
  folds: string[]
  /** Of each held-out window's own image, from 1, in the order of the folds. */
  ranks: number[]
  top1: RetrievalShare
  /** Absent with five images or fewer. */
  top5?: RetrievalShare
}

/**
 * Trains an EEG encoder towards image embeddings on what each fold keeps, and looks up the images of the windows that it left out. Scales are
 * learned from the training part.
 *
 * @param windows their class is the image that was seen
 * @param embeddings (classes, dim): one row per class
 * @throws EegTorchError `SHAPE_MISMATCH`, `INVALID_OPTION`, `SPLIT_LEAKS`, and those of training
 */
export async function align(windows: EegWindows, embeddings: Tensor, options: AlignOptions): Promise<AlignResult> {
  const { leaveOut = 'run', model, storeOf, onEpoch, ...training } = options
  const classes = windows.classNames.length
  if (embeddings.shape.length !== 2 || embeddings.shape[0] !== classes) {
    throw new EegTorchError('SHAPE_MISMATCH', 'there is not one embedding for each class', {
      option: 'embeddings',
      expected: `(${classes}, dim), in the order ${windows.classNames.join(', ')}`,
      received: `(${embeddings.shape.join(', ')})`,
    })
  }
  const splits = leaveOneOut(windows, leaveOut)
  const ranks: number[] = []
  for (const [fold, split] of splits.entries()) {
    const scaled = (await Standardiser.fitAsync(windows, split.train)).apply(windows)
    manualSeed(training.seed ?? 0)
    const sizes = { nChans: windows.nChannels, nTimes: windows.nSamples, latentDim: embeddings.shape[1]! }
    using encoder = models.sgdmEegEncoder({ ...model, ...sizes })
    const place = { fold, folds: splits.length }
    await fitAlignment(encoder, windowTensors(scaled.subset(split.train)), embeddings, {
      ...training,
      ...(storeOf && { store: storeOf(fold) }),
      ...(onEpoch && { onEpoch: ({ epoch, trainLoss }) => onEpoch(place, epoch, trainLoss) }),
    })
    const found = await retrieveImages(encoder, windowTensors(scaled.subset(split.test)), embeddings)
    for (const rank of found.ranks) ranks.push(rank)
  }
  const counts = windows.countClasses().sort((a, b) => b - a)
  return {
    windows: windows.length,
    images: classes,
    folds: splits.map(({ name }) => name),
    ranks,
    top1: shareWithin(1, ranks, counts),
    ...(classes > 5 && { top5: shareWithin(5, ranks, counts) }),
  }
}

/** Share of ranks up to a limit. The best constant answer is to name the most frequent classes always. */
function shareWithin(limit: number, ranks: readonly number[], counts: readonly number[]): RetrievalShare {
  const right = ranks.filter((rank) => rank <= limit).length
  const chance = counts.slice(0, limit).reduce((sum, count) => sum + count, 0) / ranks.length
  return { share: right / ranks.length, ...clopperPearson(right, ranks.length), chance }
}
