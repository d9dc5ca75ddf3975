import { EegTorchError } from '../errors.ts'
import type { EpochFigures } from './learning-curve.ts'

/** When to stop before the last epoch. Decided on validation data only. */
export interface EarlyStoppingOptions {
  /** Epochs without improvement after which training stops. */
  patience: number
  /** What must improve; default `loss`. */
  monitor?: 'loss' | 'accuracy'
  /** By how much, at least; default 0. */
  minDelta?: number
}

/** The best epoch so far; plain data, part of a training's state. */
export interface BestEpoch {
  /** From 1. */
  epoch: number
  /** Greater is better. */
  score: number
}

/** Validation score of an epoch, greater is better. */
export function scoreEpoch(figures: EpochFigures, monitor: 'loss' | 'accuracy' = 'loss'): number {
  const value = monitor === 'accuracy' ? figures.validationAccuracy : figures.validationLoss
  if (value === undefined) {
    throw new EegTorchError('INVALID_OPTION', `there is no validation ${monitor} to choose an epoch by`, {
      option: 'monitor',
      expected: 'validation data and a loss that gives this figure',
      received: 'none',
    })
  }
  return monitor === 'accuracy' ? value : -value
}

/** Whether an epoch is better than the best before it. */
export function improves(score: number, best: BestEpoch | undefined, minDelta = 0): boolean {
  return best === undefined ? !Number.isNaN(score) : score > best.score + minDelta
}

/** Whether training has gone on for too long without improvement. */
export function isStale(epoch: number, best: BestEpoch | undefined, { patience }: EarlyStoppingOptions): boolean {
  return epoch - (best?.epoch ?? 0) >= patience
}

/** @throws EegTorchError `INVALID_OPTION` */
export function checkEarlyStopping({ patience, minDelta = 0 }: EarlyStoppingOptions, hasValidation: boolean): void {
  if (!hasValidation) {
    throw new EegTorchError('INVALID_OPTION', 'early stopping has nothing to decide by', {
      option: 'earlyStopping',
      expected: 'validation data beside it',
      received: 'none',
    })
  }
  if (Number.isInteger(patience) && patience >= 1 && minDelta >= 0) return
  throw new EegTorchError('INVALID_OPTION', 'early stopping is not usable', {
    option: 'earlyStopping',
    expected: 'a patience of 1 or more epochs and a minDelta of 0 or more',
    received: `patience ${patience}, minDelta ${minDelta}`,
  })
}
