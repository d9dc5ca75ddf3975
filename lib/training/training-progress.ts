import { z } from 'zod'
import type { BestEpoch } from './early-stopping.ts'
import { type EpochFigures, epochFigures, figure, whole } from './learning-curve.ts'
import type { StepResult } from './train-step.ts'

/** {@link ProgressRecord} in a checkpoint. */
export const progressRecord = z.object({
  /** Epochs done. */
  epoch: whole,
  /** Batches done of the epoch under way. */
  batch: whole,
  /** Steps done in all. */
  step: whole,
  /** Batches of an epoch; states of older versions do not tell. */
  batches: whole.optional(),
  /** Sums over the batches of the epoch under way. */
  sums: z.object({ loss: figure, mass: figure, correct: whole.nullable(), count: whole }),
  epochs: z.array(epochFigures),
  best: z.object({ epoch: z.int().positive(), score: figure }).optional(),
  stopped: z.boolean(),
})

/** How far a training is, as plain data: goes into a checkpoint as JSON. */
export type ProgressRecord = Omit<z.infer<typeof progressRecord>, 'epochs'> & { epochs: EpochFigures[] }

/** How far a training is. */
export class TrainingProgress implements ProgressRecord {
  epoch: number
  batch: number
  step: number
  batches: number | undefined
  sums: ProgressRecord['sums']
  epochs: EpochFigures[]
  best: BestEpoch | undefined
  stopped: boolean

  constructor(record: ProgressRecord) {
    this.epoch = record.epoch
    this.batch = record.batch
    this.step = record.step
    this.batches = record.batches
    this.sums = { ...record.sums }
    this.epochs = [...record.epochs]
    this.best = record.best
    this.stopped = record.stopped
  }

  /** Counts a step. */
  add({ loss, mass, correct, count }: StepResult): void {
    this.batch++
    this.step++
    const { sums } = this
    this.sums = {
      loss: sums.loss + loss * mass,
      mass: sums.mass + mass,
      correct: correct === null || sums.correct === null ? null : sums.correct + correct,
      count: sums.count + count,
    }
  }

  /** Training figures of the epoch under way. Accuracy is taken while the weights move, so it lags behind the loss. */
  epochFigures(): EpochFigures {
    const { loss, mass, correct, count } = this.sums
    return {
      epoch: this.epoch + 1,
      trainLoss: loss / mass,
      ...(correct !== null && { trainAccuracy: correct / count }),
    }
  }

  endEpoch(figures: EpochFigures): void {
    this.epochs.push(figures)
    this.epoch++
    this.batch = 0
    this.sums = emptySums()
  }
}

/** The start of a training. */
export function newProgress(): TrainingProgress {
  return new TrainingProgress({ epoch: 0, batch: 0, step: 0, sums: emptySums(), epochs: [], stopped: false })
}

function emptySums(): ProgressRecord['sums'] {
  return { loss: 0, mass: 0, correct: 0, count: 0 }
}
